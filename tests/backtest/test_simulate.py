from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest.plant import Actuator, Native, Queue, Replicas
from autoscaler.lab.backtest.simulate import Run, Sight, World, simulate


@dataclass
class Script:
    """A scaler that says what it was told to say."""

    says: Callable[[int], Envelope]
    first: int = 1
    every_s: float = 10.0

    def prepare(self, past: Sequence[float], world: World) -> int:
        return self.first

    def look(self, step: int, sight: Sight) -> Envelope:
        assert len(sight.load) == step
        return self.says(step)


def acted(
    demand: list[float], says: Callable[[int], Envelope], world: World, first: int = 1
) -> Run:
    return simulate(demand, 0, Script(says, first), world)


def test_a_replica_serves_after_its_cold_start_and_is_paid_from_its_first_second() -> None:
    run = acted([0.5] * 20, lambda _: Envelope(2, 2, 32), World(cold_start_s=50.0))
    assert list(run.paid) == [2] * 20
    assert list(run.capacity) == [1.0] * 5 + [2.0] * 15


def test_a_lowered_size_goes_at_once_and_the_youngest_first() -> None:
    replicas = Replicas(2, 5)
    replicas.resize(4, 0)
    replicas.resize(6, 2)
    replicas.resize(3, 3)
    assert (replicas.ready, replicas.starting) == (2, 1)
    replicas.arrive(5)
    assert (replicas.ready, replicas.starting) == (3, 0)
    replicas.resize(1, 6)
    assert replicas.count == 1


def test_waiting_work_gives_up_after_the_timeout() -> None:
    queue = Queue(60.0)
    for step in range(20):
        served = queue.serve(step, 3.0, 1.0)
        assert served == pytest.approx(1.0)
    assert queue.total <= 6 * 3.0
    for step in range(20, 60):
        queue.serve(step, 0.0, 1.0)
    assert queue.total == 0


def test_requests_wait_when_nothing_serves() -> None:
    run = acted([1.0] * 5, lambda _: Envelope(0, 0, 32), World(least=0), first=0)
    assert all(math.isinf(wait) for wait in run.wait_s)


def test_the_platform_adds_one_after_a_minute_of_load() -> None:
    world = World(cold_start_s=10.0, actuator=Actuator.ENVELOPE_EVICT)
    run = acted([0.9] * 30, lambda _: Envelope(1, 60, 32), world)
    assert run.paid[5] == 1
    assert run.paid[6] == 2


def test_the_platform_takes_one_after_half_an_hour_and_stops_at_the_floor() -> None:
    world = World(actuator=Actuator.ENVELOPE_LINGER)
    run = acted([0.1] * 800, lambda _: Envelope(2, 60, 32), world, first=4)
    assert run.paid[179] == 4
    assert run.paid[180] == 3
    assert run.paid[-1] == 2


def test_a_lowered_ceiling_evicts_only_when_told_so() -> None:
    def says(step: int) -> Envelope:
        return Envelope(1, 2, 32)

    evicts = acted([0.1] * 5, says, World(actuator=Actuator.ENVELOPE_EVICT), first=9)
    lingers = acted([0.1] * 5, says, World(actuator=Actuator.ENVELOPE_LINGER), first=9)
    assert evicts.paid[-1] == 2
    assert lingers.paid[-1] == 9


def test_native_timers_begin_anew_after_each_move() -> None:
    native = Native(NativeScaling(0.75, 60.0, 1800.0))
    moves = [native.move(1.0, 1) for _ in range(12)]
    assert moves == [0, 0, 0, 0, 0, 1] * 2


def test_more_threads_carry_more() -> None:
    run = acted([0.5] * 4, lambda _: Envelope(1, 1, 48), World(threads=32))
    assert list(run.capacity) == [1.5] * 4
    assert list(run.threads) == [48] * 4


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 50), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), min_size=1, max_size=20),
    st.sampled_from(Actuator),
)
def test_sizes_stay_inside_the_world_whatever_is_said(
    demand: list[float], said: list[tuple[int, int]], actuator: Actuator
) -> None:
    world = World(actuator=actuator, cold_start_s=30.0)

    def says(step: int) -> Envelope:
        one, other = said[step % len(said)]
        return Envelope(min(one, other), max(one, other), 32)

    run = acted(demand, says, world, first=3)
    assert all(world.least <= paid <= world.most for paid in run.paid)
    assert all(0 <= ready <= paid for ready, paid in zip(run.capacity, run.paid, strict=True))
