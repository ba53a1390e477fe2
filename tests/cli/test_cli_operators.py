"""`explain`, `pause`, `resume` and `health`, with a running daemon and without one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import Daemon, Stage, stage, until

pytestmark = pytest.mark.slow

BUSY_ENVELOPE = Envelope(7, 11, 32)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def calm(daemon: Daemon) -> None:
    await until(daemon.latest, "a first decision")


@pytest.mark.fault(62)
async def test_a_second_daemon_on_the_same_journal_ends_with_75(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        told = await world.site.cli("run")
        assert (told.code, told.out) == (75, "")
        assert str(daemon.child.process.pid) in told.err
        assert "another daemon" in told.err
        assert await daemon.is_up()


async def test_explain_asks_the_daemon_and_later_the_journal(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        world.knob.jobs = 100.0
        await daemon.until_settled(BUSY_ENVELOPE)
        told = await world.site.cli("explain", "chat")
        assert (told.code, told.err) == (0, "")
        for words in ("UNCHANGED", "seen", "in_flight 100", "said", "load:", "7..11 x 32"):
            assert words in told.out
        latest = json.loads((await world.site.cli("explain", "chat", "--json")).out)
        assert latest["before"] == {"min_replicas": 7, "max_replicas": 11, "threads": 32}
        recorded = (await daemon.decisions())[0]
    told = await world.site.cli("explain", "chat", "--json")
    assert told.code == 0
    assert json.loads(told.out)["id"] == recorded["id"]


async def test_explain_shows_the_whole_trail_of_a_change(world: Stage) -> None:
    world.site.tree["groups"]["online"]["interval"] = "30s"
    world.knob.jobs = 100.0
    async with world.site.daemon() as daemon:
        await daemon.until_outcome("applied", "as_planned")
        told = await world.site.cli("explain", "chat")
    assert told.code == 0
    assert "APPLIED: floor 1 -> 7" in told.out
    assert "trail      floor 1 -> 7 by load: a peak of 100.0 jobs" in told.out
    assert "plan       1..2 x 32  ->  7..11 x 32" in told.out
    assert "the platform answered 200" in told.out
    assert "the platform now has 7..11 x 32" in told.out


async def test_nothing_recorded_ends_with_1_and_no_journal_with_3(world: Stage) -> None:
    told = await world.site.cli("explain", "chat")
    assert told.code == 3
    assert "there is no journal at" in told.err
    async with world.site.daemon() as daemon:
        await calm(daemon)
        told = await world.site.cli("explain", "nobody")
        assert (told.code, told.out) == (1, "")
        assert "nothing is recorded of a deployment named 'nobody'" in told.err
    assert (await world.site.cli("explain", "nobody")).code == 1


@pytest.mark.fault(85)
@pytest.mark.parametrize("scope", ["chat", "group:online", "fleet"])
async def test_a_pause_stops_the_next_write_and_resume_lets_it_go_on(
    world: Stage, scope: str
) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        told = await world.site.cli("pause", scope, "--for", "2h", "--why", "maintenance of ours")
        assert (told.code, told.err) == (0, "")
        assert told.out.startswith(f"{scope} is paused until 2")
        world.knob.jobs = 100.0
        held = await daemon.until_outcome("held", "paused")
        facts = dict(held["outcome"]["reason"]["facts"])
        assert (facts["who"], facts["why"]) == ("tester", "maintenance of ours")

        async def shown() -> bool:
            return await daemon.metric("deployment_paused", deployment="chat") == 1

        # A tick is recorded before its listeners hear of it.
        await until(shown, "the pause in the metrics")
        assert world.puts == []
        told = await world.site.cli("resume", scope)
        assert (told.code, told.out) == (0, f"{scope} goes on (1 ended)\n")
        await daemon.until_settled(BUSY_ENVELOPE)
        again = await world.site.cli("resume", scope)
        assert (again.code, again.err) == (1, f"no pause of {scope} is active\n")


@pytest.mark.fault(85)
async def test_a_pause_outlives_the_daemon_and_ends_by_itself(world: Stage) -> None:
    told = await world.site.cli("pause", "chat", "--for", "15s", "--why", "a moment")
    assert told.code == 0
    world.knob.jobs = 100.0
    async with world.site.daemon() as daemon:
        await daemon.until_outcome("held", "paused")
        await daemon.until_settled(BUSY_ENVELOPE)


@pytest.mark.parametrize("name", ["chta", "group:onlnie", "group:chat"])
async def test_a_pause_of_a_name_that_is_not_managed_is_no_pause(world: Stage, name: str) -> None:
    told = await world.site.cli("pause", name, "--for", "2h", "--why", "misspelt")
    assert (told.code, told.out) == (1, "")
    assert name in told.err
    assert not world.site.journal.exists()


@pytest.mark.parametrize("span", ["soon", "-5m", "0s", "2 weeks"])
async def test_a_pause_needs_a_time_that_can_be_waited_for(world: Stage, span: str) -> None:
    told = await world.site.cli("pause", "chat", "--for", span, "--why", "nothing")
    assert (told.code, told.out) == (2, "")
    assert "--for" in told.err
    assert not world.site.journal.exists()


async def test_health_is_0_while_the_loop_lives_and_1_when_nobody_answers(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        told = await world.site.cli("health", "--url", world.site.url)
        assert (told.code, json.loads(told.out)["ok"]) == (0, True)
    told = await world.site.cli("health", "--url", world.site.url)
    assert (told.code, told.out) == (1, "")
    assert "does not answer" in told.err
