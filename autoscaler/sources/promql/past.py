"""Range answers put together into series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

from autoscaler.core.observation import Series
from autoscaler.sources.promql.answer import UNEXPECTED, Rows, keyed, number_of
from autoscaler.sources.wire.fetch import Failure

MOST_POINTS: Final = 10_000
"""Per series and request; Prometheus refuses more than 11,000 (web/api/v1/api.go)."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`points` evaluation times from `start` on, `step` seconds apart."""

    start: float
    step: float
    points: int

    @classmethod
    def over(cls, start: float, end: float, step: float) -> Self | None:
        """The grid within start..end (Unix seconds); None when there is nothing in it.

        It begins on a whole millisecond, for the server rounds to those and must not answer
        with a point beyond `end`.
        """
        if not (step > 0 and end >= start and math.isfinite((end - start) / step)):
            return None
        first = math.floor(start * 1000) / 1000
        return cls(first, step, int((end - first) / step) + 1)

    @property
    def end(self) -> float:
        """The last point."""
        return self.start + (self.points - 1) * self.step

    def halves(self) -> tuple[Grid, Grid]:
        """The same points in two grids, the earlier one first; needs two points."""
        first = self.points // 2
        later = self.start + first * self.step
        return Grid(self.start, self.step, first), Grid(later, self.step, self.points - first)


class Past:
    """Collects matrix answers, oldest first, per value of `label`."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._points: dict[str, tuple[list[float], list[float]]] = {}
        self._ambiguous: set[str] = set()
        self._complete = True

    def add(self, answer: Rows) -> Failure | None:
        """Take one more answer, later than those before."""
        found = keyed(answer.rows, self._label)
        if isinstance(found, Failure):
            return found
        self._ambiguous.update(found.repeated)
        self._complete = self._complete and answer.complete and not found.unlabelled
        try:
            for value, row in found.rows.items():
                self._extend(value, row.get("values", ()))
        except (IndexError, TypeError, ValueError):
            return UNEXPECTED
        return None

    def _extend(self, value: str, pairs: list[tuple[float, str]]) -> None:
        times, values = self._points.setdefault(value, ([], []))
        last = times[-1] if times else -math.inf
        for at, text in pairs:
            number = number_of(text)
            if isinstance(at, bool):
                raise TypeError("a time must be a number")
            if last < at < math.inf and math.isfinite(number):
                times.append(float(at))
                values.append(number)
                last = at

    def series(self) -> dict[str, Series]:
        """What was collected; label values with several series or without numbers are absent."""
        return {
            value: Series(tuple(times), tuple(values), self._complete)
            for value, (times, values) in self._points.items()
            if times and value not in self._ambiguous
        }
