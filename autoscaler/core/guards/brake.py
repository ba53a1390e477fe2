"""Guard `brake`: while an incident brake is on, nothing is lowered."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.controls import said, until
from autoscaler.core.observation import Control, Observation, Override
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Brake:
    """Take back every lowering, also a pinned one and one that the limits asked for. No options.

    Raises go through: in an incident more is safe and less is not.
    """

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, raised or unchanged while a brake is active."""
        if not seen.overrides:
            return plan
        word = said(seen.overrides, Control.BRAKE, seen.at)
        return plan if word is None else plan.not_below("brake", braked(word))


def braked(word: Override) -> Reason:
    """Why nothing is lowered."""
    sentence = "no lowering: {who} put the brake on ({why})"
    return because(Code.BRAKED, sentence, who=word.author, why=word.why, **until(word))
