"""What a forecast is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autoscaler.core.options import check_options, meta
from autoscaler.forecast.margins import Pace


@dataclass(frozen=True, slots=True)
class Options:
    """One deployment's forecast. `lead_s` is the cold start (p95), `every_s` the tick."""

    name: str = "forecast"
    tau: float = field(
        default=0.975,
        metadata=meta("share of the time that demand stays within the forecast", ge=0.5, le=0.9999),
    )
    keep_risk: float = field(
        default=4.0,
        metadata=meta("the keep forecast may fall short this many times as often", ge=1, le=10),
    )
    ceiling_tau: float = field(
        default=0.98, metadata=meta("the same for the ceiling's forecast", ge=0.5, le=0.9999)
    )
    lead_s: float = field(
        default=120.0, metadata=meta("time that a new replica takes to serve", unit="s", ge=1)
    )
    every_s: float = field(
        default=30.0, metadata=meta("time between two decisions", unit="s", ge=1, le=3600)
    )
    guard: float = field(
        default=1.1, metadata=meta("never forecast less than the level times this", ge=0, le=3)
    )
    slope: float = field(
        default=0.2, metadata=meta("share of a present rise to count on", ge=0, le=2)
    )
    hold_fall_s: float = field(
        default=600.0,
        metadata=meta("a surprising fall to nothing is not believed so long", unit="s", ge=0),
    )
    blind_s: float = field(
        default=7200.0, metadata=meta("without data so long, no forecast is made", unit="s", gt=0)
    )
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        check_options(self)
        if self.lead_s / self.every_s > LONGEST_LEAD:
            raise ValueError(
                f"lead_s must be at most {LONGEST_LEAD} x every_s, got {self.lead_s} s "
                f"at every {self.every_s} s"
            )

    @property
    def keep_tau(self) -> float:
        """The quantile to let go by: coming too late with a replica costs less than never."""
        return max(0.5, 1 - (1 - self.tau) * self.keep_risk)

    @property
    def span_s(self) -> float:
        """How far ahead the forecast looks."""
        return self.lead_s + self.every_s

    @property
    def first_lag(self) -> int:
        """Ticks from a forecast until the first tick that it was made for has passed."""
        return math.floor(self.lead_s / self.every_s) + 1

    @property
    def last_lag(self) -> int:
        """Ticks until the last one has passed."""
        return math.ceil(self.lead_s / self.every_s) + 1


LONGEST_LEAD = 720
