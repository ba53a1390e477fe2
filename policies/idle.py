"""Policy `idle`: a low floor, or none at all, after a time without any request.

    idle: {floor: 0, opt_in: true, wakes_by: platform, after: 30m}

A floor of 0 needs two words of the user: `opt_in`, and `wakes_by`, which names who brings the
deployment back. `platform`: a live deployment whose minimum is 0 starts a replica as soon as a
request comes in. Else the name of a signal that sees requests while no replica runs, such as a
gateway's queue; it is read like the other signals, and this policy then raises the floor.

It wants the low floor, so a floor that another policy bids (a calendar's window, a forecast)
still holds. As long as it is not sure it bids at least one replica. Not sure means: a request
within the time, a signal that is missing, old or partial, a gap in its samples, a window that
the samples do not reach back to, an outage of the source within it, a negative count, or a
deployment that is not settled. A signal that goes missing while nothing runs keeps one replica:
take one that the gateway tells, or declare `on_empty: zero` for it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Missing, Observation, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.words import absent, span

PLATFORM = "platform"
SETTLED = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Idle:
    """Want a low floor after a time without requests; bid one replica at any doubt."""

    signals: tuple[str, ...] = field(
        default=("running_jobs",),
        metadata=meta(
            "all that may show a request; a gauge of running ones misses what comes and goes "
            "between two samples, so add a rate"
        ),
    )
    after_s: float = field(
        default=1800.0,
        metadata=meta("without requests for this long", unit="s", ge=60, le=604_800),
    )
    floor: int = field(
        default=1, metadata=meta("the floor to go to", unit="replicas", ge=0, le=LARGEST_BID)
    )
    opt_in: bool = field(default=False, metadata=meta("allow a floor of 0"))
    wakes_by: str = field(
        default="",
        metadata=meta("who starts it again from 0: `platform`, or a signal that sees requests"),
    )
    quiet: float = field(
        default=0.0, metadata=meta("values up to this are no requests; 0 for a floor of 0", ge=0)
    )
    gap_s: float = field(
        default=120.0, metadata=meta("samples further apart leave a doubt", unit="s", gt=0)
    )
    bound: str = field(
        default="want",
        metadata=meta(
            "`want` lets floors of other policies hold; `at_most` overrules them",
            one_of=("want", "at_most"),
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.signals:
            raise ValueError("signals must name at least one signal")
        if self.floor:
            return
        if not self.opt_in:
            raise ValueError("opt_in must be true for a floor of 0, got False")
        if not self.wakes_by:
            raise ValueError("wakes_by must be `platform` or a signal for a floor of 0, got ''")
        if self.quiet:
            raise ValueError(f"quiet must be 0 for a floor of 0, got {self.quiet!r}")

    @property
    def needs(self) -> tuple[str, ...]:
        """All signals that may show a request, and the one that wakes."""
        waker = () if self.wakes_by in {"", PLATFORM} else (self.wakes_by,)
        return tuple(dict.fromkeys((*self.signals, *waker)))

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        return dict.fromkeys(self.needs, self.after_s + self.gap_s)

    def propose(self, seen: Observation) -> Answer:
        """The low floor when there certainly was no request, else at least one replica."""
        reason = self._unsettled(seen)
        for name in self.needs:
            reason = reason or self._against(name, seen)
        if reason is not None:
            return Proposal({Dial.MIN_REPLICAS: Bid(at_least=1)}, reason)
        bid = Bid(want=self.floor) if self.bound == "want" else Bid(at_most=self.floor)
        sentence = "no request for {after:span} ({signals}): a floor of {floor}"
        names = ", ".join(self.needs)
        reason = because(Code.IDLE, sentence, after=self.after_s, signals=names, floor=self.floor)
        return Proposal({Dial.MIN_REPLICAS: bid}, reason)

    def _unsettled(self, seen: Observation) -> Reason | None:
        health = seen.health
        # Without a replica nothing can be ready: ACTIVE and not ready is how sleep looks.
        if health.state == SETTLED and (health.is_ready or seen.envelope.min_replicas == 0):
            return None
        ready = "ready" if health.is_ready else "not ready"
        sentence = "at least one replica while it is {state} and {ready}"
        return because(Code.IDLE_UNKNOWN, sentence, state=health.state, ready=ready)

    def _against(self, name: str, seen: Observation) -> Reason | None:
        """Why a signal does not show that there was no request, None when it does."""
        series = seen.signal(name)
        if isinstance(series, Missing):
            return _doubt(name, f"it {absent(series.why.value)}")
        start = seen.at - self.after_s
        first = bisect_left(series.times, start)
        values = series.values[first:]
        if values and max(values) > self.quiet:
            return self._busy(name, series, seen.at)
        if values and min(values) < 0:
            return _doubt(name, f"it was {min(values):g}")
        if not series.complete:
            return _doubt(name, "it may be partial")
        if series.recovered_at is not None and series.recovered_at > start:
            return _doubt(
                name, f"its source was away until {span(seen.at - series.recovered_at)} ago"
            )
        return self._uncovered(name, series, seen.at, first)

    def _busy(self, name: str, series: Series, at: float) -> Reason:
        last = next(i for i in reversed(range(len(series.values))) if series.values[i] > self.quiet)
        return because(
            Code.NOT_IDLE,
            "{signal} was {value:g} {ago:span} ago: at least one replica",
            signal=name,
            value=series.values[last],
            ago=max(0.0, at - series.times[last]),
        )

    def _uncovered(self, name: str, series: Series, at: float, first: int) -> Reason | None:
        """A doubt when the samples leave a part of the time open, from its start until now."""
        times = series.times[max(0, first - 1) :]
        start = at - self.after_s
        if times[0] > start + self.gap_s:
            known = max(0.0, at - times[0])
            return _doubt(name, f"its samples reach back {span(known)} of {span(self.after_s)}")
        marks = (
            max(start, times[0]),
            *(each for each in times if each > start),
            max(at, times[-1]),
        )
        widest = max(after - before for before, after in pairwise(marks))
        if widest > self.gap_s:
            return _doubt(name, f"its samples leave {span(widest)} open, {span(self.gap_s)} may be")
        return None


def _doubt(name: str, why: str) -> Reason:
    sentence = "at least one replica, because {signal} leaves a doubt: {why}"
    return because(Code.IDLE_UNKNOWN, sentence, signal=name, why=why)
