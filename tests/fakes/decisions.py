"""Decisions of every shape for the codec and the journal."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Mode
from autoscaler.core.plan import Hold, Plan, Step, Vote
from autoscaler.core.proposal import Abstain, Proposal
from autoscaler.core.reason import Code, Reason, because
from tests.strategies import NOW, bids, envelopes, observations, seen

facts = st.one_of(
    st.floats(allow_nan=False), st.integers(), st.text(max_size=8), st.integers(2**62, 2**80)
)
reasons = st.builds(
    Reason,
    st.sampled_from(Code),
    st.text(max_size=30),
    st.lists(st.tuples(st.text(max_size=5), facts), max_size=4).map(tuple),
)
answers = st.one_of(
    st.builds(Proposal, st.dictionaries(st.sampled_from(Dial), bids), reasons),
    st.builds(Abstain, reasons),
)
plans = st.builds(
    Plan,
    envelopes(),
    envelopes(),
    envelopes(),
    st.lists(st.builds(Vote, st.text(max_size=6), answers, st.booleans()), max_size=3).map(tuple),
    st.lists(
        st.builds(
            Step,
            st.sampled_from(Dial),
            st.integers(0, 60),
            st.integers(0, 60),
            st.text(max_size=6),
            reasons,
        ),
        max_size=3,
    ).map(tuple),
    st.none() | st.builds(Hold, st.text(max_size=6), reasons),
)
outcomes = st.builds(
    Outcome,
    st.sampled_from(Kind),
    reasons,
    st.none() | envelopes(),
    st.none() | st.sampled_from([200, 400, 503]),
    st.none() | st.floats(0, 60),
    st.none() | st.integers(1, 64),
)
decisions = st.builds(
    Decision,
    st.text(min_size=1, max_size=20),
    st.floats(0, 4e9),
    st.text(max_size=12),
    st.text(max_size=12),
    st.text(max_size=12),
    st.sampled_from(Mode),
    observations(),
    plans,
    outcomes,
)

CALM = Envelope(4, 10, 32)


def decided(
    name: str = "chat",
    at: float = NOW,
    kind: Kind = Kind.UNCHANGED,
    code: Code = Code.WITHIN_TOLERANCE,
    before: Envelope = CALM,
    after: Envelope | None = None,
    group: str = "online",
    mark: str = "",
) -> Decision:
    """A decision by hand; `mark` tells apart two of one deployment at one moment."""
    look = replace(seen(), deployment=name, at=at, envelope=before)
    wanted = after or before
    return Decision(
        f"{int(at * 1000):012x}-{mark}{name}",
        at,
        name,
        f"ri.{name}",
        group,
        Mode.APPLY,
        look,
        Plan(before, wanted, wanted),
        Outcome(kind, because(code, "so it is")),
    )
