"""The simulation repeats itself exactly, finds what it should, and holds on its seeds."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.lab.sim.loop import VirtualLoop
from autoscaler.lab.sim.net import Network
from autoscaler.lab.sim.world import World

PROGRAM = Path(sys.executable).with_name("autoscaler-sim")
LOG = re.compile(r"log ([0-9a-f]{16})")
# A few deployment-days, so that tests are quick. Each state of the code has seeds of its own: a
# change meets worlds that nobody has seen, and the same build gives the same answer twice.
# AUTOSCALER_SIM_SEED asks for 300 deployment-days, as `.ci/run` does before the suite: of the seeds
# of this `code`, of `random` ones, or of those from a number on.
# A broken one is printed with the command that runs it again.
ROOT = Path(__file__).parents[2]
LONG = ("--seeds", "10", "--deployments", "150", "--days", "0.2")
SHORT = ("--seeds", "2", "--deployments", "40", "--days", "0.1")


def seed_of_this_code() -> str:
    """The first of its seeds: a number out of everything that the simulation runs."""
    mark = hashlib.sha256()
    for folder in ("autoscaler", "policies"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            mark.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return str(int.from_bytes(mark.digest()[:4]))


def simulate(*options: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [PROGRAM, *options], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.slow
def test_a_seed_gives_the_same_run_in_every_process() -> None:
    options = ("--seeds", "1", "--seed", "7", "--days", "0.06", "--deployments", "12")
    runs = [simulate(*options, hash_seed=one) for one in ("1", "2")]
    marks = [LOG.findall(run.stdout) for run in runs]
    assert marks[0] == marks[1], [run.stdout for run in runs]
    assert len(marks[0]) == 1


@pytest.mark.slow
def test_another_seed_gives_another_run() -> None:
    options = ("--days", "0.05", "--deployments", "4", "--seeds", "2", "--seed", "7")
    assert len(set(LOG.findall(simulate(*options).stdout))) == 2


def test_a_run_that_is_interrupted_tells_what_it_has() -> None:
    world = ("--seeds", "500", "--seed", "7", "--days", "0.05", "--deployments", "2")
    with subprocess.Popen([PROGRAM, *world], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        first = run.stdout.readline()
        run.send_signal(signal.SIGINT)
        last = run.stdout.read().splitlines()[-1]
    assert "holds" in first
    assert run.returncode == 0
    assert int(last.split()[0]) < 500, last


def test_what_a_thread_would_do_is_done_between_two_steps() -> None:
    world = World(1)
    loop = VirtualLoop(world, Network(world))
    try:
        before = world.now
        assert loop.run_until_complete(asyncio.to_thread(pow, 2, 10)) == 1024
        assert world.now == before
        with pytest.raises(ZeroDivisionError):
            loop.run_until_complete(asyncio.to_thread(divmod, 1, 0))
    finally:
        loop.close()


@pytest.mark.slow
def test_seeds_break_no_invariant() -> None:
    first = os.environ.get("AUTOSCALER_SIM_SEED", "")
    world = LONG if first else SHORT
    number = seed_of_this_code() if first in {"", "code"} else first
    seed = () if first == "random" else ("--seed", number)
    ran = simulate(*world, *seed, "--jobs", "2")
    sys.stdout.write(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
