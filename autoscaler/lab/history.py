"""A deployment's past load from a metric source, as demand that a backtest can replay."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from autoscaler.core.observation import Missing, Series
from autoscaler.lab.backtest import Scale, Trace, demand_of
from autoscaler.ports import Question, Source

DAY_S = 86_400.0

# A day at a time keeps each answer small (2,880 points a deployment) and a failure cheap.
CHUNK_S = DAY_S
STEP_S = 30.0

# Demand is spread by chance within a bucket when it counts few requests. What is read here are
# levels and no counts, so they are written so large that nothing is drawn.
LEVELS_ARE_NO_COUNTS = 1e9


@dataclass(slots=True)
class Outcomes:
    """A SourceWatch that remembers how the queries of each source ended."""

    seen: dict[str, list[str]] = field(default_factory=dict)

    def queried(self, source: str, outcome: str, seconds: float) -> None:  # noqa: ARG002 - the protocol's signature
        """Remember."""
        self.seen.setdefault(source, []).append(outcome)

    def failed(self, source: str) -> int:
        """How many queries did not succeed and were not just empty."""
        return sum(each not in {"success", "empty"} for each in self.seen.get(source, ()))


@dataclass(frozen=True, slots=True)
class Unanswered:
    """There is no past to judge by, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Demand:
    """Past concurrency of one deployment, in requests, on an even grid.

    `starts_at` is Unix seconds. `gap_share` is the share of the grid that had no sample and was
    filled by a line between its neighbours (by zero where the user declared no answer as zero).
    """

    trace: Trace
    starts_at: float
    gap_share: float
    mean: float
    peak: float

    @property
    def days(self) -> float:
        """The span in days."""
        return self.trace.duration_s / DAY_S

    def scale(self, threads: int) -> Scale | Unanswered:
        """What makes a backtest of `trace` see the real concurrency on replicas of `threads`."""
        shape = demand_of(self.trace, Scale(1.0, math.inf, 0.0))
        mean = float(shape.mean())
        if mean <= 0 or self.mean <= 0:
            return Unanswered("it had load for less than a thousandth of the time")
        return Scale(self.mean / mean / threads, math.inf, 0.0)


async def read_past(
    source: Source,
    question: Question,
    start: float,
    end: float,
    step: float = STEP_S,
    told: Callable[[float], None] | None = None,
) -> Mapping[str, Series]:
    """Every label value's past, asked in chunks, oldest first; Unix seconds.

    `told` hears which share is read. A chunk without an answer is a gap.
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    at = start
    while at < end:
        until = min(at + CHUNK_S, end)
        part = await source.history(question, at, until - step / 2, step)
        for label, series in part.items():
            times, values = found.setdefault(label, ([], []))
            times += series.times
            values += series.values
        at = until
        if told is not None:
            told((at - start) / (end - start))
    return {label: Series(tuple(times), tuple(values)) for label, (times, values) in found.items()}


async def why_nothing(source: Source, question: Question, now: float) -> str:
    """Why a source has no past: what it says when it is asked for the present."""
    found = await source.read(question, now)
    if isinstance(found, Missing):
        return found.detail or found.why.value
    if found.samples:
        return "the source keeps no history, or it begins just now"
    return "the query answers no series"


def demand_from(
    name: str, series: Series, step: float = STEP_S, *, gaps_are_zero: bool = False
) -> Demand | Unanswered:
    """Put samples on an even grid and fill the gaps. Unanswered below two samples or negative."""
    times = np.asarray(series.times)
    slots = np.rint((times - times[0]) / step).astype(np.int64)
    size = int(slots[-1]) + 1
    if size < 2:  # noqa: PLR2004 - a width needs two edges
        return Unanswered("there is a single sample")
    values = np.full(size, np.nan)
    values[slots] = np.asarray(series.values)
    if float(np.nanmin(values)) < 0:
        return Unanswered("the demand signal is negative at times: it cannot be a number of jobs")
    known = np.isfinite(values)
    gap_share = 1.0 - float(known.mean())
    if gaps_are_zero:
        filled = np.where(known, values, 0.0)
    else:
        filled = np.interp(np.arange(size), np.flatnonzero(known), values[known])
    trace = Trace(name, step, tuple((filled * LEVELS_ARE_NO_COUNTS).tolist()))
    return Demand(
        trace=trace,
        starts_at=float(times[0]),
        gap_share=gap_share,
        mean=float(filled.mean()),
        peak=float(np.quantile(filled, 0.999)),
    )
