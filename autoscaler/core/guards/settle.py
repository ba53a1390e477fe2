"""Guard `settle`: no second change until the first has taken effect, or had its time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from autoscaler.core.guards.health import settled
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Settle:
    """After an own change, wait for a newer reading that says ACTIVE and ready, or 600 s.

    Until then nothing is lowered and no thread changes, and only a raise that asks for a
    quarter more guaranteed capacity than there is now goes ahead: 4 x 32 to 5 x 32. When more
    replicas were asked for longer ago than that and the platform has not been ready since, for
    want of quota or GPUs perhaps, it is asked for more only once in that time.
    """

    timeout_s: float = field(
        default=600.0, metadata=meta("a change counts as settled after this", unit="s", ge=0)
    )
    raise_again_share: float = field(
        default=0.25,
        metadata=meta("guaranteed capacity that another raise must add, as a share", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, or what of it cannot wait until the last change has settled."""
        if not seen.changes or not plan.moves:
            return plan
        left = self._left(seen)
        if left <= 0:
            return plan
        reason = because(
            Code.SETTLING,
            "the last change has not settled yet; it gets {left:span} more",
            left=left,
        )
        raised = plan.not_below("settle", reason)
        raised = raised.move(replace(raised.after, threads=plan.before.threads), "settle", reason)
        if seen.behind_since is not None and seen.at - seen.behind_since > self.timeout_s:
            return raised.move(plan.before, "settle", _not_reached(seen, seen.behind_since, left))
        now, then = plan.before.floor_capacity, raised.after.floor_capacity
        if then > now and then >= now * (1 + self.raise_again_share):
            return raised
        return raised.move(plan.before, "settle", reason)

    def _left(self, seen: Observation) -> float:
        """Seconds that the last own change may still take; 0 or less when it has settled."""
        for change in reversed(seen.changes):
            if change.foreign:
                continue
            if seen.envelope_at > change.at and settled(seen):
                return 0.0
            return change.at + self.timeout_s - seen.at
        return 0.0


def _not_reached(seen: Observation, since: float, left: float) -> Reason:
    return because(
        Code.RAISE_NOT_REACHED,
        "the replicas asked for {ago:span} ago are not ready yet (no quota, no GPUs?); "
        "it is asked for more in {left:span}",
        ago=seen.at - since,
        left=left,
    )
