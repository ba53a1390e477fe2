"""Guard `recovery`: a source that came back is believed upwards at once, downwards later.

Sources that return often serve zeros or a part of the fleet at first (kedacore/keda#965).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.fleet import lowers
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Recovery:
    """No lowering for 300 s after a signal's source answers again."""

    grace_s: float = field(
        default=300.0,
        metadata=meta("no lowering for this long after a signal came back", unit="s", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan without its lowerings while any signal is back for less than the grace."""
        if not lowers(plan):
            return plan
        for name, signal in seen.signals.items():
            if isinstance(signal, Missing) or signal.recovered_at is None:
                continue
            left = signal.recovered_at + self.grace_s - seen.at
            if left > 0:
                reason = because(
                    Code.RECOVERING,
                    "no lowering: {signal} came back only lately; {left:span} to wait",
                    signal=name,
                    left=left,
                )
                return plan.not_below("recovery", reason)
        return plan
