"""How a plan stands before anybody writes it: held, unchanged, recommended, or to be applied."""

from __future__ import annotations

from autoscaler.core.controls import said, until
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.observation import Control, Mode, Observation, Override
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Abstain, Proposal
from autoscaler.core.reason import Code, Reason, because

NOBODY = because(Code.NO_OPINION, "no policy has an opinion")


def standing(plan: Plan, mode: Mode, seen: Observation | None = None) -> Outcome | None:
    """The outcome of a plan that nobody may or need write; None when it is to be written.

    `seen` is what it was decided on, to tell whose word the mode is.
    """
    if plan.hold:
        return Outcome(Kind.HELD, plan.hold.reason)
    if not plan.moves:
        return Outcome(_kind(plan), _why_still(plan))
    return not_written(mode, said(seen.overrides, Control.MODE, seen.at) if seen else None)


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


def not_written(mode: Mode, word: Override | None = None) -> Outcome | None:
    """What becomes of a plan in a mode that writes nothing; None in the others.

    `word` is the operator's, when the mode is not the configured one.
    """
    if mode is Mode.OBSERVE:
        kind, code, end = Kind.HELD, Code.MODE_OBSERVE, "nothing is recommended or written"
    elif mode is Mode.RECOMMEND:
        kind, code, end = Kind.RECOMMENDED, Code.MODE_RECOMMEND, "nothing is written"
    else:
        return None
    if word is None:
        return Outcome(kind, because(code, f"the mode is {mode.value}: {end}"))
    sentence = f"{{who}} set the mode to {mode.value} ({{why}}): {end}"
    return Outcome(kind, because(code, sentence, who=word.author, why=word.why, **until(word)))
