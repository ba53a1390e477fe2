"""`kill -9` at each step of the write path: nothing is lost, nothing is done twice.

`CRASH_RUNS=20` runs each step twenty times. A step at which the PUT had not left takes 15 s: the
daemon after it waits so long for a PUT that may still arrive.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes import dying
from tests.fakes.daemon import stage, until

pytestmark = pytest.mark.slow

RUNS = int(os.environ.get("CRASH_RUNS", "1"))
BUSY_ENVELOPE = Envelope(7, 11, 32)


def open_intents(journal: Path) -> int:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as opened:
        (count,) = opened.execute("SELECT count(*) FROM intent WHERE state = 'open'").fetchone()
    return int(count)


@pytest.mark.fault(63)
@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize("step", dying.STEPS)
async def test_a_kill_at_any_step_loses_nothing_and_repeats_nothing(
    tmp_path: Path, step: str, run: int
) -> None:
    program = (sys.executable, str(dying.__file__), step)
    async with stage(tmp_path) as world:
        async with world.site.daemon(program=program) as daemon:
            await until(daemon.latest, "a first decision")
            world.knob.jobs = 100.0
            assert (await daemon.child.ended()).code == -signal.SIGKILL
        async with world.site.daemon() as daemon:
            await daemon.until_settled(BUSY_ENVELOPE)
            changes = (await daemon.api("/deployments/chat"))["changes"]
            assert [change["foreign"] for change in changes] == [False]
        assert world.puts == [200], "one change, one PUT"
    assert open_intents(world.site.journal) == 0
