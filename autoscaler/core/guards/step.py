"""Guard `step`: the largest single change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Step:
    """Bound one write: from 4 replicas to at most max(4 x 3, 4 + 8) = 12, or down to 2."""

    raise_factor: float = field(
        default=3.0, metadata=meta("a dial at most times this, in one write", ge=1)
    )
    raise_add: int = field(default=8, metadata=meta("or at most plus this, if more", ge=1))
    lower_share: float = field(
        default=0.5, metadata=meta("lower a dial at most by this share, at least by 1", gt=0, le=1)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:  # noqa: ARG002 - one signature
        """The plan with each dial's change cut to the largest step."""
        if not plan.moves:
            return plan
        cut = legal({dial: self._cut(plan, dial) for dial in DIALS})

        def why(dial: Dial) -> Reason:
            return because(
                Code.STEP_LIMIT,
                "one write takes it from {now} to {most} and no further",
                now=plan.before[dial],
                most=cut[dial],
            )

        return plan.move(cut, "step", why)

    def _cut(self, plan: Plan, dial: Dial) -> int:
        before, after = plan.before[dial], plan.after[dial]
        highest = max(math.floor(before * self.raise_factor), before + self.raise_add)
        lowest = min(math.ceil(before * (1 - self.lower_share)), before - 1)
        return min(max(after, lowest), highest)
