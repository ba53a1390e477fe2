"""Guard `cooldown`: wait after a change before the same dial moves again."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.guards.between import between
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Seconds that must pass since the dial last moved, per direction of the next move.

    Threads wait for hours: changing them very probably restarts every replica.
    """

    raise_s: float = field(
        default=0.0, metadata=meta("before a replica dial is raised again", unit="s", ge=0)
    )
    lower_s: float = field(
        default=300.0, metadata=meta("before a replica dial is lowered", unit="s", ge=0)
    )
    threads_s: float = field(
        default=21_600.0, metadata=meta("before threads change again", unit="s", ge=0)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with every dial that is cooling left where it is."""
        if not plan.moves or not seen.changes:
            return plan
        waits = {dial: self._wait(plan, seen, dial) for dial in DIALS}
        if not any(waits.values()):
            return plan
        kept = {dial: plan.before[dial] if waits[dial] else plan.after[dial] for dial in DIALS}
        longest = max(waits.values())
        envelope = between(plan.before, *(kept[dial] for dial in DIALS))
        return plan.move(envelope, "cooldown", lambda dial: _cooling(waits[dial] or longest))

    def _wait(self, plan: Plan, seen: Observation, dial: Dial) -> float:
        """Seconds still to wait, 0 when the dial may move."""
        before, after = plan.before[dial], plan.after[dial]
        if after == before:
            return 0.0
        for change in reversed(seen.changes):
            if change.before[dial] != change.after[dial]:
                return max(0.0, change.at + self._pause(dial, after > before) - seen.at)
        return 0.0

    def _pause(self, dial: Dial, up: bool) -> float:  # noqa: FBT001 - a direction
        if dial is Dial.THREADS:
            return self.threads_s
        return self.raise_s if up else self.lower_s


def _cooling(left: float) -> Reason:
    return because(Code.COOLDOWN, "it changed lately and cools down for {left:span}", left=left)
