"""Named scalers to compare: ours and the well-known ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoscaler.lab.backtest.aws import Predictive, TargetTracking, with_tracking
from autoscaler.lab.backtest.ours import Ours, PolicyScaler
from autoscaler.lab.backtest.peers import Fixed, Hpa, Kpa, PlatformAlone
from autoscaler.lab.backtest.simulate import Scaler


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Who decides. `make` builds a fresh scaler for every trace."""

    name: str
    make: Callable[[], Scaler]


def ours(name: str, configured: Ours) -> PolicySet:
    """Policies and guards as they run live."""
    return PolicySet(name, lambda: PolicyScaler(configured))


def hpa(target: float, every_s: float = 20.0) -> PolicySet:
    """The Kubernetes HPA at a target share."""
    return PolicySet(f"hpa_{target:.0%}", lambda: Hpa(target, every_s=every_s))


def peers() -> tuple[PolicySet, ...]:
    """The comparison that the published figures use."""
    return (
        PolicySet("static_peak", Fixed),
        PolicySet("platform_alone", PlatformAlone),
        hpa(0.4),
        hpa(0.5),
        hpa(0.7),
        PolicySet("kpa_70%", lambda: Kpa(0.7)),
        PolicySet("aws_tracking_70%", lambda: TargetTracking(0.7)),
        PolicySet("aws_predictive_70%", lambda: Predictive(0.7)),
        PolicySet("aws_both_50%", lambda: with_tracking(0.5)),
        PolicySet("aws_both_70%", lambda: with_tracking(0.7)),
    )
