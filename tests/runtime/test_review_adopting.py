from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Mode
from autoscaler.ports import Intent, JournalError, Learnt
from autoscaler.roster import Discovery, FleetSpec, ForecastSpec, Group
from tests.fakes.world import FakePlatform
from tests.runtime.test_daemon import MODEL, Stage
from tests.runtime.test_tick import RIDS, managed
from tests.strategies import NOW

ONE = "ri.a.b.c.one"
FOUND = Discovery(MODEL, managed(name="chat", rid="", match=""))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    for task in made.daemon._reading:
        task.cancel()
    await asyncio.gather(*made.daemon._reading, return_exceptions=True)


def named(name: str, mode: Mode = Mode.APPLY) -> Discovery:
    return replace(FOUND, template=replace(FOUND.template, name=name, mode=mode))


async def test_a_look_for_new_branches_does_not_undo_a_reload_that_is_under_way(
    stage: Stage,
) -> None:
    parts = stage.parts(managed(), discoveries=(named("scorer-{branch}"),))
    await stage.adopt(parts)
    newer = replace(parts, digest="newer", platform=FakePlatform(stage.clock))
    newer.platform.live = stage.platform.live  # type: ignore[attr-defined]  # the fake's own
    await asyncio.gather(stage.daemon.adopt(newer), stage.daemon._rediscover(0.0))
    assert stage.daemon.parts is newer
    assert stage.platform.closed


async def test_a_reload_whose_forecasts_cannot_be_recalled_replaces_nothing(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed()))
    before, seats = stage.daemon.parts, dict(stage.daemon.seats)

    async def broken(_names: Sequence[str]) -> Sequence[Learnt]:
        raise JournalError("disk full")

    stage.journal.learnt = broken  # type: ignore[method-assign,assignment]  # the disk is gone
    ahead = {"forecast": ForecastSpec(of="running_jobs")}
    with pytest.raises(JournalError):
        await stage.adopt(stage.parts(managed(mode=Mode.OBSERVE, forecasts=ahead)))
    assert stage.daemon.parts is before
    assert stage.daemon.seats == seats
    assert seats["chat"].managed.mode is Mode.APPLY


async def test_a_deployment_that_is_configured_and_found_has_one_seat(stage: Stage) -> None:
    stage.platform.holds(RIDS["chat"], Envelope(1, 2, 8), model_rid=MODEL, branch="master")
    other = Group("batch", 60.0, (), (named("again-{branch}"), named("and-again-{branch}")))
    parts = stage.parts(managed(), discoveries=(named("scorer-{branch}"),))
    stage.platform.holds(ONE, Envelope(1, 2, 8), model_rid=MODEL, branch="one")
    await stage.adopt(replace(parts, groups=(*parts.groups, other)))
    assert list(stage.daemon.seats) == ["chat", "scorer-one"]


async def test_a_name_that_is_taken_in_another_group_is_not_given_twice(stage: Stage) -> None:
    stage.platform.holds(ONE, Envelope(1, 2, 8), model_rid=MODEL, branch="one")
    other = Group("batch", 60.0, (), (named("chat"),))
    parts = stage.parts(managed())
    await stage.adopt(replace(parts, groups=(other, *parts.groups)))
    assert stage.daemon.seats["chat"].managed.rid == RIDS["chat"]
    assert stage.daemon.ticks["batch"].seats == []


async def test_a_changed_mode_reaches_the_found_also_when_the_platform_is_away(
    stage: Stage,
) -> None:
    stage.platform.holds(ONE, Envelope(1, 2, 8), model_rid=MODEL, branch="master")
    await stage.adopt(stage.parts(discoveries=(named("scorer-{branch}"),)))
    stage.platform.down = True
    observed = named("scorer-{branch}", Mode.OBSERVE)
    await stage.adopt(stage.parts(discoveries=(observed,)))
    assert stage.daemon.seats["scorer-master"].managed.mode is Mode.OBSERVE


async def test_the_patience_of_an_alarm_and_the_budget_of_raises_outlive_a_reload(
    stage: Stage,
) -> None:
    fleet = FleetSpec(smallest=1, raise_per_minute=10, drop_share=0.0)
    parts = stage.parts(managed(), fleet=fleet)
    await stage.adopt(parts)
    shared = stage.daemon.ticks["online"].shared
    shared.dropping_since, stage.daemon.ticks["online"].last_at = 7.0, NOW
    shared.raised.append((stage.clock.monotonic(), 4))
    await stage.adopt(parts)
    after = stage.daemon.ticks["online"]
    assert after.shared is not shared
    assert (after.shared.dropping_since, sum(n for _, n in after.shared.raised)) == (7.0, 4)
    assert after.last_at == NOW


async def test_an_own_write_that_a_crash_cut_off_is_remembered_of_a_found_deployment(
    stage: Stage,
) -> None:
    stage.platform.holds(ONE, Envelope(3, 4, 8), model_rid=MODEL, branch="one")
    stage.journal.open_intents = [
        Intent("d1", NOW - 60, "scorer-one", ONE, Envelope(1, 2, 8), Envelope(3, 4, 8))
    ]
    await stage.adopt(stage.parts(discoveries=(named("scorer-{branch}"),)))
    seat = stage.daemon.seats["scorer-one"]
    assert stage.journal.resolved[0][1].kind is Kind.APPLIED
    assert [(c.at, c.foreign) for c in seat.changes] == [(NOW - 60, False)]
