"""The platform's own scaler: one replica at a time, after a delay.

Source: Palantir documentation, compute-modules/scaling (2026-08-14). Load is running jobs over
(current replicas x concurrency limit). At or above the upper threshold during the whole
scale-up delay: one replica more. Below the lower one during the whole scale-down delay: one less.
Assumed, since no page says: replicas that still start count as current, and every action starts
both timers anew. The scheduled and the predictive scaling of the product are left out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scaling:
    """Thresholds as load shares in [0, 1], delays in seconds. Raises ValueError."""

    up_threshold: float = 0.75
    down_threshold: float = 0.75
    up_delay_s: float = 60.0
    down_delay_s: float = 1800.0

    def __post_init__(self) -> None:
        for name in ("up_threshold", "down_threshold"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {value}")
        if self.up_threshold < self.down_threshold:
            raise ValueError(
                "up_threshold must be at least down_threshold, "
                f"got {self.up_threshold} and {self.down_threshold}"
            )
        if not 0 <= self.up_delay_s <= self.down_delay_s:
            raise ValueError(
                "the delays must satisfy 0 <= up_delay_s <= down_delay_s, "
                f"got {self.up_delay_s} and {self.down_delay_s}"
            )


class NativeScaler:
    """Three timers: how long load has been high, low, and none at all (seconds)."""

    __slots__ = ("high_s", "idle_s", "low_s")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget how long anything has lasted."""
        self.high_s = self.low_s = self.idle_s = 0.0

    def watch(self, scaling: Scaling, dt_s: float, load: float, *, idle: bool) -> None:
        """See `load` last for `dt_s` seconds."""
        self.high_s = self.high_s + dt_s if load >= scaling.up_threshold else 0.0
        self.low_s = self.low_s + dt_s if load < scaling.down_threshold else 0.0
        self.idle_s = self.idle_s + dt_s if idle else 0.0

    def verdict(self, scaling: Scaling, replicas: int, floor: int, ceiling: int) -> int:
        """+1, -1 or 0 replicas. The last replica leaves only when no request came at all."""
        if self.high_s + _DUST_S >= scaling.up_delay_s and self.high_s > 0 and replicas < ceiling:
            return 1
        low_s = self.idle_s if replicas == 1 else self.low_s
        if low_s + _DUST_S >= scaling.down_delay_s and low_s > 0 and replicas > floor:
            return -1
        return 0


_DUST_S = 1e-6  # sums of small steps miss a round number by about this
