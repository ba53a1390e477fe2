"""The scaler that knows the future: the least replica-time that never falls short."""

from __future__ import annotations

import math

import numpy as np

from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.plant import EPSILON
from autoscaler.lab.backtest.spans import Floats


def oracle_steps(demand: Floats, cold_start_s: float, least: int = 1, most: int = 60) -> int:
    """Replica-steps that the oracle pays for `demand` (replicas per step), cold starts included.

    Each replica level stands alone: it is kept through a gap of at most the cold start, and
    else let go and started again just in time, which costs one cold start. That is optimal,
    because a gap costs its length when kept and the cold start when not.
    """
    cold = math.ceil(cold_start_s / STEP_S)
    needed = np.clip(np.ceil(demand - EPSILON), least, most).astype(np.int64)
    total = 0
    for level in range(1, int(needed.max(initial=0)) + 1):
        total += _level(needed >= level, cold)
    return total


def _level(busy: np.ndarray[tuple[int], np.dtype[np.bool_]], cold: int) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], busy.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    if starts.size == 0:
        return 0
    gaps = starts[1:] - ends[:-1]
    first = min(int(starts[0]), cold)
    return int((ends - starts).sum() + np.minimum(gaps, cold).sum()) + first
