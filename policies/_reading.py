"""What an expression reads of an observation: newest values, dials, and measures over windows."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Protocol

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Absence, Missing, Observation


@dataclass(frozen=True, slots=True)
class Absent:
    """A signal that does not have the data which an expression needs."""

    signal: str
    found: Missing


@dataclass(frozen=True, slots=True)
class Undefined:
    """An expression whose inputs are there, but which has no finite value for them."""

    why: str


Value = float | bool | Absent | Undefined


class Reading(Protocol):
    """One input of an expression."""

    def read(self, seen: Observation) -> Value:
        """Its value now. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Turned:
    """A dial as it stands."""

    dial: Dial

    def read(self, seen: Observation) -> Value:
        """The dial's number."""
        return float(seen.envelope[self.dial])


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample that is not ahead of now."""

    signal: str

    def read(self, seen: Observation) -> Value:
        """Its value."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return Absent(self.signal, series)
        known = bisect_right(series.times, seen.at)
        if known:
            return series.values[known - 1]
        ahead = Missing(Absence.FROM_THE_FUTURE, "all samples lie ahead: read it with ahead()")
        return Absent(self.signal, ahead)


@dataclass(frozen=True, slots=True)
class Age:
    """Seconds since the newest sample that is not ahead of now."""

    signal: str

    def read(self, seen: Observation) -> Value:
        """The age, seconds; Absent when there is no sample."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return Absent(self.signal, series)
        return max(0.0, seen.at - series.last_at)


@dataclass(frozen=True, slots=True)
class Over:
    """A measure of the samples of a window: both of its ends belong to it.

    The window lies before now, that of `ahead` behind it. `share` is the percentile, 0..100.
    """

    measure: str
    signal: str
    window_s: float
    share: float = 0.0

    def read(self, seen: Observation) -> Value:
        """The measure; Absent when the window holds too few samples."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return Absent(self.signal, series)
        later = self.measure == "ahead"
        start, end = (
            (seen.at, seen.at + self.window_s) if later else (seen.at - self.window_s, seen.at)
        )
        first, stop = bisect_left(series.times, start), bisect_right(series.times, end)
        rule = MEASURES[self.measure]
        if stop - first < rule.least:
            why = f"{stop - first} samples within {self.window_s:g} s, {rule.least} are needed"
            return Absent(self.signal, Missing(Absence.STALE, why, series.last_at))
        number = rule.of(series.times[first:stop], series.values[first:stop], self.share)
        return number if math.isfinite(number) else Undefined("a sum goes beyond all numbers")


@dataclass(frozen=True, slots=True)
class Measure:
    """How to measure a window, and the least number of samples that it takes."""

    of: Callable[[Sequence[float], Sequence[float], float], float]
    least: int = 1


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` percent lie, interpolated between neighbours.

    The same as Prometheus' quantile_over_time and numpy's default. Raises IndexError for none.
    """
    ordered = sorted(values)
    place = (len(ordered) - 1) * share / 100
    low = math.floor(place)
    if low == place:
        return ordered[low]
    return ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)


def rate(times: Sequence[float], values: Sequence[float]) -> float:
    """What a counter rose by per second between its first and last sample.

    A fall is a restart from 0. Nothing is extrapolated to the ends of the window.
    """
    risen = sum(after - before if after >= before else after for before, after in pairwise(values))
    return risen / (times[-1] - times[0])


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "avg": Measure(lambda _, values, __: sum(values) / len(values)),
        "min": Measure(lambda _, values, __: min(values)),
        "max": Measure(lambda _, values, __: max(values)),
        "sum": Measure(lambda _, values, __: sum(values)),
        "percentile": Measure(lambda _, values, share: percentile(values, share)),
        "ahead": Measure(lambda _, values, __: max(values)),
        "delta": Measure(lambda _, values, __: values[-1] - values[0], 2),
        "rate": Measure(lambda times, values, _: rate(times, values), 2),
    }
)
