"""Policy `budget`: a ceiling that makes a budget of compute-seconds last for its period.

The platform attributes compute-seconds by UTC days (autoscaler/core/cost.py), so days, weeks
(from Monday) and months here are UTC's. What is left of the budget, spread evenly over what is
left of the period, sustains so many replicas on average; the ceiling is `burst` times that. A
ceiling that follows the rest lets peaks through and still never spends it all: at the ceiling
all the time, the rest shrinks as (time left / period) ^ burst. A day that was quiet leaves more
for its evening. `vital` replicas are never taken away, even when that breaks the budget.

What was spent is, in this order, and the reason says which:

* `spent`: a signal of compute-seconds since the period began, measured elsewhere.
* `replicas_signal`: running replicas, integrated as far as its samples reach.
* The envelopes that the journal remembers, by their ceiling (the most that it can be) or their
  floor (the least). Where two remembered changes do not meet, the higher of both counts.

Time before all of that counts as spent at the even pace (`unseen: even`), or like the oldest
envelope known. The journal keeps every change of the last day and few older ones: for a week or
a month, name one of the signals. Starting replicas count like active ones; the second set of
replicas of a restart is in `replicas_signal` only.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from autoscaler.core.cost import GPU_RATES, VCPU_RATE, Rates, Unpriced, replica_rate
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Observation, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Bid, Proposal
from autoscaler.core.reason import Code, Reason, because

DAY_S = 86_400.0
LOOK_S = 900.0  # the ceiling is thought through again within this time


@dataclass(frozen=True, slots=True)
class Budget:
    """A ceiling paced by what is left of a budget of compute-seconds."""

    compute_seconds: float = field(
        metadata=meta("the budget of one period", unit="compute-seconds", gt=0)
    )
    period: str = field(
        default="month",
        metadata=meta("UTC calendar `day`, `week` or `month`", one_of=("day", "week", "month")),
    )
    vital: int = field(
        default=1, metadata=meta("replicas that stay whatever they cost", ge=0, le=LARGEST_BID)
    )
    burst: float = field(
        default=2.0, metadata=meta("ceiling over the replicas that the rest sustains", ge=1, le=100)
    )
    spent: str = field(
        default="", metadata=meta("compute-seconds since the period began; empty: not measured")
    )
    replicas_signal: str = field(
        default="", metadata=meta("running replicas; empty: the journal's envelopes")
    )
    bound: str = field(
        default="ceiling",
        metadata=meta(
            "envelopes count by their `ceiling` or their `floor`", one_of=("ceiling", "floor")
        ),
    )
    unseen: str = field(
        default="even",
        metadata=meta(
            "time that nothing tells about: at the `even` pace, or like the oldest `envelope`",
            one_of=("even", "envelope"),
        ),
    )
    vcpu_rate: float = field(
        default=VCPU_RATE, metadata=meta("compute-seconds per second of a vCPU", ge=0)
    )
    gpu_rates: Mapping[str, float] = field(
        default_factory=dict,
        metadata=meta("compute-seconds per second of a GPU by type, over the published ones"),
    )

    def __post_init__(self) -> None:
        check_options(self)
        for name, rate in self.gpu_rates.items():
            if not 0 <= rate < math.inf:
                raise ValueError(f"gpu_rates must be at least 0, got {rate!r} for {name}")

    @property
    def needs(self) -> tuple[str, ...]:
        """The signals that are named; without any, the journal's envelopes serve."""
        return tuple(name for name in (self.spent, self.replicas_signal) if name)

    def propose(self, seen: Observation) -> Answer:
        """Bid at most the ceiling that the rest of the budget sustains."""
        rates = Rates(self.vcpu_rate, {**GPU_RATES, **self.gpu_rates})
        rate = replica_rate(seen.resources, rates)
        if isinstance(rate, Unpriced):
            return Abstain(because(Code.COST_RATE_UNKNOWN, "{why}", why=str(rate)))
        period = period_of(seen.at, self.period)
        bill = self._bill(seen, period, rate)
        left = max(0.0, self.compute_seconds - bill.total)
        cap = self._cap(left, period.end - seen.at, rate)
        burn = rate * self._burning(seen)
        return Proposal(
            {Dial.MAX_REPLICAS: Bid(at_most=cap)}, self._reason(seen, period, bill, cap, burn)
        )

    def _cap(self, left: float, left_s: float, rate: float) -> int:
        if rate <= 0:
            return LARGEST_BID
        # Near the end a burst could spend the rest twice before the next look.
        spread_s = max(left_s / self.burst, min(left_s, LOOK_S), 1.0)
        sustained = left / (rate * spread_s)
        return max(self.vital, int(min(sustained, LARGEST_BID)))

    def _bill(self, seen: Observation, period: Period, rate: float) -> _Bill:
        measured = seen.signal(self.spent) if self.spent else None
        if isinstance(measured, Series) and period.start <= measured.last_at <= seen.at:
            # What ran since that sample is small, and the present size says it well enough.
            late = seen.at - measured.last_at
            return _Bill(max(0.0, measured.last) + rate * self._burning(seen) * late, "measured")
        counted, known_from, how = 0.0, seen.at, ""
        running = seen.signal(self.replicas_signal) if self.replicas_signal else None
        if isinstance(running, Series) and running.times[0] < seen.at:
            known_from = max(period.start, running.times[0])
            counted = _integral(running, known_from, seen.at)
            how = "by running replicas"
        if known_from > period.start:
            journal, since = self._by_envelopes(seen, period.start, known_from)
            counted, known_from = counted + journal, since
            how += " and " * bool(how) + f"by the {self.bound} of the envelopes"
        unseen_s = known_from - period.start
        even = self.compute_seconds * unseen_s / (period.end - period.start)
        return _Bill(counted * rate + even, how, unseen_s)

    def _by_envelopes(self, seen: Observation, start: float, end: float) -> tuple[float, float]:
        """Replica-seconds between two times, and since when they are known."""
        first = min((change.at for change in seen.changes), default=math.inf)
        since = start if self.unseen == "envelope" else max(start, min(first, seen.watched_since))
        total, since = 0.0, min(since, end)
        for begin, until, replicas in _stretches(seen, self.bound):
            total += replicas * max(0.0, min(until, end) - max(begin, since))
        return total, since

    def _burning(self, seen: Observation) -> float:
        """Replicas that are paid for now."""
        running = seen.signal(self.replicas_signal) if self.replicas_signal else None
        if isinstance(running, Series):
            return max(0.0, running.last)
        return float(_replicas(seen.envelope, self.bound))

    def _reason(
        self, seen: Observation, period: Period, bill: _Bill, cap: int, burn: float
    ) -> Reason:
        left, ends = self.compute_seconds - bill.total, ""
        more = {"ends_at": period.end}
        code = Code.SPEND_WITHIN_BUDGET if cap >= seen.envelope.max_replicas else Code.SPEND_PACED
        sentence = (
            "{spent:.0f} of {budget:.0f} compute-seconds of this {period} are spent ({how}); the "
            "rest sustains a ceiling of {cap}"
        )
        if left <= 0:
            code, more["lasts_until"] = Code.SPEND_EXHAUSTED, seen.at
            sentence = (
                "the {budget:.0f} compute-seconds of this {period} are spent ({how}): {spent:.0f}; "
                "{cap} vital replicas stay"
            )
        elif burn > 0 and left / burn < period.end - seen.at:
            more["lasts_until"] = seen.at + left / burn
            ends = _utc(more["lasts_until"])
            sentence += "; at the present pace it runs out on {ends}"
        if bill.unseen_s > 0:
            sentence += "; {unseen:.1f} h that nothing tells about count at the even pace"
        return because(
            code,
            sentence,
            spent=bill.total,
            budget=self.compute_seconds,
            period=self.period,
            how=bill.how or "it just began",
            cap=cap,
            ends=ends,
            unseen=bill.unseen_s / 3600,
            **more,
        )


@dataclass(frozen=True, slots=True)
class Period:
    """A UTC day, week or month: its start and its end, Unix seconds."""

    start: float
    end: float


def period_of(at: float, kind: str) -> Period:
    """The UTC calendar `day`, `week` (from Monday) or `month` that holds Unix time `at`."""
    now = datetime.fromtimestamp(at, UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "day":
        start, days = day, 1
    elif kind == "week":
        start, days = day - timedelta(days=day.weekday()), 7
    else:
        start, days = day.replace(day=1), calendar.monthrange(day.year, day.month)[1]
    return Period(start.timestamp(), start.timestamp() + days * DAY_S)


@dataclass(frozen=True, slots=True)
class _Bill:
    total: float
    how: str
    unseen_s: float = 0.0


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _replicas(envelope: Envelope, bound: str) -> int:
    return envelope.max_replicas if bound == "ceiling" else envelope.min_replicas


def _integral(series: Series, start: float, end: float) -> float:
    """Replica-seconds between two times; each sample holds until the next one."""
    ends = (*series.times[1:], max(end, series.last_at))
    return sum(
        max(0.0, value) * max(0.0, min(until, end) - max(since, start))
        for since, until, value in zip(series.times, ends, series.values, strict=True)
    )


def _stretches(seen: Observation, bound: str) -> list[tuple[float, float, int]]:
    """From, until and replicas of every stretch between remembered changes, all time covered."""
    if not seen.changes:
        return [(-math.inf, math.inf, _replicas(seen.envelope, bound))]
    first, last = seen.changes[0], seen.changes[-1]
    between = [
        # Changes in between were forgotten when the ends differ.
        (a.at, b.at, max(_replicas(a.after, bound), _replicas(b.before, bound)))
        for a, b in pairwise(seen.changes)
    ]
    newest = max(_replicas(last.after, bound), _replicas(seen.envelope, bound))
    return [
        (-math.inf, first.at, _replicas(first.before, bound)),
        *between,
        (last.at, math.inf, newest),
    ]
