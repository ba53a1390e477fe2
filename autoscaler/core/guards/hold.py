"""Guard `hold`: an operator's pause stops everything."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.controls import said, until
from autoscaler.core.observation import Control, Observation, Override
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop while a pause is active. It has no options: a pause is never optional."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, or a hold that names who paused and why."""
        if not seen.overrides:
            return plan
        word = said(seen.overrides, Control.PAUSE, seen.at)
        return plan if word is None else plan.held("hold", paused(word))


def paused(word: Override) -> Reason:
    """Why nothing moves."""
    sentence = "paused by {who} ({why})"
    return because(Code.PAUSED, sentence, who=word.author, why=word.why, **until(word))
