"""What a group's deployments share in one tick: the alarm against lowering, and the budgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autoscaler.core.cost import Unpriced, replica_rate
from autoscaler.core.decision import Decision
from autoscaler.core.fleet import Budget, added, alarm, blind, lowers
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason
from autoscaler.core.standing import standing
from autoscaler.roster import FleetSpec
from autoscaler.runtime.seat import Seat

MINUTE_S = 60.0


@dataclass(slots=True)
class Shared:
    """One group's alarm and budgets over time; `now` is always monotonic seconds."""

    spec: FleetSpec
    dropping_since: float | None = None
    raised: deque[tuple[float, int]] = field(default_factory=deque)

    def calm(self, decisions: list[Decision], now: float) -> Reason | None:
        """Take back every lowering in place when the whole fleet looks wrong; why, or None."""
        plans = [decision.plan for decision in decisions]
        unseen = sum(blind(decision.seen) for decision in decisions)
        lasted = 0.0 if self.dropping_since is None else now - self.dropping_since
        reason = alarm(plans, unseen, self.spec, lasted)
        if reason is None:
            # An alarm that was waited out stays waited out until the drop is over.
            if alarm(plans, 0, self.spec) is None:
                self.dropping_since = None
            return None
        if reason.code is not Code.FLEET_BLIND and self.dropping_since is None:
            self.dropping_since = now
        for index, decision in enumerate(decisions):
            if lowers(decision.plan):
                decisions[index] = _kept(decision, decision.plan.not_below("fleet", reason))
        return reason

    def budget(self, writes: int, seats: Sequence[Seat], now: float) -> Budget:
        """What this tick may spend."""
        spec = self.spec
        while self.raised and self.raised[0][0] <= now - MINUTE_S:
            self.raised.popleft()
        left = None
        if spec.raise_per_minute:
            left = max(0, spec.raise_per_minute - sum(count for _, count in self.raised))
        rate = None
        if spec.compute_rate:
            spent = sum(seat.live.envelope.min_replicas * rate_of(seat) for seat in seats)
            rate = max(0.0, spec.compute_rate - spent)
        return Budget(writes, left, rate)

    def spent(self, plan: Plan, now: float) -> None:
        """A raise was written."""
        count = added(plan)
        if count and self.spec.raise_per_minute:
            self.raised.append((now, count))


def rate_of(seat: Seat) -> float:
    """Compute-seconds per second of one replica; 0 where no rate is known."""
    rate = replica_rate(seat.live.resources)
    return 0.0 if isinstance(rate, Unpriced) else rate


def _kept(decision: Decision, plan: Plan) -> Decision:
    outcome = standing(plan, decision.mode, decision.seen) or decision.outcome
    return replace(decision, plan=plan, outcome=outcome)
