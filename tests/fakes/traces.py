"""Load that a test can reason about."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autoscaler.core.observation import Series
from autoscaler.lab.history import Demand, demand_from
from autoscaler.lab.traces import Trace


def day(name: str = "day", hours: int = 30) -> Trace:
    """A day's wave with a spike in its later half, in minutes."""
    minutes = range(hours * 60)
    wave = [3000.0 + 2500.0 * math.sin(minute / 1440 * 2 * math.pi) for minute in minutes]
    for minute in range(hours * 45, hours * 45 + 6):
        wave[minute] = 15_000.0
    return Trace(name, 60.0, tuple(wave))


def demand(values: Sequence[float], step: float = 60.0) -> Demand:
    """Past demand in requests, a value every `step` seconds."""
    times = tuple(1.7e9 + index * step for index in range(len(values)))
    found = demand_from("chat", Series(times, tuple(values)), step)
    assert isinstance(found, Demand)
    return found


def flat(jobs: float, days: float) -> Demand:
    """The same demand, minute by minute."""
    return demand([jobs] * round(days * 1440))
