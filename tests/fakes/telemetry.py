"""Decisions of any shape, by hand and by Hypothesis, and a clock that is turned by hand."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from autoscaler.core.decide import decide, draft
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import DIALS, Dial, Envelope, Range
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.guards.override import Override as OverrideGuard
from autoscaler.core.guards.step import Step
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
    Series,
)
from autoscaler.core.observation import Health as Seen
from autoscaler.core.plan import Plan, Vote
from autoscaler.core.proposal import Abstain, Bid, Proposal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.ports import TickReport

NOW = 1_764_000_000.0
RID = "ri.foundry-ml-live.main.live-deployment.{:08d}"


@dataclass(slots=True)
class HandClock:
    """A clock that only moves when told to."""

    at: float = NOW

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at - NOW + 1_000.0

    async def sleep(self, seconds: float) -> None:
        self.at += max(0.0, seconds)


GUARDS = (Hold(), Freshness(), Health(), Step(), OverrideGuard(), LimitsGuard())


def observed(name: str = "chat", **changed: object) -> Observation:
    """A calm deployment with one signal, changed where asked."""
    plain: dict[str, object] = {
        "at": NOW,
        "deployment": name,
        "envelope": Envelope(2, 4, 8),
        "envelope_at": NOW - 30,
        "health": Seen("ACTIVE", is_ready=True),
        "limits": Limits(Range(1, 20), Range(1, 20), Range(1, 32)),
        "signals": {"running_jobs": Series((NOW - 20, NOW - 5), (10.0, 12.0))},
    }
    return Observation(**{**plain, **changed})  # type: ignore[arg-type]  # named fields, checked by the tests


def wanting(floor: int, ceiling: int, reason: Reason | None = None) -> Vote:
    """One policy's wish for both replica dials."""
    why = reason or because(Code.LOAD_ABOVE_TARGET, "{jobs} jobs are too many", jobs=12)
    bids = {Dial.MIN_REPLICAS: Bid(want=floor), Dial.MAX_REPLICAS: Bid(want=ceiling)}
    return Vote("load", Proposal(bids, why))


def planned(seen: Observation, *votes: Vote) -> Plan:
    """The votes' draft, passed through the guards."""
    plan = draft(seen, votes)
    for guard in GUARDS:
        plan = guard.shape(plan, seen)
    return plan


def decided(
    name: str = "chat",
    kind: Kind = Kind.UNCHANGED,
    *,
    code: Code = Code.WITHIN_TOLERANCE,
    text: str = "",
    votes: tuple[Vote, ...] = (),
    group: str = "online",
    at: float = NOW,
    mode: Mode = Mode.APPLY,
    seen: Observation | None = None,
    **outcome: object,
) -> Decision:
    """A decision with the outcome that a test wants to see."""
    watched = seen or observed(name, at=at)
    plan = planned(watched, *votes) if votes else decide(watched, (), ())
    end = Outcome(kind, Reason(code, text or f"it ended {kind.value}"), **outcome)  # type: ignore[arg-type]  # named fields
    rid = RID.format(abs(hash(name)) % 10**8)
    return Decision(f"{at:.0f}-{name}", at, name, rid, group, mode, watched, plan, end)


def report(*decisions: Decision, group: str = "online", at: float = NOW) -> TickReport:
    """One tick of one group."""
    return TickReport(group, at, 0.012, 0.001, decisions)


# --- Hypothesis -------------------------------------------------------------------------------

names = st.text(min_size=1, max_size=12)
sentences = st.text(max_size=30)
moments = st.floats(NOW - 10_000, NOW + 10_000)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    floor = draw(st.integers(0, 50))
    return Envelope(floor, floor + draw(st.integers(0, 50)), draw(st.integers(1, 64)))


@st.composite
def serieses(draw: st.DrawFn) -> Series:
    times = sorted(draw(st.sets(moments, min_size=1, max_size=4)))
    values = draw(st.lists(numbers, min_size=len(times), max_size=len(times)))
    return Series(tuple(times), tuple(values), draw(st.booleans()))


reasons = st.builds(Reason, st.sampled_from(Code), sentences, st.just(())) | st.builds(
    lambda code, fact: because(code, "it is {fact}", fact=fact),
    st.sampled_from(Code),
    st.integers() | numbers | sentences,
)
missings = st.builds(Missing, st.sampled_from(Absence), sentences, st.none() | moments)
counts = st.none() | st.integers(0, 60)
bids = st.dictionaries(st.sampled_from(DIALS), st.builds(Bid, counts, counts, counts))
answers = st.builds(Proposal, bids, reasons) | st.builds(Abstain, reasons)
votes = st.lists(st.builds(Vote, names, answers, st.booleans()), max_size=4).map(tuple)
overrides = st.builds(
    Override,
    st.sampled_from(Control),
    names,
    sentences,
    st.none() | moments,
    st.none() | st.sampled_from(DIALS),
    counts,
)
changes = st.builds(Change, moments, envelopes(), envelopes(), st.booleans())
ranges = st.builds(
    lambda low, more: Range(low, None if more is None else low + more), st.integers(1, 9), counts
)
states = st.sampled_from(("ACTIVE", "STARTING", "DISABLED", "FAILED")) | names

observations = st.builds(
    Observation,
    at=moments,
    deployment=names,
    envelope=envelopes(),
    envelope_at=moments,
    health=st.builds(Seen, states, st.booleans()),
    limits=st.builds(Limits, ranges, ranges, ranges),
    signals=st.dictionaries(names, serieses() | missings, max_size=3),
    changes=st.lists(changes, max_size=3).map(tuple),
    overrides=st.lists(overrides, max_size=3).map(tuple),
    learned=st.builds(Learned, st.none() | st.integers(1, 64), st.none() | numbers),
    mode=st.sampled_from(Mode),
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Any decision that the brain could come to, and any end that it could take."""
    seen = draw(observations)
    outcome = Outcome(
        draw(st.sampled_from(Kind)),
        draw(reasons),
        draw(st.none() | envelopes()),
        draw(st.none() | st.sampled_from((200, 400, 403, 503))),
        draw(st.none() | st.floats(0, 60)),
    )
    plan = planned(seen, *draw(votes))
    ids = draw(names), seen.at, seen.deployment, draw(names), draw(names)
    return Decision(*ids, seen.mode, seen, plan, outcome)
