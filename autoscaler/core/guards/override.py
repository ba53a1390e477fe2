"""Guard `override`: an operator's pinned value or raised floor, until it expires."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.controls import until
from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.observation import Control, Observation
from autoscaler.core.observation import Override as Word
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Override:
    """Set what an operator pinned, raise what an operator floored. No options."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with the operator's numbers; the limits that follow still hold."""
        for word in seen.overrides:
            if word.dial is None or word.value is None or not word.active(seen.at):
                continue
            plan = _obey(plan, word, word.dial, word.value)
        return plan


def _obey(plan: Plan, word: Word, dial: Dial, value: int) -> Plan:
    dials = {each: plan.after[each] for each in DIALS}
    if word.control is Control.PIN:
        dials[dial] = value
        reason = _said(Code.PINNED, "pinned to {value} by {who} ({why})", word)
    elif word.control is Control.FLOOR and dials[dial] < value:
        dials[dial] = value
        reason = _said(Code.FLOOR_RAISED, "{who} asked for at least {value} ({why})", word)
    else:
        return plan
    if dial is Dial.MIN_REPLICAS:
        dials[Dial.MAX_REPLICAS] = max(dials[Dial.MAX_REPLICAS], value)
    return plan.move(legal(dials), "override", reason)


def _said(code: Code, sentence: str, word: Word) -> Reason:
    ends = until(word)
    return because(code, sentence, value=word.value or 0, who=word.author, why=word.why, **ends)
