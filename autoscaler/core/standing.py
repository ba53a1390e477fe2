"""How a plan stands before anybody writes it: held, unchanged, recommended, or to be applied."""

from __future__ import annotations

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.observation import Mode
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Abstain, Proposal
from autoscaler.core.reason import Code, Reason, because

OBSERVED = Outcome(
    Kind.HELD, because(Code.MODE_OBSERVE, "the mode is observe: nothing is recommended or written")
)
RECOMMENDED = Outcome(
    Kind.RECOMMENDED, because(Code.MODE_RECOMMEND, "the mode is recommend: nothing is written")
)
NOBODY = because(Code.NO_OPINION, "no policy has an opinion")


def standing(plan: Plan, mode: Mode) -> Outcome | None:
    """The outcome of a plan that nobody may or need write; None when it is to be written."""
    if plan.hold:
        return Outcome(Kind.HELD, plan.hold.reason)
    if not plan.moves:
        return Outcome(_kind(plan), _why_still(plan))
    if mode is Mode.OBSERVE:
        return OBSERVED
    return RECOMMENDED if mode is Mode.RECOMMEND else None


def _kind(plan: Plan) -> Kind:
    heard = any(isinstance(v.answer, Proposal) and not v.shadow for v in plan.votes)
    return Kind.UNCHANGED if heard else Kind.HELD


def _why_still(plan: Plan) -> Reason:
    if plan.trail:
        return plan.trail[-1].reason
    first: Reason | None = None
    for vote in plan.votes:
        if vote.shadow:
            continue
        if not isinstance(vote.answer, Abstain):
            return vote.answer.reason
        first = first or vote.answer.reason
    return first or NOBODY
