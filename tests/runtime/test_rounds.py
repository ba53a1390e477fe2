from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code
from autoscaler.ports import Sample
from autoscaler.roster import Group, Managed
from autoscaler.runtime.daemon import Parts
from autoscaler.runtime.schedule import Work
from tests.runtime.test_daemon import Stage
from tests.runtime.test_tick import RIDS, managed


@dataclass
class Plans:
    """A schedule on paper: what would be run, when it would be."""

    every_s: dict[str, tuple[float, Work]] = field(default_factory=dict)
    once: dict[str, tuple[float, Work]] = field(default_factory=dict)

    def every(self, name: str, seconds: float, work: Work, *, after: float) -> None:
        assert 0 < after <= 2
        self.every_s[name] = seconds, work

    def soon(self, name: str, work: Work, *, after: float = 0.0) -> None:
        self.once[name] = after, work

    def drop(self, name: str) -> None:
        self.every_s.pop(name)

    async def tick(self, name: str = "tick:online", late_s: float = 0.0) -> None:
        await self.every_s[name][1](late_s)

    @property
    def after_s(self) -> float:
        """When the one thing that is planned once would be run."""
        ((after_s, _),) = self.once.values()
        return after_s

    async def again(self) -> None:
        """What was planned once, which then is over."""
        (name,) = self.once
        await self.once[name][1](0.0)
        # What it planned itself must not be taken for the run that is still under way.
        del self.once[name]


class Theatre(Stage):
    """A stage whose clock and schedule a test moves; one write fits into what is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.plans = Plans()
        self.daemon.rounds.schedule = self.plans  # type: ignore[assignment]  # as much of one as is asked for
        self.source.load = 100.0
        self.platform.places = 1

    async def open(self, interval_s: float) -> None:
        await self.stand(Group("online", interval_s, (managed("chat"), managed("rerank"))))

    async def stand(self, *groups: Group) -> None:
        """Adopt these groups and read them once; after that time passes for a test alone."""
        await self.adopt(Parts(groups, self.platform, {"prom": self.source}, 300.0, "digest"))
        for task in self.daemon._reading:
            task.cancel()
        self.clock.forward(15)

    @property
    def written(self) -> list[str]:
        return [rid for rid, _ in self.platform.writes]


@pytest.fixture
async def stage() -> AsyncIterator[Theatre]:
    made = Theatre()
    yield made
    await asyncio.gather(*made.daemon._reading, return_exceptions=True)


async def test_what_waits_for_the_pace_is_decided_again_long_before_a_distant_tick(
    stage: Theatre,
) -> None:
    await stage.open(interval_s=300.0)
    await stage.plans.tick()
    assert len(stage.written) == 1
    # The pace of the next 30 s was given out: nothing more would leave before.
    assert stage.plans.after_s == 30.0
    stage.clock.forward(30)
    await stage.plans.again()
    assert sorted(stage.written) == sorted(RIDS.values())
    # Each was thought through when it was written, and nothing waits any more.
    assert [report.at for report in stage.ears.reports][1] == stage.clock.now()
    assert not stage.plans.once


async def test_a_tick_whose_writes_took_their_time_goes_on_at_once(stage: Theatre) -> None:
    await stage.open(interval_s=300.0)
    apply = stage.platform.apply

    async def slow(rid: str, before: Envelope, after: Envelope) -> object:
        stage.clock.forward(29)
        return await apply(rid, before, after)

    stage.platform.apply = slow  # type: ignore[assignment,method-assign]  # a platform that takes its time
    await stage.plans.tick()
    assert stage.plans.after_s == pytest.approx(1.0)


async def test_a_tick_in_between_writes_no_more_than_fits_before_the_next(stage: Theatre) -> None:
    await stage.open(interval_s=45.0)
    await stage.plans.tick()
    assert stage.platform.asked_for_s == 30.0
    stage.clock.forward(30)
    await stage.plans.again()
    assert stage.platform.asked_for_s == 15.0


async def test_a_tick_that_was_late_does_not_move_the_next(stage: Theatre) -> None:
    await stage.open(interval_s=60.0)
    await stage.plans.tick(late_s=10.0)
    stage.clock.forward(30)
    await stage.plans.again()
    assert stage.platform.asked_for_s == 20.0


@pytest.mark.parametrize("interval_s", [15.0, 30.0, 39.0])
async def test_nothing_is_decided_in_between_when_the_next_tick_is_near(
    stage: Theatre, interval_s: float
) -> None:
    await stage.open(interval_s)
    await stage.plans.tick()
    assert len(stage.written) == 1
    assert not stage.plans.once


async def test_nothing_is_decided_in_between_when_nothing_waits(stage: Theatre) -> None:
    stage.platform.places = 2
    await stage.open(interval_s=300.0)
    await stage.plans.tick()
    assert len(stage.written) == 2
    assert not stage.plans.once


async def test_what_another_budget_holds_back_is_not_asked_for_again(stage: Theatre) -> None:
    stage.platform.places = 0
    stage.platform.down = True
    await stage.open(interval_s=300.0)
    await stage.plans.tick()
    codes = {one.outcome.reason.code for one in stage.ears.reports[-1].decisions}
    assert Code.BUDGET_SHORT not in codes
    assert not stage.plans.once


async def test_a_decision_in_between_that_comes_too_late_is_left_to_the_tick(
    stage: Theatre,
) -> None:
    await stage.open(interval_s=60.0)
    await stage.plans.tick()
    stage.clock.forward(55)
    await stage.plans.again()
    assert len(stage.ears.reports) == 1


async def test_nothing_is_decided_in_between_once_the_daemon_stops(stage: Theatre) -> None:
    await stage.open(interval_s=300.0)
    await stage.plans.tick()
    stage.daemon.stopping = True
    stage.clock.forward(30)
    await stage.plans.again()
    assert len(stage.written) == 1


async def test_nothing_is_decided_in_between_for_a_group_that_is_gone(stage: Theatre) -> None:
    await stage.open(interval_s=300.0)
    await stage.plans.tick()
    await stage.stand(Group("batch", 300.0, (managed("chat", group="batch"),)))
    assert list(stage.plans.every_s) == ["tick:batch"]
    stage.clock.forward(30)
    await stage.plans.again()
    assert len(stage.ears.reports) == 1


@pytest.mark.fault(82)
async def test_of_groups_that_tick_together_none_is_starved_by_another(stage: Theatre) -> None:
    groups = [Group(name, 15.0, tuple(members(stage, name))) for name in ("a", "b", "c")]
    await stage.stand(*groups)
    for _ in range(4):
        # One write fits into each interval, and every group wants three.
        before, busy = len(stage.written), Sample(stage.clock.now(), 100.0)
        stage.source.values = {one.name: busy for group in groups for one in group.members}
        for group in groups:
            stage.platform.places = 1 - (len(stage.written) - before)
            await stage.plans.tick(f"tick:{group.name}")
        stage.clock.forward(15)
    # Without a score it would be the first group's for ever, or the last one's.
    assert [rid.split(".")[-1][0] for rid in stage.written] == ["a", "a", "b", "c"]


def members(stage: Theatre, group: str) -> Iterator[Managed]:
    for number in range(3):
        name = f"{group}{number}"
        one = managed("chat", group=group, match=name)
        one = replace(one, name=name, rid=f"ri.a.b.c.{name}")
        stage.platform.holds(one.rid, Envelope(2, 3, 32))
        yield one
