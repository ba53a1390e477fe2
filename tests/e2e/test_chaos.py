"""Some seconds of `python -m tests.chaos`: real processes, killed, stopped and cut off.

Nothing here depends on how quick the machine is: what is judged is the order of things, held
against the platform's own record. Minutes of it, and how soon it is normal again: `docs/chaos.md`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import Plan, run

pytestmark = [pytest.mark.server, pytest.mark.slow]

KINDS = ("kill", "stop", "cut off from Prometheus", "cut off from the platform", "starve")


@pytest.mark.fault(45, 63)
async def test_a_daemon_in_trouble_writes_nothing_wrong_and_comes_back(tmp_path: Path) -> None:
    plan = Plan(5.0, seed=3, deployments=4, longest_s=1.5, operators=False, kinds=KINDS)
    result = await run(tmp_path, plan)
    assert result.wrong == []
    assert result.verdict.puts >= plan.deployments, "everybody was written to"
    assert set(result.done) <= set(KINDS)
