"""A fixed envelope replayed over past demand, with the platform's own scaler inside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest import Actuator, World
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.plant import EPSILON
from autoscaler.lab.backtest.simulate import Scaler, simulate

DAY_S = 86_400.0

# The scaler begins this many steps before the count, so that its first size does not matter.
WARM_STEPS = 360


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a stretch of past demand.

    `violations` is the share of requests that found no room, `replica_s` replica-seconds paid
    for, `moves_per_day` how often the number of replicas changed, `at_ceiling` the share of the
    time without a replica left to add.
    """

    violations: float
    replica_s: float
    moves_per_day: float
    at_ceiling: float
    days: float

    @property
    def replica_s_per_day(self) -> float:
        """Replica-seconds of a day."""
        return self.replica_s / self.days


@dataclass(slots=True)
class Standing:
    """Nobody moves the envelope."""

    envelope: Envelope
    every_s: float = DAY_S
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Begin at what the platform would hold at its threshold."""
        self._world = world
        wanted = math.ceil((past[-1] if past else 0.0) / world.native.up_threshold)
        return min(max(wanted, self.envelope.min_replicas), self.envelope.max_replicas)

    def look(self, step: int, sight: object) -> Envelope:  # noqa: ARG002 - one signature
        """The same for ever."""
        return self.envelope


def standing(
    demand: Sequence[float], envelope: Envelope, native: NativeScaling, cold_start_s: float
) -> Replayed:
    """Leave `envelope` alone over `demand` (replicas of work, a step of 10 s each)."""
    ceiling = max(1, envelope.max_replicas)
    scaler = Standing(Envelope(min(envelope.min_replicas, ceiling), ceiling, envelope.threads))
    world = World(
        cold_start_s=cold_start_s,
        least=max(1, envelope.min_replicas),
        most=ceiling,
        threads=envelope.threads,
        actuator=Actuator.ENVELOPE_EVICT,
        native=native,
    )
    return replayed(demand, scaler, world, min(WARM_STEPS, len(demand) // 2))


def replayed(demand: Sequence[float], scaler: Scaler, world: World, scored_from: int) -> Replayed:
    """Run any scaler over `demand` and judge it from step `scored_from` on."""
    run = simulate(demand, scored_from, scaler, world)
    load = np.asarray(demand[scored_from:])
    ready, paid = np.asarray(run.capacity), np.asarray(run.paid)
    days = load.size * STEP_S / DAY_S
    return Replayed(
        violations=float(load[load > ready + EPSILON].sum()) / (float(load.sum()) or 1.0),
        replica_s=float(paid.sum()) * STEP_S,
        moves_per_day=int(np.count_nonzero(np.diff(paid))) / days,
        at_ceiling=float((paid >= world.most).mean()),
        days=days,
    )
