"""Guard `plausibility`: a signal that lies, or falls off a cliff, lowers nothing yet.

The three strikes are the rule that Netflix's Scryer was given after retry storms: a collapse of
traffic is more often a broken client or collector than a quiet hour, so it has to last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from autoscaler.core.fleet import lowers
from autoscaler.core.observation import Absence, Missing, Observation, Series, Signal
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because

# Samples further ahead than sources tolerate of a skewed clock belong to a forecast.
AHEAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Plausibility:
    """From a median of 100 jobs, fewer than 10 must be seen 3 times before anything is lowered."""

    drop_share: float = field(
        default=0.9,
        metadata=meta(
            "a fall by more than this share of the median before must be confirmed", gt=0, le=1
        ),
    )
    strikes: int = field(
        default=3, metadata=meta("consecutive samples that confirm a fall", ge=1, le=100)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan without its lowerings while a signal is implausible or its fall unconfirmed."""
        if not lowers(plan):
            return plan
        for name, signal in seen.signals.items():
            reason = self._doubt(name, signal, seen.at)
            if reason:
                return plan.not_below("plausibility", reason)
        return plan

    def _doubt(self, name: str, signal: Signal, at: float) -> Reason | None:
        if isinstance(signal, Missing):
            if signal.why is not Absence.IMPLAUSIBLE:
                return None
            return because(
                Code.IMPLAUSIBLE,
                "no lowering: {signal} is outside its declared range ({detail})",
                signal=name,
                detail=signal.detail,
            )
        if signal.last_at > at + AHEAD_S:
            return None
        usual = self._fell_from(signal)
        if usual is None:
            return None
        return because(
            Code.DROP_UNCONFIRMED,
            "no lowering: {signal} fell from {usual:g} to {value:g}, which "
            "{strikes:count sample} in a row must confirm",
            signal=name,
            usual=usual,
            value=signal.last,
            strikes=self.strikes,
        )

    def _fell_from(self, series: Series) -> float | None:
        """The median before a fall that too few samples confirm; None when there is none."""
        values = series.values
        if len(values) < 2:  # noqa: PLR2004 - one sample has nothing before it
            return None
        usual = median(values[: max(1, len(values) - self.strikes)])
        low = (1 - self.drop_share) * usual
        if values[-1] >= low or all(value < low for value in values[-self.strikes :]):
            return None
        return usual
