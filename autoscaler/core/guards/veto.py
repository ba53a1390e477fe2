"""Guard `veto`: no lowering while errors or latency are above their line.

Load alone lies when callers wait or give up: on 2021-01-04 Slack's web tier was scaled down
because its threads were blocked and its processors idle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from autoscaler.core.fleet import lowers
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because

NO_LINES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Veto:
    """With `lines: {error_share: 0.02}`, nothing is lowered while 3 % of the requests fail."""

    lines: Mapping[str, float] = field(
        default_factory=lambda: NO_LINES,
        metadata=meta("the highest value of each named signal at which lowering is allowed"),
    )

    def __post_init__(self) -> None:
        for name, line in self.lines.items():
            if not math.isfinite(line):
                raise ValueError(f"lines must be finite numbers, got {line!r} for {name}")

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan without its lowerings while a named signal is missing or above its line."""
        if not self.lines or not lowers(plan):
            return plan
        for name, line in self.lines.items():
            signal = seen.signal(name)
            if isinstance(signal, Missing):
                reason = because(
                    Code.VETOED,
                    "no lowering: {signal} {why:absent}",
                    signal=name,
                    why=signal.why.value,
                )
                return plan.not_below("veto", reason)
            if signal.last > line:
                reason = because(
                    Code.VETOED,
                    "no lowering: {signal} is {value:g}, above its line of {line:g}",
                    signal=name,
                    value=signal.last,
                    line=line,
                )
                return plan.not_below("veto", reason)
        return plan
