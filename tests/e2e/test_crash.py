"""A daemon that dies in the middle of a write, and the one that comes after it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import HANGS_S, Daemon, Gate, stage, until

pytestmark = pytest.mark.slow

BUSY_ENVELOPE = Envelope(7, 11, 32)


async def killed(daemon: Daemon) -> None:
    daemon.child.send(signal.SIGKILL)
    assert (await daemon.child.ended()).code == -signal.SIGKILL


@pytest.mark.fault(63)
async def test_a_write_that_outlives_its_daemon_is_found_and_not_repeated(tmp_path: Path) -> None:
    gate = Gate()
    async with stage(tmp_path, clock=gate) as world:
        async with world.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            # The platform takes its time over the PUT, and goes on after its sender is gone.
            await world.fault("slow", "replace", delay_s=HANGS_S)
            world.knob.jobs = 100.0
            await world.until_struck()
            await killed(daemon)
        assert world.puts == []
        async with world.site.daemon() as daemon:
            told = await daemon.until_outcome("deferred", "outcome_unknown")
            assert "looked up" in told["outcome"]["reason"]["sentence"]
            gate.opened.set()
            await daemon.until_settled(BUSY_ENVELOPE)
            found = await daemon.until_outcome("applied", "as_planned")
            assert "after a restart" in found["outcome"]["reason"]["sentence"]
            changes = (await daemon.api("/deployments/chat"))["changes"]
            assert [change["foreign"] for change in changes] == [False]
        assert world.puts == [200], "the same change was not written a second time"


@pytest.mark.fault(63)
async def test_a_write_that_never_arrived_is_told_so_and_then_made(tmp_path: Path) -> None:
    async with stage(tmp_path) as world:
        async with world.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            # The reading before the PUT hangs: the intent is recorded, nothing was sent.
            await world.fault("slow", "get", delay_s=30)
            world.knob.jobs = 100.0
            await world.until_struck()
            await killed(daemon)
        await world.no_more_faults()
        async with world.site.daemon() as daemon:
            found = await daemon.until_outcome("failed", "outcome_unknown")
            assert "not applied after a restart" in found["outcome"]["reason"]["sentence"]
            await daemon.until_settled(BUSY_ENVELOPE)
        assert world.puts == [200]
