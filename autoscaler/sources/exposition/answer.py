"""From the lines of one scrape to the answer for a group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Reading, Sample
from autoscaler.sources.exposition.query import Query
from autoscaler.sources.exposition.select import Selection, select
from autoscaler.sources.exposition.text import Exposition, Line
from autoscaler.sources.exposition.window import Growth, Window, quantile_of
from autoscaler.sources.sampled import judged
from autoscaler.sources.wire.fetch import Failure

Value = float | Missing
TOO_EARLY: Final = Missing(Absence.NEVER_READ, "counters need two scrapes within the window")
NO_LAST_BUCKET: Final = Missing(Absence.NOT_A_NUMBER, "the histogram has no bucket for +Inf")
TOO_LARGE: Final = Missing(Absence.NOT_A_NUMBER, "the value is beyond all numbers")
NOTHING_COUNTED: Final = Missing(Absence.UNDEFINED, "nothing was observed within the window")


@dataclass(frozen=True, slots=True)
class Values:
    """What a scrape says per label value, before its age is judged."""

    values: Mapping[str, Value]
    seen: Selection


class Asked(Protocol):
    """One question's memory of past scrapes."""

    def values(self, exposition: Exposition) -> Values | Failure:
        """The question's values as of this scrape."""
        ...


@dataclass(slots=True)
class Gauge:
    """The newest values, added up."""

    query: Query
    label: str

    def values(self, exposition: Exposition) -> Values | Failure:
        """Sums per label value."""
        found = select(exposition, self.query.metric, self.query, self.label)
        if isinstance(found, Failure):
            return found
        sums: dict[str, Value] = {}
        for value, series in found.lines.items():
            if value not in found.faults:  # infinities of both signs have no sum
                sums[value] = _sum(series.values())
        return Values(sums | found.faults, found)


@dataclass(slots=True)
class Rate:
    """What a counter counted per second, or per window."""

    query: Query
    label: str
    window: Window[str] = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.query.window_s)

    def values(self, exposition: Exposition) -> Values | Failure:
        """Rates per label value, added up over its series."""
        found = select(exposition, self.query.metric, self.query, self.label)
        if isinstance(found, Failure):
            return found
        _feed(self.window, exposition.at, found)
        scale = self.query.window_s if self.query.kind == "increase" else 1.0
        rates: dict[str, Value] = {}
        for value in found.lines:
            growth = self.window.growth(value)
            rates[value] = _finite(growth.amount / growth.seconds * scale) if growth else TOO_EARLY
        return Values(rates | found.faults, found)


@dataclass(slots=True)
class Mean:
    """The mean of what was observed within the window."""

    query: Query
    label: str
    sums: Window[str] = field(init=False)
    counts: Window[str] = field(init=False)

    def __post_init__(self) -> None:
        self.sums = Window(self.query.window_s)
        self.counts = Window(self.query.window_s)

    def values(self, exposition: Exposition) -> Values | Failure:
        """Growth of _sum over growth of _count."""
        metric = self.query.metric
        sums = select(exposition, f"{metric}_sum", self.query, self.label)
        counts = select(exposition, f"{metric}_count", self.query, self.label)
        if isinstance(sums, Failure):
            return sums
        if isinstance(counts, Failure):
            return counts
        _feed(self.sums, exposition.at, sums)
        _feed(self.counts, exposition.at, counts)
        means = {
            value: _mean(self.sums.growth(value), self.counts.growth(value))
            for value in counts.lines
        }
        return Values(means | counts.faults | sums.faults, counts)


@dataclass(slots=True)
class Quantile:
    """A quantile of what was observed within the window."""

    query: Query
    label: str
    window: Window[tuple[str, float]] = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.query.window_s)

    def values(self, exposition: Exposition) -> Values | Failure:
        """Quantiles of the growth of the buckets."""
        found = select(exposition, f"{self.query.metric}_bucket", self.query, self.label)
        if isinstance(found, Failure):
            return found
        try:
            readings = [
                ((value, float(line.labels["le"])), identity, line.value)
                for value, identity, line in found.readings()
            ]
        except (KeyError, ValueError):
            return Failure(f"a bucket of {self.query.metric} has no number as its bound `le`")
        self.window.take(exposition.at, readings)
        bounds: dict[str, set[float]] = {}
        for (value, bound), _, _ in readings:
            bounds.setdefault(value, set()).add(bound)
        quantiles: dict[str, Value] = {
            value: self._quantile(value, own) for value, own in bounds.items()
        }
        return Values(quantiles | found.faults, found)

    def _quantile(self, value: str, bounds: set[float]) -> Value:
        growths = {bound: self.window.growth((value, bound)) for bound in bounds}
        if growths.get(math.inf) is None:
            return TOO_EARLY if math.inf in bounds else NO_LAST_BUCKET
        counts = {bound: growth.amount for bound, growth in growths.items() if growth}
        answer = quantile_of(self.query.quantile, counts)
        return answer if math.isfinite(answer) else NOTHING_COUNTED


ASKED: Final[Mapping[str, type[Gauge | Rate | Mean | Quantile]]] = {
    "gauge": Gauge,
    "rate": Rate,
    "increase": Rate,
    "mean": Mean,
    "quantile": Quantile,
}


def reading_of(found: Values, scraped_at: float, at: float, max_age_s: float) -> Reading:
    """Values with their ages: the target's own times where it gives them, else the scrape's."""
    samples: dict[str, Sample | Missing] = {}
    for key, value in found.values.items():
        if isinstance(value, Missing):
            samples[key] = value
            continue
        sampled = found.seen.sampled.get(key, scraped_at)
        samples[key] = judged(sampled, at, max_age_s) or Sample(sampled, value)
    return Reading(samples, not found.seen.unlabelled)


def _feed(window: Window[str], at: float, found: Selection) -> None:
    window.take(at, ((value, identity, line.value) for value, identity, line in found.readings()))


def _mean(total: Growth | None, count: Growth | None) -> Value:
    if total is None or count is None:
        return TOO_EARLY
    return _finite(total.amount / count.amount) if count.amount > 0 else NOTHING_COUNTED


def _sum(lines: Iterable[Line]) -> Value:
    try:
        return math.fsum(line.value for line in lines)
    except OverflowError:
        return TOO_LARGE


def _finite(value: float) -> Value:
    return value if math.isfinite(value) else TOO_LARGE
