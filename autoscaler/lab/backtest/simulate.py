"""One scaler against one demand: the fluid simulation, a step every 10 seconds."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.plant import Actuator, Native, Queue, Replicas

# A scaler begins this long before the score counts, so that its first guess is not scored.
WARM_UP_S = 3600.0


@dataclass(frozen=True, slots=True)
class World:
    """What the simulated deployment is like. Times in seconds.

    `clients_wait_s`: a request that waited this long gives up. `threads`: requests that one
    replica works on at once. `sees_queue`: whether waiting work counts as load (in the fluid
    model it makes every scaler overshoot after an overload; the figures are without).
    """

    cold_start_s: float = 120.0
    clients_wait_s: float = 60.0
    least: int = 1
    most: int = 60
    threads: int = 32
    sees_queue: bool = False
    actuator: Actuator = Actuator.DIRECT
    native: NativeScaling = field(default_factory=NativeScaling)


@dataclass(slots=True)
class Sight:
    """What a scaler may look at, filled up to the last finished step.

    `load` is the offered concurrency in replicas, which does not saturate. `ready` and `paid`
    are replicas that serve and that are paid for. The run began at index `offset`.
    """

    load: list[float]
    ready: list[int]
    paid: list[int]
    offset: int = 0


class Scaler(Protocol):
    """Somebody who sizes a deployment."""

    @property
    def every_s(self) -> float:
        """Seconds between two looks."""
        ...

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Learn from demand before the run (replicas, a step each); the first wish."""
        ...

    def look(self, step: int, sight: Sight) -> Envelope:
        """The envelope from now on. `sight` ends at `step` - 1."""
        ...


@dataclass(slots=True)
class Run:
    """What happened in the scored part, a value per step.

    `capacity` is what serves, in replicas with the world's threads; `paid` counts starting
    replicas too; `wish` is the floor asked for; `wait_s` the fluid wait of what arrived.
    """

    capacity: array[float]
    paid: array[int]
    wish: array[int]
    threads: array[int]
    wait_s: array[float]


def simulate(demand: Sequence[float], scored_from: int, scaler: Scaler, world: World) -> Run:
    """Run `scaler` over `demand` (replicas of work per step), scored from `scored_from` on."""
    warm = min(scored_from, round(WARM_UP_S / STEP_S))
    start = scored_from - warm
    first = scaler.prepare(demand[:start], world)
    stage = _Stage(world, _within(first, world))
    stage.sight.load.extend(demand[:start])
    stage.sight.ready.extend([stage.replicas.ready] * start)
    stage.sight.paid.extend([stage.replicas.ready] * start)
    stage.sight.offset = start
    every = max(1, round(scaler.every_s / STEP_S))
    for step in range(start, len(demand)):
        if (step - start) % every == 0:
            stage.obey(scaler.look(step, stage.sight), step)
        stage.live(step, demand[step])
    return stage.run(scored_from, start)


def _within(count: int, world: World) -> int:
    return min(max(count, world.least), world.most)


class _Stage:
    """The deployment during one run."""

    def __init__(self, world: World, first: int) -> None:
        self.world = world
        self.replicas = Replicas(first, math.ceil(world.cold_start_s / STEP_S))
        self.queue = Queue(world.clients_wait_s)
        self.native = None if world.actuator is Actuator.DIRECT else Native(world.native)
        self.sight = Sight([], [], [])
        self.floor = self.ceiling = first
        self.threads = world.threads
        self.per_replica = 1.0
        self.wish: list[int] = []
        self.thread_log: list[int] = []
        self.capacity: list[float] = []
        self.wait: list[float] = []

    def obey(self, envelope: Envelope, step: int) -> None:
        """Take a new envelope. More threads are taken to carry more work in proportion."""
        self.floor = _within(envelope.min_replicas, self.world)
        self.ceiling = max(self.floor, _within(envelope.max_replicas, self.world))
        self.threads = envelope.threads
        self.per_replica = envelope.threads / self.world.threads
        count = self.replicas.count
        if self.native is None or count < self.floor:
            target = self.floor
        elif count > self.ceiling and self.world.actuator is Actuator.ENVELOPE_EVICT:
            target = self.ceiling
        else:
            return
        if target != count:
            self.replicas.resize(target, step)

    def live(self, step: int, work: float) -> None:
        """One step: starts finish, work is served, the platform's own scaler moves."""
        replicas, queue = self.replicas, self.queue
        if replicas.starting:
            replicas.arrive(step)
        ready = replicas.ready
        capacity = ready * self.per_replica
        if work <= capacity and not queue.total:
            served, wait = work, 0.0
        else:
            ahead = queue.total
            served = queue.serve(step, work, capacity)
            wait = max(ahead, queue.total) / capacity * STEP_S if capacity else math.inf
        sight = self.sight
        sight.load.append(work + queue.total if self.world.sees_queue else work)
        sight.ready.append(ready)
        sight.paid.append(ready + replicas.starting)
        self.capacity.append(capacity)
        self.wish.append(self.floor)
        self.thread_log.append(self.threads)
        self.wait.append(wait)
        if self.native is not None:
            self._own_move(self.native, served / self.per_replica, step)

    def _own_move(self, native: Native, running: float, step: int) -> None:
        move = native.move(running, self.replicas.ready)
        count = self.replicas.count
        if (move > 0 and count < self.ceiling) or (move < 0 and count > self.floor):
            self.replicas.resize(count + move, step)

    def run(self, scored_from: int, start: int) -> Run:
        """The scored part."""
        warm = scored_from - start
        return Run(
            array("d", self.capacity[warm:]),
            array("i", self.sight.paid[scored_from:]),
            array("i", self.wish[warm:]),
            array("i", self.thread_log[warm:]),
            array("d", self.wait[warm:]),
        )
