from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Absence, Missing, Mode
from autoscaler.core.reason import Code
from autoscaler.ports import Alone, Sample
from autoscaler.roster import FleetSpec
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.runtime.words import Words
from tests.fakes.world import FakeClock, FakeJournal, FakePlatform, FakeSource
from tests.runtime.test_tick import managed
from tests.strategies import NOW, entry, wants


class Fleet:
    """Twelve deployments that all want the same."""

    def __init__(self, wanted: int, spec: FleetSpec, count: int = 12) -> None:
        self.clock = FakeClock()
        self.platform = FakePlatform(self.clock)
        self.source = FakeSource(self.clock)
        self.seats = []
        for i in range(count):
            one = managed(
                mode=Mode.APPLY,
                rid=f"ri.a.b.c.{i}",
                policies=(entry("load", wants(floor=wanted)),),
                guards=(),
                priority=i,
            )
            one = replace(one, name=f"d{i:02d}", match=f"d{i:02d}")
            self.platform.holds(one.rid, Envelope(4, 20, 32))
            seat = Seat(one, watched_since=NOW - 9000)
            seat.was_read(self.platform.live[one.rid], NOW)
            self.seats.append(seat)
            self.source.values[one.name] = Sample(NOW, 40.0)
        journal = FakeJournal()
        last_word = LastWord(self.clock, Alone(), Words(self.clock, journal))
        world = World(self.clock, self.platform, {"prom": self.source}, journal, (), last_word)
        self.tick = Tick("online", 15.0, self.seats, world, spec)

    async def turn(self, after: float = 15.0) -> list[Kind]:
        self.clock.forward(after)
        return [d.outcome.kind for d in (await self.tick.run()).decisions]


@pytest.mark.fault(16)
async def test_a_fleet_that_wants_to_drop_at_once_is_doubted_and_then_believed() -> None:
    fleet = Fleet(wanted=2, spec=FleetSpec(patience_s=60.0))
    assert set(await fleet.turn()) == {Kind.UNCHANGED}
    assert fleet.tick.alarm is not None
    assert fleet.tick.alarm.code is Code.FLEET_DROPPING
    assert fleet.platform.writes == []
    assert set(await fleet.turn(after=61)) == {Kind.APPLIED}


@pytest.mark.fault(16)
async def test_a_blind_fleet_is_never_lowered() -> None:
    fleet = Fleet(wanted=2, spec=FleetSpec(patience_s=0.0))
    for name in list(fleet.source.values)[:5]:
        fleet.source.values[name] = Missing(Absence.EMPTY)
    await fleet.turn()
    await fleet.turn(after=9000)
    assert fleet.tick.alarm is not None
    assert fleet.tick.alarm.code is Code.FLEET_BLIND
    assert fleet.platform.writes == []


async def test_a_small_fleet_raises_no_alarm() -> None:
    fleet = Fleet(wanted=2, spec=FleetSpec(), count=3)
    assert set(await fleet.turn()) == {Kind.APPLIED}


async def test_raises_are_bounded_per_minute_and_the_first_by_priority_get_them() -> None:
    fleet = Fleet(wanted=8, spec=FleetSpec(raise_per_minute=10))
    kinds = await fleet.turn()
    # Four each: two whole raises and half of a third fit into ten.
    assert kinds.count(Kind.APPLIED) == 3
    assert [kinds[11], kinds[10], kinds[9]] == [Kind.APPLIED] * 3
    assert fleet.platform.writes[-1][1].min_replicas == 6
    assert (await fleet.turn()).count(Kind.APPLIED) == 0
    assert (await fleet.turn(after=60)).count(Kind.APPLIED) == 3


async def test_the_compute_budget_is_shared_by_priority() -> None:
    # 12 x 4 replicas of the default size cost 0.2 each: 9.6, and 1.1 more fits five replicas.
    fleet = Fleet(wanted=8, spec=FleetSpec(compute_rate=10.7))
    kinds = await fleet.turn()
    assert kinds.count(Kind.APPLIED) == 2
    assert sum(envelope.min_replicas - 4 for _, envelope in fleet.platform.writes) == 5
