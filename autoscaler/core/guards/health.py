"""Guard `health`: what the deployment's own state allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because

SETTLED = "ACTIVE"
UNSETTLED = frozenset({"STARTING", "DEGRADED"})
STOPPED = {
    "DISABLED": (Code.DEPLOYMENT_DISABLED, "somebody disabled it; it is never started from here"),
    "FAILED": (Code.DEPLOYMENT_FAILED, "no healthy replica; more of them would not help"),
}


def settled(seen: Observation) -> bool:
    """Whether the platform has nothing left to do: ACTIVE, and ready or allowed to be empty.

    Without a guaranteed replica a deployment that is ACTIVE and not ready has scaled to zero.
    """
    health = seen.health
    return health.state == SETTLED and (health.is_ready or seen.envelope.min_replicas == 0)


@dataclass(frozen=True, slots=True)
class Health:
    """Hold DISABLED, FAILED and unknown states; never lower or restart one that is not settled.

    States are open strings: one that the platform adds tomorrow holds until it is understood.
    """

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan as far as the deployment's state lets it go."""
        state = seen.health.state
        if settled(seen):
            return plan
        if state == SETTLED or state in UNSETTLED:
            ready = state if state != SETTLED else f"{state} and not ready"
            reason = because(
                Code.DEPLOYMENT_NOT_SETTLED,
                "no lowering and no restart while the deployment is {state}",
                state=ready,
            )
            kept = plan.not_below("health", reason)
            return kept.move(replace(kept.after, threads=plan.before.threads), "health", reason)
        code, sentence = STOPPED.get(
            state,
            (Code.DEPLOYMENT_STATE_UNKNOWN, "the platform says {state}, which is not known here"),
        )
        return plan.held("health", because(code, sentence, state=state))
