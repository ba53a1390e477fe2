from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Control, Mode, Override, Recommended, Series
from autoscaler.core.proposal import PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.ports import Alone, Intent, Memory, Unread
from autoscaler.roster import Discovery, ForecastSpec, Group, Managed
from autoscaler.runtime.daemon import Daemon, Parts
from autoscaler.runtime.discovery import discovered
from autoscaler.runtime.watchdog import Watchdog
from policies.forecast import Forecast
from tests.fakes.world import Ears, FakeClock, FakeJournal, FakePlatform, FakeSource, Troubles
from tests.runtime.test_foresight import wave
from tests.runtime.test_tick import RIDS, managed
from tests.strategies import NOW

MODEL = "ri.models.main.model.m"


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.journal = FakeJournal()
        self.ears = Ears()
        self.platform = FakePlatform(self.clock)
        self.source = FakeSource(self.clock)
        for rid in RIDS.values():
            self.platform.holds(rid, Envelope(2, 3, 32))
        chance = Random(1)  # noqa: S311 - jitter
        told = (self.ears,)
        self.daemon = Daemon(self.clock, chance, self.journal, told, Alone(), Troubles())

    def parts(self, *members: Managed, interval: float = 15.0, **parts: object) -> Parts:
        group = Group("online", interval, members, **parts)  # type: ignore[arg-type]  # tests name the fields
        return Parts((group,), self.platform, {"prom": self.source}, 300.0, "digest")

    async def adopt(self, parts: Parts) -> None:
        await self.daemon.adopt(parts)
        for _ in range(20):  # let the readings and the filling of windows happen
            await asyncio.sleep(0)

    async def tick(self) -> None:
        self.clock.forward(15)
        await self.daemon.rounds.run("online")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    for task in made.daemon._reading:
        task.cancel()
    await asyncio.gather(*made.daemon._reading, return_exceptions=True)


async def test_the_first_configuration_is_read_decided_and_told(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    await stage.tick()
    assert stage.ears.reports[0].decisions[0].deployment == "chat"
    assert stage.daemon.seats["chat"].read_at is not None
    assert stage.daemon.schedule.names() == {"tick:online"}


@pytest.mark.fault(65)
async def test_what_the_journal_knows_survives_a_restart(stage: Stage) -> None:
    stage.journal.memories["chat"] = Memory(
        recommended=(Recommended(Envelope(9, 12, 32), NOW - 200, NOW - 100),),
        watched_since=NOW - 9000,
        last_tick=NOW - 20,
    )
    await stage.adopt(stage.parts(managed()))
    seat = stage.daemon.seats["chat"]
    assert seat.watched_since == NOW - 9000
    # The newest wish held until the last tick, and stabilisation looks at that.
    assert seat.recommended[-1].until == NOW - 20


@pytest.mark.fault(45)
async def test_a_long_absence_ends_the_watch(stage: Stage) -> None:
    stage.journal.memories["chat"] = Memory(watched_since=NOW - 9000, last_tick=NOW - 4000)
    await stage.adopt(stage.parts(managed()))
    await stage.tick()
    assert (stage.daemon.seats["chat"].watched_since or 0) > NOW


async def test_a_reload_keeps_the_seats_and_takes_the_new_options(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed(), managed("rerank")))
    seat = stage.daemon.seats["chat"]
    await stage.tick()
    await stage.adopt(stage.parts(managed(mode=Mode.OBSERVE), interval=30.0))
    assert stage.daemon.seats == {"chat": seat}
    assert stage.journal.left == ["rerank"]
    await stage.tick()
    assert stage.ears.reports[-1].decisions[0].mode is Mode.OBSERVE
    assert stage.daemon.watchdog.intervals == {"online": 30.0}


async def test_an_slo_chooses_its_risk_after_the_past_and_the_journal_keeps_it(
    stage: Stage,
) -> None:
    times = tuple(NOW - 60.0 * minute for minute in range(3 * 1440, 0, -1))
    stage.source.past = {"chat": Series(times, tuple(map(wave, times)))}
    ahead = PolicyEntry("ahead", Forecast())
    spec = ForecastSpec(of="running_jobs", slo=0.02)
    await stage.adopt(stage.parts(managed(policies=(ahead,), forecasts={"forecast": spec})))
    seat = stage.daemon.seats["chat"]
    for _ in range(20_000):
        await asyncio.sleep(0)
        if seat.learned.chosen:
            break
    await stage.tick()
    decision = stage.ears.reports[-1].decisions[0]
    assert decision.seen.learned.chosen == seat.learned.chosen
    assert stage.journal.notes[-1].learned.chosen == seat.learned.chosen
    assert "tau" in dict(decision.plan.votes[0].answer.reason.facts)


async def test_a_reload_that_cannot_remember_replaces_nothing(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    before = stage.daemon.parts

    async def broken(_names: object) -> dict[str, Memory]:
        raise OSError("disk")

    stage.journal.recall = broken  # type: ignore[method-assign,assignment]  # the disk is gone
    with pytest.raises(OSError, match="disk"):
        await stage.adopt(stage.parts(managed("rerank")))
    assert stage.daemon.parts is before
    assert list(stage.daemon.seats) == ["chat"]


@pytest.mark.fault(57)
async def test_a_group_that_leaves_stops_ticking_and_its_envelope_stays(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    other = Group("batch", 60.0, (managed("rerank", group="batch"),))
    await stage.adopt(Parts((other,), stage.platform, {"prom": stage.source}, 300.0, "d"))
    assert stage.daemon.schedule.names() == {"tick:batch"}
    assert stage.platform.writes == []
    await stage.tick()
    assert stage.ears.reports == []


async def test_a_replaced_platform_is_closed_after_the_swap(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    old, stage.platform = stage.platform, FakePlatform(stage.clock, dict(stage.platform.live))
    await stage.adopt(stage.parts(managed()))
    assert old.closed
    assert not stage.platform.closed


async def test_operators_words_are_looked_up_every_tick(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    stage.journal.said = {"chat": (Override(Control.PAUSE, "ada", "load test"),)}
    await stage.tick()
    assert stage.ears.reports[-1].decisions[0].outcome.reason.code is Code.PAUSED


@pytest.mark.fault(85)
async def test_a_broken_journal_does_not_end_a_pause(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    stage.journal.said = {"chat": (Override(Control.PAUSE, "ada", "load test"),)}
    await stage.tick()
    stage.journal.broken = True
    await stage.tick()
    assert stage.ears.reports[-1].decisions[0].outcome.reason.code is Code.PAUSED


@pytest.mark.fault(63)
async def test_a_dangling_intent_is_found_out_by_the_first_reading(stage: Stage) -> None:
    rid = RIDS["chat"]
    intent = Intent("1", NOW - 60, "chat", rid, Envelope(1, 2, 32), Envelope(2, 3, 32))
    stage.journal.open_intents = [intent]
    await stage.adopt(stage.parts(managed()))
    assert stage.journal.resolved[0][1].reason.code is Code.AS_PLANNED


async def test_discovered_deployments_join_the_group_and_stay_when_the_platform_is_away(
    stage: Stage,
) -> None:
    stage.platform.holds("ri.a.b.c.one", Envelope(1, 2, 8), model_rid=MODEL, branch="master")
    stage.platform.holds("ri.a.b.c.two", Envelope(1, 2, 8), model_rid=MODEL, branch="tmp/x")
    template = managed(name="chat", rid="", match="")
    discovery = Discovery(MODEL, _named(template, "scorer-{branch}"), exclude=("tmp/*",))
    parts = stage.parts(discoveries=(discovery,))
    await stage.adopt(parts)
    assert list(stage.daemon.seats) == ["scorer-master"]
    assert stage.daemon.seats["scorer-master"].read_at is not None
    stage.platform.down = True
    await stage.daemon._rediscover(0.0)
    assert list(stage.daemon.seats) == ["scorer-master"]


def _named(template: Managed, name: str) -> Managed:
    from dataclasses import replace

    return replace(template, name=name)


def test_only_included_branches_are_discovered() -> None:
    platform = FakePlatform(FakeClock())
    platform.holds("ri.a.b.c.9f", Envelope(1, 2, 8), model_rid=MODEL, branch="release/7")
    live = platform.live["ri.a.b.c.9f"]
    template = _named(managed(), "{branch}-{rid}")
    taken = discovered(Discovery(MODEL, template, include=("release/*",)), live)
    assert taken is not None
    assert (taken.name, taken.rid) == ("release-7-9f", "ri.a.b.c.9f")
    assert discovered(Discovery(MODEL, template, include=("master",)), live) is None


async def test_windows_are_filled_from_the_sources_history(stage: Stage) -> None:
    stage.source.past = {"chat": Series((NOW - 9000, NOW - 100, NOW - 50), (1.0, 90.0, 80.0))}
    await stage.adopt(stage.parts(managed()))
    assert stage.daemon.seats["chat"].series["running_jobs"].values == (90.0, 80.0)


async def test_a_reading_that_fails_is_told_in_the_decision(stage: Stage) -> None:
    stage.platform.down = True
    await stage.adopt(stage.parts(managed()))
    await stage.tick()
    assert str(stage.ears.reports[0].decisions[0].outcome.reason) == "the platform is away"
    assert isinstance(await stage.platform.read("x"), Unread)


@pytest.mark.fault(69)
async def test_the_watchdog_knows_a_group_that_no_longer_ticks() -> None:
    clock = FakeClock()
    dog = Watchdog(clock)
    dog.expect("online", 15.0)
    clock.forward(74)
    assert dog.stuck() == {}
    clock.forward(2)
    assert dog.stuck() == {"online": 76.0}
    dog.forget("online")
    assert dog.stuck() == {}


def test_an_unread_answer_has_its_reason() -> None:
    assert str(Unread(because(Code.API_UNAVAILABLE, "away")).reason) == "away"
