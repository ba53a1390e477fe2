"""Long series made small enough to send: extremes per bucket, so that no spike is lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64] | NDArray[np.int64]


def edges_of(size: int, buckets: int) -> NDArray[np.int64]:
    """Where each of at most `buckets` even parts of `size` values begins."""
    count = max(1, min(size, buckets))
    return np.unique(np.linspace(0, size, count, endpoint=False).astype(np.int64))


def highest(values: Numbers, edges: NDArray[np.int64]) -> list[float]:
    """The highest value of each part."""
    return _each(np.maximum.reduceat, values, edges)


def lowest(values: Numbers, edges: NDArray[np.int64]) -> list[float]:
    """The lowest value of each part."""
    return _each(np.minimum.reduceat, values, edges)


def _each(
    reduceat: Callable[..., NDArray[np.float64]], values: Numbers, edges: NDArray[np.int64]
) -> list[float]:
    if not values.size:
        return []
    return [short(value) for value in reduceat(values, edges).tolist()]


def short(value: float) -> float:
    """A number in as few characters as a plot needs: three significant digits, whole above 99."""
    if float(value).is_integer():
        return int(value)
    rounded = float(f"{value:.3g}")
    return int(rounded) if rounded.is_integer() else rounded


def runs(values: list[float]) -> list[float]:
    """Run lengths: value, count, value, count; replicas change rarely."""
    out: list[float] = []
    for value in values:
        if out and out[-2] == value:
            out[-1] += 1
        else:
            out += [value, 1]
    return out
