"""Guard `mode`: a deployment in `raise_only` is never lowered."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.controls import said, until
from autoscaler.core.observation import Control, Observation, Override
from autoscaler.core.observation import Mode as Setting
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Mode:
    """Take back every lowering in `raise_only`, even one that the limits asked for."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, raised or unchanged in `raise_only`; untouched in any other mode."""
        if seen.mode is not Setting.RAISE_ONLY:
            return plan
        word = said(seen.overrides, Control.MODE, seen.at)
        return plan.not_below("mode", raise_only(word))


def raise_only(word: Override | None) -> Reason:
    """Why a mode takes every lowering back."""
    if word is None:
        return because(Code.MODE_RAISE_ONLY, "the mode is raise_only, which lowers nothing")
    sentence = "{who} set the mode to raise_only ({why}), which lowers nothing"
    return because(Code.MODE_RAISE_ONLY, sentence, who=word.author, why=word.why, **until(word))
