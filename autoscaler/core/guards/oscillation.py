"""Guard `oscillation`: a dial that swings is left up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.fleet import lowers
from autoscaler.core.guards.between import between, direction
from autoscaler.core.observation import Change, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Oscillation:
    """A dial that changed its direction more than 4 times in an hour is not lowered."""

    most: int = field(default=4, metadata=meta("changes of direction that are normal", ge=1))
    window_s: float = field(
        default=3600.0, metadata=meta("in this time", unit="s", gt=0, le=86_400)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with every swinging dial at least where it is."""
        # A turn needs two changes, so `most` changes hold fewer than `most` turns.
        if len(seen.changes) <= self.most or not lowers(plan):
            return plan
        start = seen.at - self.window_s
        kept = {dial: self._kept(plan, seen.changes, dial, start) for dial in DIALS}
        return plan.move(
            between(plan.before, *(kept[dial] for dial in DIALS)),
            "oscillation",
            because(
                Code.OSCILLATING,
                "it went up and down more than {most:count time} within {window:span}",
                most=self.most,
                window=self.window_s,
            ),
        )

    def _kept(self, plan: Plan, changes: Sequence[Change], dial: Dial, start: float) -> int:
        before, after = plan.before[dial], plan.after[dial]
        if after < before and turns(changes, dial, start) > self.most:
            return before
        return after


def turns(changes: Sequence[Change], dial: Dial, start: float) -> int:
    """How often a dial changed its direction at or after `start` (Unix seconds)."""
    count = last = 0
    for change in changes:
        way = direction(change.before[dial], change.after[dial])
        if not way:
            continue
        if last == -way and change.at >= start:
            count += 1
        last = way
    return count
