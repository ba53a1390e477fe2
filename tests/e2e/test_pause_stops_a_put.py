"""A real daemon reads the deployment before its PUT when somebody says stop: it is not sent.

tests/wiring/test_pause_races.py has the other moments, in virtual time.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.daemon import HANGS_S, Daemon, Gate, Stage, stage, until

pytestmark = pytest.mark.slow


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def world(tmp_path: Path, gate: Gate) -> AsyncIterator[Stage]:
    async with stage(tmp_path, clock=gate) as made:
        # No reading but the one before the PUT, which takes as long as the operator does.
        made.site.tree["platform"] |= {"resync": "10m", "timeouts": {"read": "3m", "write": "20s"}}
        made.site.tree["defaults"]["signals"]["in_flight"]["max_age"] = "3m"
        made.site.tree["defaults"]["guards"]["freshness"]["max_age"] = "3m"
        yield made


async def say_stop(world: Stage, daemon: Daemon, way: str) -> None:
    if way == "signal":
        daemon.child.send(signal.SIGUSR1)

        async def heard() -> bool:
            return "paused by a signal" in daemon.child.out

        await until(heard, "the signal is heard")
    else:
        told = await world.site.cli("pause", "--all", "--for", "1h", "--why", "INC-42")
        assert told.code == 0, told.err


async def let_go(world: Stage, daemon: Daemon, way: str) -> None:
    if way == "signal":
        daemon.child.send(signal.SIGUSR2)
    else:
        assert (await world.site.cli("resume", "--all")).code == 0


@pytest.mark.parametrize("way", ["command", "signal"])
async def test_a_put_that_waits_is_stopped_and_goes_out_once_let_go(
    world: Stage, gate: Gate, way: str
) -> None:
    async with world.site.daemon() as daemon:
        await until(daemon.latest, "a first decision")
        await world.fault("slow", "get", delay_s=HANGS_S)
        world.knob.jobs = 100.0
        await world.until_struck()
        await say_stop(world, daemon, way)
        gate.opened.set()
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
