"""What a deployment is left with when the daemon stops: what the user declared, and never less.

Nobody watches from then on, and nobody looked at fresh data to say that less will do. So each dial
goes to the higher of what it has and what was declared (ADR 0007). The stops, the deployment's
health, operators' words and the limits have their say as in any tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.core.decide import Guard
from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.guards.health import Health
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.override import Override
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan, Step
from autoscaler.core.reason import Code, because

ASKED = (Hold, Health, Override, Limits)
WHY = because(Code.ON_SHUTDOWN, "the daemon stops, and `on_shutdown` declares so much")
KEPT = because(Code.ON_SHUTDOWN, "the daemon stops, and lowers nothing that nobody watches")


@dataclass(frozen=True, slots=True)
class Farewell:
    """What is left behind when the daemon is stopped in order; a dial left out stays as it is.

    Nothing is lowered for it. A higher thread count restarts the replicas.
    """

    min_replicas: int | None = field(
        default=None, metadata=meta("at least so many guaranteed replicas", ge=0)
    )
    max_replicas: int | None = field(
        default=None, metadata=meta("at least so many replicas allowed", ge=0)
    )
    threads: int | None = field(
        default=None, metadata=meta("at least so many threads; more restart the replicas", ge=1)
    )
    within_s: float = field(
        default=10.0,
        metadata=meta("the stop waits at most so long for it", unit="s", gt=0, le=300),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if all(self[dial] is None for dial in DIALS):
            raise ValueError("min_replicas, max_replicas or threads must be declared, got none")
        floor, roof = self.min_replicas, self.max_replicas
        if floor is not None and roof is not None and floor > roof:
            raise ValueError(f"min_replicas must be at most max_replicas {roof}, got {floor}")

    def __getitem__(self, dial: Dial) -> int | None:
        if dial is Dial.MIN_REPLICAS:
            return self.min_replicas
        return self.max_replicas if dial is Dial.MAX_REPLICAS else self.threads

    def plan(self, seen: Observation, guards: Sequence[Guard]) -> Plan:
        """The plan that leaves it so; of the guards those that speak of now, not of the load."""
        before = seen.envelope
        most = {dial: max(before[dial], self[dial] or 0) for dial in DIALS}
        # A floor takes the ceiling along.
        most[Dial.MAX_REPLICAS] = max(most[Dial.MIN_REPLICAS], most[Dial.MAX_REPLICAS])
        wanted = legal(most)
        steps = tuple(
            Step(dial, before[dial], wanted[dial], "on_shutdown", WHY)
            for dial in DIALS
            if wanted[dial] != before[dial]
        )
        plan = Plan(before, wanted, wanted, (), steps)
        for guard in guards:
            if plan.moves and isinstance(guard, ASKED) and not plan.hold:
                plan = guard.shape(plan, seen)
        return plan if plan.hold else plan.not_below("on_shutdown", KEPT)
