"""One live deployment as a pure model: load and configuration in, replicas and cost out.

Nothing here reads a clock: time is what `step` is told. Sources: Palantir documentation,
compute-modules/scaling and manage-models (2026-08). Assumptions, none of them documented:
a changed thread count, resource or environment starts a new replica set beside the old one and
the platform switches when one of its replicas is ready; a lowered maximum takes replicas away at
once; a raised minimum starts them all at once. Demand is the number of jobs present: those that
find no room wait, and leave with the demand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Health, Resources
from autoscaler.lab.platform.metering import GPU_RATES, replica_rate
from autoscaler.lab.platform.replicas import ReplicaSet
from autoscaler.lab.platform.scaler import NativeScaler, Scaling
from autoscaler.lab.platform.tally import Tally

NATIVE = Scaling()
ANY_RESOURCES = Resources()


@dataclass(frozen=True, slots=True)
class Config:
    """What a deployment runs with. `build` stands for all else whose change restarts replicas."""

    envelope: Envelope
    scaling: Scaling = NATIVE
    resources: Resources = ANY_RESOURCES
    build: str = ""

    def restarts(self, other: Config) -> bool:
        """Whether going to `other` needs new replicas."""
        return (self.envelope.threads, self.resources, self.build) != (
            other.envelope.threads,
            other.resources,
            other.build,
        )


class DeploymentModel:
    """A deployment that is stepped through time.

    Seconds: `cold_start_s` from the start of a replica until it is ready (may be changed at any
    time), `drain_s` for which a ready replica is still metered after it was taken away.
    `ready` replicas stand at the beginning (the minimum when left out).
    """

    def __init__(
        self,
        config: Config,
        *,
        cold_start_s: float = 60.0,
        drain_s: float = 0.0,
        ready: int | None = None,
        gpu_rates: Mapping[str, float] = GPU_RATES,
    ) -> None:
        self.config = config
        self.cold_start_s = cold_start_s
        self.drain_s = drain_s
        self.tally = Tally()
        self.disabled = False
        self.running = 0.0
        self.queued = 0.0
        self._gpu_rates = gpu_rates
        self._scaler = NativeScaler()
        self._active = self._replicas(config.envelope.min_replicas if ready is None else ready)
        self._serves = config
        self._next: ReplicaSet | None = None
        self._draining: list[tuple[float, int, float | None]] = []

    # --- what it is -------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """Replicas that serve."""
        return self._active.ready

    @property
    def starting(self) -> int:
        """Replicas that start, of either set, and broken ones that come back."""
        sets = [self._active] if self._next is None else [self._active, self._next]
        return sum(len(one.starting) + len(one.broken) for one in sets)

    @property
    def replicas(self) -> int:
        """Replicas of the serving set, ready or not."""
        return self._active.total

    @property
    def draining(self) -> int:
        """Replicas that finish their work after they were taken away."""
        return sum(count for _, count, _ in self._draining)

    @property
    def capacity(self) -> int:
        """Jobs that can run at once."""
        return 0 if self.disabled else self._active.capacity

    @property
    def upgrading(self) -> bool:
        """Whether a new replica set starts beside the serving one."""
        return self._next is not None

    @property
    def health(self) -> Health:
        """State and readiness in the platform's words."""
        active = self._active
        if self.disabled:
            return Health("DISABLED", is_ready=False)
        if active.ready:
            return Health("DEGRADED" if active.broken else "ACTIVE", is_ready=True)
        if active.starting or self._next is not None:
            return Health("STARTING", is_ready=False)
        return Health("FAILED" if active.broken else "ACTIVE", is_ready=False)

    # --- what is done to it -----------------------------------------------------------------

    def replace(self, config: Config) -> None:
        """Take a new configuration: the bounds at once, anything else by a new replica set."""
        latest, self.config = self.config, config
        if self.disabled:
            return
        if latest.restarts(config):
            self._upgrade()
        else:
            self._fit()

    def launch(self) -> None:
        """Start; no effect while it is started already. At least one replica comes up."""
        if self.disabled or not self._active.total:
            self.disabled = False
            self._serves = self.config
            self._active = self._replicas(0)
            self._active.grow(self._least_awake(), self.cold_start_s)
            self._scaler.restart()

    def disable(self) -> None:
        """Remove every replica and keep the configuration."""
        self.disabled = True
        self._retire(self._active)
        self._next = None
        self._active = self._replicas(0)

    def lose(self, count: int) -> int:
        """Let `count` ready replicas break down; they come back after a cold start."""
        return self._active.lose(count, self.cold_start_s)

    # --- time -------------------------------------------------------------------------------

    def step(self, dt_s: float, demand: float) -> None:
        """Let `dt_s` seconds pass with `demand` jobs present. Raises ValueError."""
        if not (math.isfinite(demand) and demand >= 0):
            raise ValueError(f"demand must be finite and at least 0, got {demand}")
        if not (math.isfinite(dt_s) and dt_s > 0):
            raise ValueError(f"dt_s must be finite and above 0, got {dt_s}")
        if self.disabled:
            self.running = self.queued = 0.0
            self.tally.work(dt_s, 0.0, 0.0, demand)
        else:
            self._wake(demand)
            self.running = min(demand, float(self._active.capacity))
            self.queued = demand - self.running
            self.tally.work(dt_s, self.running, self.queued, 0.0)
        self._meter(dt_s)
        if not self.disabled:
            self._grow_older(dt_s)
            self._scale(dt_s)

    def _wake(self, demand: float) -> None:
        if demand > 0 and not self._active.total and self._least_awake():
            self._active.grow(self._least_awake(), self.cold_start_s)
            self.tally.woken += 1
            self._scaler.restart()

    def _meter(self, dt_s: float) -> None:
        self.tally.meter(dt_s, self._active.total, self._active.rate)
        if self._next is not None:
            self.tally.meter(dt_s, self._next.total, self._next.rate)
        if self._draining:
            for left_s, count, rate in self._draining:
                self.tally.meter(min(dt_s, left_s), count, rate)
            self._draining = [(s - dt_s, n, rate) for s, n, rate in self._draining if s > dt_s]

    def _grow_older(self, dt_s: float) -> None:
        self._active.advance(dt_s)
        if self._next is not None:
            self._next.advance(dt_s)
            self._switch()

    def _scale(self, dt_s: float) -> None:
        active, bounds, scaling = self._active, self.config.envelope, self.config.scaling
        room = active.total * active.threads
        load = self.running / room if room else 0.0
        idle = self.running + self.queued <= 0
        self._scaler.watch(scaling, dt_s, load, idle=idle)
        change = self._scaler.verdict(
            scaling, active.total, bounds.min_replicas, bounds.max_replicas
        )
        if change:
            self.tally.raised += change > 0
            self.tally.lowered += change < 0
            self._change(active, change)
            if self._next is not None:
                self._change(
                    self._next, self._bounded(self._next.total + change) - self._next.total
                )

    # --- replica sets -----------------------------------------------------------------------

    def _least_awake(self) -> int:
        bounds = self.config.envelope
        return min(max(1, bounds.min_replicas), bounds.max_replicas)

    def _bounded(self, replicas: int) -> int:
        bounds = self.config.envelope
        return min(max(replicas, bounds.min_replicas), bounds.max_replicas)

    def _replicas(self, ready: int) -> ReplicaSet:
        rate = replica_rate(self.config.resources, self._gpu_rates)
        return ReplicaSet(self.config.envelope.threads, rate, ready)

    def _upgrade(self) -> None:
        self._next = None  # an unfinished upgrade carries no work and is dropped
        if not self._serves.restarts(self.config):
            self._fit()
            return
        self._next = self._replicas(0)
        self._next.grow(self._bounded(self._active.total), self.cold_start_s)
        self.tally.upgrades += 1
        self._switch()

    def _switch(self) -> None:
        if self._next is not None and (self._next.ready or not self._next.total):
            self._retire(self._active)
            self._active, self._next = self._next, None
            self._serves = self.config
            self._scaler.restart()

    def _fit(self) -> None:
        for one in (self._active, self._next):
            if one is not None:
                self._change(one, self._bounded(one.total) - one.total)

    def _change(self, replicas: ReplicaSet, by: int) -> None:
        if by > 0:
            replicas.grow(by, self.cold_start_s)
        elif by < 0:
            self._drain(replicas.shrink(-by), replicas.rate)
        if by:
            self._scaler.restart()

    def _retire(self, replicas: ReplicaSet) -> None:
        self._drain(replicas.ready, replicas.rate)

    def _drain(self, count: int, rate: float | None) -> None:
        if count and self.drain_s > 0:
            self._draining.append((self.drain_s, count, rate))
