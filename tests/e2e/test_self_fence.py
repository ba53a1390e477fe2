"""A daemon that slept past a PUT's deadline does not wake up to send it.

Real processes, stopped with SIGSTOP where a suspended machine or a starved CPU might leave them.
That the kernel has decided is seen in `/proc`, where the signal waits for the process to wake up.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.test_crash_at_each_step import open_intents
from tests.fakes import sleeping
from tests.fakes.daemon import Child, Stage, command, stage, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which Linux alone has"),
]

PUT_DEADLINE_S = 0.5
FAR = """
import os, signal, sys, time
from autoscaler.foundry import fence
from autoscaler.runtime.clock import SystemClock
from autoscaler.wiring import kernel_timer

fence.GRACE_S = 0.1
made = fence.Fence(kernel_timer.IntervalTimer()) if "interval" in sys.argv else None
if made is not None:
    kernel_timer.deadly()
made = made or kernel_timer.process_fence()
with made.departure(SystemClock(), 0.1) as leaving:
    if "left" in sys.argv:
        leaving.has_left()
    if "asleep" in sys.argv:
        os.kill(os.getpid(), signal.SIGSTOP)
    until = time.monotonic() + 0.8
    while time.monotonic() < until:
        pass
print("wrote", made.kind)
"""


async def until_asleep(child: Child) -> None:
    pid = child.process.pid

    async def look() -> bool:
        assert child.process.returncode is None, child.err
        return await asyncio.to_thread(sleeping.sleeping, pid)

    await until(look, "it sleeps")


async def until_condemned(child: Child) -> None:
    pid = child.process.pid
    await until(lambda: asyncio.to_thread(sleeping.condemned, pid), "SIGALRM waits for it")


# --- a small process --------------------------------------------------------------------------


@pytest.mark.parametrize("timer", ["boottime", "interval"])
async def test_a_process_that_is_blocked_past_the_deadline_is_ended(
    tmp_path: Path, timer: str
) -> None:
    program = (sys.executable, "-c", FAR, timer)
    async with command(folder=tmp_path, program=program) as child:
        ended = await child.ended()
    assert (ended.code, ended.out, ended.err) == (-signal.SIGALRM, "", "")


async def test_the_first_process_of_a_container_is_ended_too(tmp_path: Path) -> None:
    # It outlives the default action of every signal, so a handler has to end it.
    apart = (shutil.which("unshare") or "", "--user", "--map-root-user", "--pid", "--fork")
    if not apart[0] or (await _ended(tmp_path, *apart, "true"))[0] != 0:
        pytest.skip("this machine lets nobody make a process namespace (unshare --user --pid)")
    code, out = await _ended(tmp_path, *apart, sys.executable, "-c", FAR)
    assert (code, out) == (int(signal.SIGALRM), "")


async def _ended(folder: Path, *program: str) -> tuple[int, str]:
    async with command(folder=folder, program=program) as child:
        ended = await child.ended()
    return ended.code, ended.out


async def test_a_process_whose_put_has_left_may_take_its_time(tmp_path: Path) -> None:
    code, out = await _ended(tmp_path, sys.executable, "-c", FAR, "left")
    assert (code, out.split()) == (0, ["wrote", "boottime"])


# --- the daemon -------------------------------------------------------------------------------


async def put_to_sleep(world: Stage, child: Child) -> None:
    """Give it a reason to write, and wait until it has fallen asleep on the way."""
    world.knob.jobs = 100.0
    await until_asleep(child)


@pytest.mark.fault(45, 47)
@pytest.mark.parametrize("step", sleeping.STEPS)
async def test_a_daemon_that_slept_past_its_deadline_dies_before_it_writes(
    tmp_path: Path, step: str
) -> None:
    async with stage(tmp_path) as world:
        world.site.tree["platform"]["timeouts"]["write"] = PUT_DEADLINE_S
        program = (sys.executable, str(sleeping.__file__), step)
        async with world.site.daemon(program=program, env=TREE) as daemon:
            await until(daemon.latest, "a first decision")
            await put_to_sleep(world, daemon.child)
            await until_condemned(daemon.child)
            daemon.child.send(signal.SIGCONT)
            assert (await daemon.child.ended()).code == -signal.SIGALRM
            assert '"self_fence":"boottime"' in daemon.child.out
        assert world.puts == [], "the platform was asked for nothing"
        assert open_intents(world.site.journal) == 1
        async with world.site.daemon() as daemon:
            told = await daemon.until_outcome("deferred", "outcome_unknown")
            assert "looked up" in told["outcome"]["reason"]["sentence"]
            assert "a write of an earlier run has no known end" in daemon.child.out


async def test_without_the_fence_the_daemon_drops_the_write_itself(tmp_path: Path) -> None:
    async with stage(tmp_path) as world:
        world.site.tree["platform"]["timeouts"]["write"] = PUT_DEADLINE_S
        world.site.tree["platform"]["self_fence"] = False
        program = (sys.executable, str(sleeping.__file__), "before_first_byte")
        async with world.site.daemon(program=program, env=TREE) as daemon:
            await until(daemon.latest, "a first decision")
            await put_to_sleep(world, daemon.child)
            over = time.monotonic() + PUT_DEADLINE_S

            async def past() -> bool:
                return time.monotonic() > over

            await until(past, "its deadline is over")
            assert not await asyncio.to_thread(sleeping.condemned, daemon.child.process.pid)
            daemon.child.send(signal.SIGCONT)
            told = await daemon.until_outcome("deferred", "too_old")
            assert "nothing was sent" in str(told["outcome"]["reason"])
            # The next tick thinks again, and writes what it then wants.
            await daemon.until_outcome("applied", "as_planned")
        assert world.puts == [200]


TREE = {"PYTHONPATH": str(Path(__file__).parents[2])}
