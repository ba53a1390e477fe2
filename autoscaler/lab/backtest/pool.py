"""Many traces, one number: means, pooled cost, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autoscaler.lab.backtest.measures import Measures
from autoscaler.lab.backtest.spans import Floats

BOOTSTRAPS = 2000
INTERVAL = (0.05, 0.95)
SUMMED = frozenset({"replica_hours", "compute_seconds"})


def pooled(each: Sequence[Measures], oracle_hours: Sequence[float]) -> dict[str, float]:
    """Means over traces; hours are summed; `cost_pooled` is all hours over all the oracle's.

    90 % intervals of the three that decide are beside them, `_low` and `_high`.
    """
    rows = [measures.as_dict() for measures in each]
    out: dict[str, float] = {}
    for name in sorted(set().union(*rows)):
        values = [row[name] for row in rows if name in row]
        out[name] = float(np.sum(values) if name in SUMMED else np.mean(values))
    hours = np.asarray([measures.replica_hours for measures in each])
    ideal = np.asarray(oracle_hours)
    out["cost_pooled"] = float(hours.sum() / max(1e-9, ideal.sum()))
    violations = np.asarray([measures.violations for measures in each])
    cost = np.asarray([measures.cost_vs_oracle for measures in each])
    picks = resamples(len(each))
    out |= _interval("violations", violations[picks].mean(axis=1))
    out |= _interval("cost_vs_oracle", cost[picks].mean(axis=1))
    out |= _interval("cost_pooled", hours[picks].sum(axis=1) / ideal[picks].sum(axis=1))
    return out


def against(one: Sequence[Measures], other: Sequence[Measures]) -> Mapping[str, float]:
    """Violations and hours of `one` over those of `other` on the same traces, with intervals."""
    picks = resamples(len(one))
    out: dict[str, float] = {}
    for name in ("violations", "unserved", "replica_hours"):
        mine = np.asarray([getattr(measures, name) for measures in one])
        theirs = np.asarray([getattr(measures, name) for measures in other])
        out[f"{name}_ratio"] = float(mine.sum() / max(1e-12, theirs.sum()))
        drawn = mine[picks].sum(axis=1) / np.maximum(1e-12, theirs[picks].sum(axis=1))
        out |= _interval(f"{name}_ratio", drawn)
    return out


def resamples(traces: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Which traces each bootstrap draws; the same every time."""
    return np.random.default_rng(1).integers(0, traces, size=(BOOTSTRAPS, traces))


def _interval(name: str, drawn: Floats) -> dict[str, float]:
    low, high = np.quantile(drawn, INTERVAL)
    return {f"{name}_low": float(low), f"{name}_high": float(high)}
