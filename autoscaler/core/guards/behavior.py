"""Guard `behavior`: the HPA's stabilisation windows and rate policies, for floor and ceiling apart.

The arithmetic is in autoscaler/core/behavior.py. What was wanted and what was changed come from
the journal, so a restart forgets nothing. Changes that somebody else made are no events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from autoscaler.core.behavior import (
    LOWER_WINDOW_S,
    RAISE_WINDOW_S,
    Event,
    Limited,
    Rules,
    Wish,
    limited,
    stabilised,
    wanted_within,
)
from autoscaler.core.envelope import Dial
from autoscaler.core.guards.between import REPLICAS, between
from autoscaler.core.hpa import MOST_REPLICAS
from autoscaler.core.observation import Observation
from autoscaler.core.options import meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Behavior:
    """Off until configured. An empty map takes the HPA's defaults for that direction."""

    raise_rules: Rules | None = field(
        default=None, metadata=meta("the HPA's scaleUp; raises are free when left out")
    )
    lower_rules: Rules | None = field(
        default=None, metadata=meta("the HPA's scaleDown; lowerings are free when left out")
    )

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with floor and ceiling moved as far as the rules of its direction allow."""
        if (self.raise_rules is None and self.lower_rules is None) or not plan.moves:
            return plan
        floor, ceiling = (self._stable(plan, seen, dial) for dial in REPLICAS)
        plan = _with(plan, floor, ceiling, STABILISING)
        found = {dial: self._limited(plan, seen, dial) for dial in REPLICAS}

        def why(dial: Dial) -> Reason:
            by = found[dial].by.value if dial in found else ""
            return because(
                Code.BEHAVIOR_LIMIT, "your rates in `behavior` allow no more now ({by})", by=by
            )

        floor, ceiling = (found[dial].replicas for dial in REPLICAS)
        return _with(plan, floor, ceiling, why)

    def _stable(self, plan: Plan, seen: Observation, dial: Dial) -> int:
        current, desired = plan.before[dial], plan.after[dial]
        if self._rules(current, desired) is None:
            return desired
        up, down = (
            window(self.raise_rules, RAISE_WINDOW_S),
            window(self.lower_rules, LOWER_WINDOW_S),
        )
        wishes = [Wish(past.envelope[dial], seen.at - past.until) for past in seen.recommended]
        # Before the watch began nobody knows what was wanted: what was there counts instead.
        wishes.append(Wish(current, max(0.0, seen.at - seen.watched_since)))
        return stabilised(current, desired, wanted_within(wishes, up), wanted_within(wishes, down))

    def _limited(self, plan: Plan, seen: Observation, dial: Dial) -> Limited:
        current, desired = plan.before[dial], plan.after[dial]
        events = [
            Event(change.after[dial] - change.before[dial], seen.at - change.at)
            for change in seen.changes
            if not change.foreign
        ]
        # The range is the guard `limits`' own matter, so the widest one stands here.
        return limited(
            current,
            desired,
            0 if self.lower_rules else desired,
            MOST_REPLICAS if self.raise_rules else desired,
            self.raise_rules or Rules(),
            self.lower_rules or Rules(),
            events,
        )

    def _rules(self, current: int, desired: int) -> Rules | None:
        return self.raise_rules if desired > current else self.lower_rules


STABILISING = because(
    Code.STABILISING, "something else was wanted within your windows in `behavior`"
)


def window(rules: Rules | None, default_s: float) -> float:
    """The stabilisation window of one direction in seconds; none without rules."""
    if rules is None:
        return 0.0
    return default_s if rules.stabilization_window_s is None else rules.stabilization_window_s


def _with(plan: Plan, floor: int, ceiling: int, why: Callable[[Dial], Reason] | Reason) -> Plan:
    return plan.move(between(plan.before, floor, ceiling, plan.after.threads), "behavior", why)
