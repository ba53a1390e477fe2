"""Guard `hold`: an operator's pause stops everything."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.observation import Control, Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop while a pause is active. It has no options: a pause is never optional."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, or a hold that names who paused and why."""
        for override in seen.overrides:
            if override.control is Control.PAUSE and override.active(seen.at):
                reason = because(
                    Code.PAUSED, "paused by {who}: {why}", who=override.author, why=override.why
                )
                return plan.held("hold", reason)
        return plan
