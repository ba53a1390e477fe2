"""Hypothesis strategies for everything in the core."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from autoscaler.core.envelope import DIALS, Dial, Envelope, Range
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
    Recommended,
    Series,
)
from autoscaler.core.proposal import Abstain, Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason, because

# The promises of the core are tried this often in CI, and less at a desk.
MANY = 2000 if os.environ.get("CI") == "true" else 200

NOW = 1_790_000_000.0
STATES = ("ACTIVE", "STARTING", "DEGRADED", "DISABLED", "FAILED", "HIBERNATING")
SIGNALS = ("running_jobs", "error_share")

numbers = st.integers(0, 60)
reasons = st.builds(Reason, st.sampled_from(Code), st.just("because"))


@st.composite
def envelopes(draw: st.DrawFn, low: int = 0, high: int = 60) -> Envelope:
    floor = draw(st.integers(low, high))
    return Envelope(floor, draw(st.integers(floor, high)), draw(st.integers(1, 64)))


@st.composite
def ranges(draw: st.DrawFn, low: int = 0) -> Range:
    start = draw(st.integers(low, 30))
    return Range(start, draw(st.one_of(st.none(), st.integers(start, 60))))


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    floor = draw(ranges())
    roof = Range(floor.low, None if floor.high is None else floor.high + draw(st.integers(0, 20)))
    return Limits(floor, roof, draw(ranges(low=1)))


@st.composite
def series(draw: st.DrawFn, newest: float = NOW) -> Series:
    gaps = draw(st.lists(st.floats(1, 120), max_size=12))
    times = [newest - draw(st.floats(0, 400))]
    for gap in gaps:
        times.append(times[-1] - gap)
    values = draw(
        st.lists(st.floats(0, 1e6, allow_nan=False), min_size=len(times), max_size=len(times))
    )
    return Series(tuple(reversed(times)), tuple(values), draw(st.booleans()))


missing = st.builds(Missing, st.sampled_from(Absence))
signals = st.dictionaries(st.sampled_from(SIGNALS), st.one_of(series(), missing))
bids = st.builds(Bid, st.none() | numbers, st.none() | numbers, st.none() | numbers)
proposals = st.builds(Proposal, st.dictionaries(st.sampled_from(DIALS), bids), reasons)
answers = st.one_of(proposals, st.builds(Abstain, reasons))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    return Change(NOW - draw(st.floats(0, 90_000)), draw(envelopes()), draw(envelopes()))


@st.composite
def recommended(draw: st.DrawFn) -> Recommended:
    until = NOW - draw(st.floats(0, 4000))
    return Recommended(draw(envelopes()), until - draw(st.floats(0, 600)), until)


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    control = draw(st.sampled_from(Control))
    expires = draw(st.none() | st.floats(NOW - 100, NOW + 100))
    if control is Control.PAUSE:
        return Override(control, "ada", "load test", expires)
    dial = draw(st.sampled_from(Dial))
    return Override(control, "ada", "incident", expires, dial, draw(st.integers(1, 40)))


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    return Observation(
        at=NOW,
        deployment="chat",
        envelope=draw(envelopes()),
        envelope_at=NOW - draw(st.floats(0, 600)),
        health=Health(draw(st.sampled_from(STATES)), draw(st.booleans())),
        limits=draw(limits()),
        signals=draw(signals),
        changes=tuple(sorted(draw(st.lists(changes(), max_size=4)), key=lambda c: c.at)),
        recommended=tuple(sorted(draw(st.lists(recommended(), max_size=4)), key=lambda r: r.until)),
        overrides=tuple(draw(st.lists(overrides(), max_size=2))),
        learned=Learned(draw(st.none() | st.integers(1, 64))),
        mode=draw(st.sampled_from(Mode)),
        watched_since=NOW - draw(st.sampled_from([0.0, 60.0, 10_000.0])),
    )


class Says:
    """A policy that always gives the same answer."""

    needs: tuple[str, ...] = ()

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def propose(self, seen: Observation) -> object:
        return self.answer


def entry(name: str, answer: object, **parts: object) -> PolicyEntry:
    """A policy entry that always gives `answer`."""
    return PolicyEntry(name, Says(answer), **parts)  # type: ignore[arg-type]  # answers may be wrong on purpose


@st.composite
def entries(draw: st.DrawFn) -> tuple[PolicyEntry, ...]:
    said = draw(st.lists(answers, max_size=4))
    return tuple(
        entry(f"p{i}", answer, shadow=draw(st.booleans())) for i, answer in enumerate(said)
    )


def seen(**parts: object) -> Observation:
    """A calm observation: settled, long watched, nothing changed lately; then `parts`."""
    base: dict[str, object] = {
        "at": NOW,
        "deployment": "chat",
        "envelope": Envelope(4, 10, 32),
        "envelope_at": NOW - 5,
        "health": Health("ACTIVE", is_ready=True),
        "watched_since": NOW - 100_000,
    }
    return Observation(**(base | parts))  # type: ignore[arg-type]  # tests name the fields


def wants(
    floor: int | None = None, ceiling: int | None = None, threads: int | None = None
) -> Proposal:
    """A proposal that wants these numbers."""
    given = ((Dial.MIN_REPLICAS, floor), (Dial.MAX_REPLICAS, ceiling), (Dial.THREADS, threads))
    return Proposal(
        {dial: Bid(want=value) for dial, value in given if value is not None},
        because(Code.LOAD_ABOVE_TARGET, "a test wants it"),
    )
