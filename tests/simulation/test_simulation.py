"""The simulation repeats itself exactly, finds what it should, and holds on its seeds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("autoscaler-sim")
LOG = re.compile(r"log ([0-9a-f]{16})")
# 75 deployment-days, two minutes of two cores. The seeds stay the same from run to run, so that
# a change that turns this red is the change's own doing; AUTOSCALER_SIM_SEED=random takes new ones.
SEEDS, DEPLOYMENTS, MINUTES, FIRST = 3, 100, 4.0, "5000"


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


@pytest.mark.slow
def test_seeds_break_no_invariant() -> None:
    first = os.environ.get("AUTOSCALER_SIM_SEED", FIRST)
    ran = simulate(
        *(() if first == "random" else ("--seed", first)),
        *("--seeds", str(SEEDS), "--deployments", str(DEPLOYMENTS)),
        *("--jobs", "2", "--minutes", str(MINUTES)),
    )
    sys.stdout.write(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
