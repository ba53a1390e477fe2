"""Small histories to tune on: days of load with a shape that a test chooses."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.tune.days import History

DAY_STEPS = round(86_400 / STEP_S)


def daily(
    days: float, peak: float = 8.0, seed: int = 1
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Demand in replicas: a wave a day, between an eighth of the peak and the peak, a bit rough."""
    steps = np.arange(round(days * DAY_STEPS))
    wave = (1 - np.cos(2 * math.pi * steps / DAY_STEPS)) / 2
    rough = np.random.default_rng(seed).normal(0, 0.02, steps.size)
    return np.maximum(0.0, peak * (0.125 + 0.875 * wave) * (1 + rough))


def history(days: float, name: str = "chat", **parts: float) -> History:
    """A history of such days."""
    return History(name, daily(days, **parts))  # type: ignore[arg-type]  # peak and seed


def trace_file(folder: Path, days: float, bucket_s: int = 60, name: str = "chat") -> Path:
    """The same as a trace of requests in a CSV file."""
    demand = daily(days)[:: max(1, round(bucket_s / STEP_S))]
    path = folder / f"{name}.csv"
    rows = [f"{i * bucket_s},{value * 100:.0f}" for i, value in enumerate(demand)]
    path.write_text("\n".join(["timestamp_s,requests", *rows]) + "\n", encoding="utf-8")
    return path
