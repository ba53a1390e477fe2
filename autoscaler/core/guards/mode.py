"""Guard `mode`: a deployment in `raise_only` is never lowered."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.observation import Mode as Setting
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Mode:
    """Take back every lowering in `raise_only`, even one that the limits asked for."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, raised or unchanged in `raise_only`; untouched in any other mode."""
        if seen.mode is not Setting.RAISE_ONLY:
            return plan
        return plan.not_below("mode", because(Code.MODE_RAISE_ONLY, "the mode is raise_only"))
