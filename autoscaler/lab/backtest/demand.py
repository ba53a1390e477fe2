"""From a trace to demand: how many busy replicas the requests would fill, every 10 seconds.

The rules are those that the product's published figures were made with; where a number was
assumed and not measured, its comment says so.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from autoscaler.lab.backtest.spans import DAY_S, Floats
from autoscaler.lab.traces import Trace

STEP_S = 10.0

# Coarse buckets do not hold what happens inside them: an assumed variation of 10 %, 60 s long.
NOISE_CV = 0.1
NOISE_CORRELATION_S = 60.0
NOISE_FROM_BUCKET_S = 300.0

# Fine buckets are half trusted as they stand and half smoothed towards their neighbours.
FINE_BUCKET_S = 60.0

# Below this many requests a bucket, chance decides when each one arrives.
DRAWN_UP_TO = 2000


@dataclass(frozen=True, slots=True)
class Scale:
    """How requests become replicas.

    `peak_replicas` is the demand's 99.9th percentile after scaling; demand is cut at
    `clip_replicas`. `service_s` is the mean time of one request.
    """

    peak_replicas: float = 20.0
    clip_replicas: float = 200.0
    service_s: float = 10.0


def demand_of(trace: Trace, scale: Scale | None = None) -> Floats:
    """Concurrency in replicas of work on a grid of `STEP_S`; the same trace gives the same."""
    scale = scale or Scale()
    rng = np.random.default_rng(zlib.crc32(trace.name.encode()))
    busy = smoothed(arrivals_of(trace, rng), STEP_S, scale.service_s)
    peak = float(np.quantile(busy, 0.999))
    if peak <= 0:
        return np.zeros_like(busy)
    return np.minimum(busy * (scale.peak_replicas / peak), scale.clip_replicas)


def arrivals_of(trace: Trace, rng: np.random.Generator) -> Floats:
    """Requests per `STEP_S`; every bucket keeps its count."""
    if trace.bucket_s < STEP_S:
        raise ValueError(f"trace {trace.name}: buckets must be at least {STEP_S:g} s")
    parts = round(trace.bucket_s / STEP_S)
    shape = _within(trace, parts)
    if trace.bucket_s >= NOISE_FROM_BUCKET_S:
        shape *= _noise(shape.size, rng).reshape(shape.shape)
    counts = np.asarray(trace.requests)
    total = shape.sum(axis=1, keepdims=True)
    share = np.where(total > 0, shape / np.where(total > 0, total, 1.0), 1.0 / parts)
    fine: Floats = share * counts[:, None]
    few = (counts > 0) & (counts <= DRAWN_UP_TO)
    if few.any():
        fine[few] = rng.multinomial(np.round(counts[few]).astype(np.int64), share[few])
    flat: Floats = fine.ravel()
    return flat


def _within(trace: Trace, parts: int) -> Floats:
    """The rate inside each bucket: a line between bucket centres, for fine ones half flat."""
    counts = np.asarray(trace.requests)
    centres = np.arange(counts.size) + 0.5
    grid = (np.arange(counts.size * parts) + 0.5) / parts
    rate = np.interp(grid, centres, counts).reshape(counts.size, parts)
    if trace.bucket_s <= FINE_BUCKET_S:
        rate = (rate + counts[:, None]) / 2
    return np.asarray(rate, dtype=np.float64)


def _noise(size: int, rng: np.random.Generator) -> Floats:
    """Lognormal AR(1) noise of mean 1."""
    sigma = math.sqrt(math.log1p(NOISE_CV**2))
    keep = math.exp(-STEP_S / NOISE_CORRELATION_S)
    white = rng.standard_normal(size) * math.sqrt(1 - keep * keep)
    white[0] /= math.sqrt(1 - keep * keep)
    varied: Floats = np.exp(sigma * recursive(white, keep) - sigma * sigma / 2)
    return varied


def smoothed(values: Floats, step_s: float, service_s: float) -> Floats:
    """Exponential smoothing: what arrives stays in the system for `service_s` on average."""
    if service_s <= 0:
        return values
    keep = math.exp(-step_s / service_s)
    return recursive(values * (1 - keep), keep)


def recursive(values: Floats, keep: float) -> Floats:
    """y[i] = keep * y[i-1] + values[i]."""
    out = np.empty(values.size)
    state = 0.0
    for index, value in enumerate(values.tolist()):
        state = keep * state + value
        out[index] = state
    return out


def history_steps(steps: int) -> int:
    """How many steps are history and not scored: 7 days, or half when there is less."""
    return min(round(7 * DAY_S / STEP_S), steps // 2)
