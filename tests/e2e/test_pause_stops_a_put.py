"""A real daemon's PUT waits for its pace when somebody says stop: it is not sent."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.daemon import Daemon, Stage, stage, until

pytestmark = pytest.mark.slow


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        # GET, PUT and GET are paid for together: every write waits about five seconds, long
        # enough for a command to start on a busy machine.
        pacing = made.site.tree["platform"]["pacing"]
        pacing.update(requests_per_second=0.4, burst=1)
        made.site.tree["groups"]["online"]["interval"] = "12s"
        made.site.tree["defaults"]["signals"]["in_flight"]["max_age"] = "15s"
        made.site.tree["defaults"]["guards"]["freshness"]["max_age"] = "15s"
        made.knob.jobs = 100.0
        yield made


async def say_stop(world: Stage, daemon: Daemon, way: str) -> None:
    if way == "signal":
        daemon.child.send(signal.SIGUSR1)
    else:
        told = await world.site.cli("pause", "--all", "--for", "1h", "--why", "INC-42")
        assert told.code == 0, told.err


async def let_go(world: Stage, daemon: Daemon, way: str) -> None:
    if way == "signal":
        daemon.child.send(signal.SIGUSR2)
    else:
        assert (await world.site.cli("resume", "--all")).code == 0


@pytest.mark.parametrize("way", ["command", "signal"])
async def test_a_put_that_waits_is_stopped_and_goes_out_once_let_go(world: Stage, way: str) -> None:
    async with world.site.daemon() as daemon:

        async def waits() -> bool:
            with sqlite3.connect(f"file:{world.site.journal}?mode=ro", uri=True) as beside:
                found = beside.execute("SELECT count(*) FROM intent WHERE state = 'open'")
                count: int = found.fetchone()[0]
            beside.close()
            return count == 1

        await until(waits, "a write waits for its pace")
        await say_stop(world, daemon, way)
        held = await daemon.until_outcome("held", "paused")
        facts = dict(held["outcome"]["reason"]["facts"])
        who = {"command": "tester", "signal": "signal"}[way]
        assert facts["who"] == who
        assert world.puts == []
        told = await world.site.cli("explain", "chat")
        assert told.out.splitlines()[0].startswith(f"PAUSED by {who}")
        await let_go(world, daemon, way)
        await daemon.until_outcome("applied", "as_planned")
        assert world.puts == [200]
    checked = await world.site.cli("journal", "verify")
    assert checked.code == 0, checked.err
