"""Counters over a window, and what histograms say of it.

Nothing here knows of HTTP or text. Resets are handled as in PromQL: a counter that fell began
again at zero. Unlike PromQL's `rate` nothing is extrapolated: a rate is what was counted
between two scrapes over the time between them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

G = TypeVar("G")
K = TypeVar("K")
MARKS: Final = 120
"""Past totals kept per window: bounds memory, and blurs the window by less than 1 %."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a group counted, and over how many seconds."""

    amount: float
    seconds: float


def grown(before: float, now: float) -> float:
    """What a counter counted between two readings; a fall means that it began again at zero."""
    return now - before if now >= before else now


@dataclass(slots=True)
class Window(Generic[G]):
    """Counters of many series, added up by group, over the last `seconds`.

    A series counts from when it is first seen. Memory: one number per series, and one per
    group and mark.
    """

    seconds: float
    _last: dict[object, tuple[float, float]] = field(default_factory=dict)
    _totals: dict[G, tuple[float, float]] = field(default_factory=dict)
    _marks: deque[tuple[float, Mapping[G, float]]] = field(default_factory=deque)
    _at: float = -math.inf

    def take(self, at: float, readings: Iterable[tuple[G, object, float]]) -> None:
        """Take a scrape made at `at` (Unix seconds): group, series, value.

        A scrape that is not newer than the last one changes nothing.
        """
        if at <= self._at:
            return
        self._at = at
        for group, series, value in readings:
            before = self._last.get(series)
            amount = grown(before[0], value) if before else 0.0
            total = self._totals.get(group, (0.0, at))[0]
            self._last[series] = (value, at)
            self._totals[group] = (total + amount, at)
        self._forget(at - self.seconds)
        # Groups that were not seen leave no mark, so no mark outlives its group's total.
        self._mark(
            at, {group: total for group, (total, when) in self._totals.items() if when == at}
        )

    def growth(self, group: G) -> Growth | None:
        """What `group` counted within the window; None before it was seen twice in it."""
        if not self._marks or group not in self._marks[-1][1]:
            return None
        newest, totals = self._marks[-1]
        for at, past in self._marks:
            if at < newest and group in past:
                return Growth(totals[group] - past[group], newest - at)
        return None

    def _mark(self, at: float, totals: Mapping[G, float]) -> None:
        marks = self._marks
        # The newest mark stands for now; it is kept only if it is far enough from the one before.
        if len(marks) > 1 and marks[-1][0] - marks[-2][0] < self.seconds / MARKS:
            marks.pop()
        marks.append((at, totals))

    def _forget(self, start: float) -> None:
        while self._marks and self._marks[0][0] < start:
            self._marks.popleft()
        self._last = _since(start, self._last)
        self._totals = _since(start, self._totals)


def _since(start: float, kept: dict[K, tuple[float, float]]) -> dict[K, tuple[float, float]]:
    if all(at >= start for _, at in kept.values()):
        return kept
    return {key: pair for key, pair in kept.items() if pair[1] >= start}


def quantile_of(q: float, buckets: Mapping[float, float]) -> float:
    """The `q` quantile of classic histogram buckets (upper bound -> cumulative count).

    Linear within a bucket, as PromQL's histogram_quantile (promql/quantile.go, BucketQuantile):
    the lowest bucket begins at 0 if its bound is positive, the highest answers its lower bound.
    NaN without observations, without a bucket for +Inf or with fewer than two buckets.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf:  # noqa: PLR2004 - a finite bound and +Inf
        return math.nan
    counts: list[float] = []
    for bound in bounds:  # counts scraped mid-update may fall by one; cumulative ones cannot
        counts.append(max(buckets[bound], counts[-1] if counts else 0.0))
    if counts[-1] <= 0:
        return math.nan
    rank = q * counts[-1]
    place = next(i for i, count in enumerate(counts) if count >= rank)
    return _within(bounds, counts, place, rank)


def _within(bounds: list[float], counts: list[float], place: int, rank: float) -> float:
    if place == len(bounds) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    low, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    share = (rank - below) / (counts[place] - below) if counts[place] > below else 0.0
    return low + (bounds[place] - low) * share
