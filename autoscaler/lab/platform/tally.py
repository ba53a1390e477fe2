"""What a simulated deployment did and cost so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Sums since the start. Work is counted in job-seconds: one job present for one second.

    `demand_js` = `served_js` + `queued_js` + `refused_js`, always. `compute_s` is None once a
    replica ran whose rate is unknown.
    """

    elapsed_s: float = 0.0
    demand_js: float = 0.0
    served_js: float = 0.0
    queued_js: float = 0.0
    refused_js: float = 0.0
    crowded_s: float = 0.0
    """Seconds during which more jobs were present than there was room for."""
    crowded_js: float = 0.0
    """Work that was present in those seconds, whether it found room or not."""
    replica_s: float = 0.0
    compute_s: float | None = 0.0
    raised: int = 0
    """Replicas that the platform's own scaler added, one action each."""
    lowered: int = 0
    woken: int = 0
    upgrades: int = 0

    @property
    def actions(self) -> int:
        """Actions of the platform's own scaler."""
        return self.raised + self.lowered

    @property
    def overload_share(self) -> float:
        """Share of all work that found no room; 0 when there was no work."""
        if self.demand_js <= 0:
            return 0.0
        return (self.queued_js + self.refused_js) / self.demand_js

    @property
    def crowded_share(self) -> float:
        """Share of all work that came while there was not room for everything."""
        return self.crowded_js / self.demand_js if self.demand_js > 0 else 0.0

    def work(self, dt_s: float, running: float, queued: float, refused: float) -> None:
        """Count `dt_s` seconds with this many jobs."""
        demand = running + queued + refused
        self.elapsed_s += dt_s
        self.demand_js += demand * dt_s
        self.served_js += running * dt_s
        self.queued_js += queued * dt_s
        self.refused_js += refused * dt_s
        if queued + refused > 0:
            self.crowded_s += dt_s
            self.crowded_js += demand * dt_s

    def meter(self, dt_s: float, replicas: int, rate: float | None) -> None:
        """Meter `replicas` for `dt_s` seconds at `rate` compute-seconds per second each."""
        if not replicas:
            return
        self.replica_s += replicas * dt_s
        if rate is None or self.compute_s is None:
            self.compute_s = None
        else:
            self.compute_s += replicas * dt_s * rate
