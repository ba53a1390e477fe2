"""One deployment's last six hours, a point a minute. Pure.

A point of a minute holds the highest load and forecasts that were seen in it, for a peak is
what capacity is for, and the envelope as it was at its end. A point of ten minutes is made of
ten of those. Without a forecast a track takes 3,600 bytes, with one 7,920; what is
missing is NaN in here and None outside, never zero.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.core.envelope import Envelope

MINUTE_S = 60
MINUTES = 360
TEN = 10
UNKNOWN = 65_535
MOST = UNKNOWN - 1
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Point:
    """What is known of a span of time; None where nothing is."""

    load: float | None = None
    forecast: float | None = None
    keep: float | None = None
    ceiling_forecast: float | None = None
    floor: int | None = None
    ceiling: int | None = None
    threads: int | None = None


NOTHING = Point()


class Track:
    """A ring of minutes. `minute` is the newest one, in minutes since 1970.

    With another unit of time it is a ring of those; `size` is how many it holds.
    """

    __slots__ = ("_ahead", "_dials", "_loads", "minute", "size")

    def __init__(self, minute: int, size: int = MINUTES) -> None:
        self.minute = minute
        self.size = size
        self._loads = array("f", [NAN]) * size
        self._ahead: array[float] | None = None
        self._dials = array("H", [UNKNOWN]) * (3 * size)

    @property
    def bytes_used(self) -> int:
        """What the numbers take."""
        ahead = 0 if self._ahead is None else len(self._ahead) * self._ahead.itemsize
        return len(self._loads) * 4 + len(self._dials) * 2 + ahead

    def note(
        self,
        minute: int,
        load: float | None,
        ahead: tuple[float, float, float] | None,
        now: Envelope | None,
    ) -> None:
        """A tick in this minute: its load, its forecast, keep and ceiling forecasts, its dials.

        A minute that is older than the ring is left out: the clock was put back.
        """
        if minute != self.minute and not self._reach(minute):
            return
        at = minute % self.size
        if load is not None and not self._loads[at] >= load:
            self._loads[at] = load
        if ahead is not None:
            self._look_ahead(at, ahead)
        if now is not None:
            self._set_dials(at, now.min_replicas, now.max_replicas, now.threads)

    def restore(self, minute: int, point: Point) -> None:
        """Take over a point of ten minutes, from `minute` on, where nothing is known yet."""
        for each in range(minute, minute + TEN):
            if not self.minute - self.size < each <= self.minute:
                continue
            at = each % self.size
            if point.load is not None and math.isnan(self._loads[at]):
                self._loads[at] = point.load
            if point.forecast is not None and math.isnan(self._known_ahead()[3 * at]):
                keep, ceiling = point.keep, point.ceiling_forecast
                keep, ceiling = NAN if keep is None else keep, NAN if ceiling is None else ceiling
                self._look_ahead(at, (point.forecast, keep, ceiling))
            if point.floor is not None and self._dials[3 * at] == UNKNOWN:
                self._set_dials(at, point.floor, point.ceiling or 0, point.threads or 0)

    def point(self, first: int, count: int = 1) -> Point:
        """What is known of `count` minutes from `first` on: highest values, last dials."""
        begin = max(first, self.minute - self.size + 1)
        slots = [each % self.size for each in range(begin, min(first + count, self.minute + 1))]
        if not slots:
            return NOTHING
        ahead = self._ahead
        forecasts = [None] * 3 if ahead is None else [self._most(ahead, slots, k) for k in range(3)]
        load = _highest([self._loads[at] for at in slots])
        last = next((at for at in reversed(slots) if self._dials[3 * at] != UNKNOWN), None)
        dials = [None] * 3 if last is None else self._dials[3 * last : 3 * last + 3]
        return Point(load, *forecasts, *dials)

    def peak(self, first: int, count: int) -> float | None:
        """The highest load of `count` minutes from `first` on, and nothing else: for sparklines."""
        begin, end = max(first, self.minute - self.size + 1), min(first + count, self.minute + 1)
        loads, size = self._loads, self.size
        return _highest([loads[each % size] for each in range(begin, end)])

    def _most(self, ahead: array[float], slots: list[int], which: int) -> float | None:
        return _highest([ahead[3 * at + which] for at in slots])

    def _reach(self, minute: int) -> bool:
        """Make `minute` the newest; those in between are unknown."""
        if minute < self.minute:
            return minute > self.minute - self.size
        for each in range(max(self.minute + 1, minute - self.size + 1), minute + 1):
            at = each % self.size
            self._loads[at] = NAN
            self._set_dials(at, UNKNOWN, UNKNOWN, UNKNOWN)
            if self._ahead is not None:
                self._ahead[3 * at] = self._ahead[3 * at + 1] = self._ahead[3 * at + 2] = NAN
        self.minute = minute
        return True

    def _look_ahead(self, at: int, ahead: tuple[float, float, float]) -> None:
        ring, place = self._known_ahead(), 3 * at
        for value in ahead:
            if not ring[place] >= value:
                ring[place] = value
            place += 1

    def _known_ahead(self) -> array[float]:
        if self._ahead is None:
            self._ahead = array("f", [NAN]) * (3 * self.size)
        return self._ahead

    def _set_dials(self, at: int, floor: int, ceiling: int, threads: int) -> None:
        dials, place = self._dials, 3 * at
        if floor == UNKNOWN:
            dials[place] = dials[place + 1] = dials[place + 2] = UNKNOWN
            return
        dials[place], dials[place + 1] = min(floor, MOST), min(ceiling, MOST)
        dials[place + 2] = min(threads, MOST)


def _highest(values: Iterable[float]) -> float | None:
    # What is no number is not even itself; five times as quick as asking for it by name.
    return max([value for value in values if value == value], default=None)  # noqa: PLR0124 - see above
