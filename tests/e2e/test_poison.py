"""The real daemon with a policy that hangs, and what it leaves behind when it is stopped."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import CALM_ENVELOPE, Stage, stage, until

pytestmark = pytest.mark.slow

HANGS = '''
"""Policy `hangs`: never answers."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Hangs:
    """Never answers."""

    @property
    def needs(self):
        return ()

    def propose(self, seen):
        while True:
            pass
'''


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as set_up:
        yield set_up


@pytest.mark.fault(49)
async def test_a_policy_that_hangs_is_stopped_and_the_fleet_is_raised_all_the_same(
    world: Stage,
) -> None:
    folder = world.site.folder / "policies"
    folder.mkdir()
    (folder / "hangs.py").write_text(HANGS)
    world.site.tree["plugins"] = {
        "directories": [str(folder)],
        "isolate": True,
        "isolation": {"deadline": "200ms"},
        "quarantine": {"after": 2, "rest": "1h"},
    }
    world.site.tree["defaults"]["policies"]["hangs"] = {}
    async with world.site.daemon() as daemon:
        await daemon.until_settled(CALM_ENVELOPE)
        world.knob.jobs = 100.0

        async def raised() -> bool:
            one = await daemon.latest()
            return one is not None and one["before"]["min_replicas"] > CALM_ENVELOPE.min_replicas

        await until(raised, "raised by the policy that answers")

        async def left_out() -> bool:
            one = await daemon.latest()
            votes = one["votes"] if one is not None else ()
            return {"policy_quarantined"} == {v["code"] for v in votes if v["policy"] == "hangs"}

        await until(left_out, "the policy that hangs is left out")
        assert await daemon.metric("policies_left_out") == 1.0
        stopped = await daemon.metric("policy_overruns_total", what="stopped")
        assert stopped is not None
        assert stopped >= 2.0


async def test_a_stop_in_order_leaves_what_is_declared_and_says_so(world: Stage) -> None:
    world.site.tree["defaults"]["on_shutdown"] = {"min_replicas": 4, "within": "20s"}
    async with world.site.daemon() as daemon:
        await daemon.until_settled(CALM_ENVELOPE)
        puts = len(world.puts)
        daemon.child.send(signal.SIGTERM)
        ended = await daemon.child.ended()
        assert (ended.code, ended.err) == (0, "")
        last, *_ = await daemon.decisions()
    assert (last["outcome"]["kind"], last["plan"]["after"]["min_replicas"]) == ("applied", 4)
    assert {step["reason"]["code"] for step in last["plan"]["trail"]} == {"on_shutdown"}
    assert world.puts[puts:] == [200]
    assert Envelope(4, 4, CALM_ENVELOPE.threads) == Envelope(**last["outcome"]["actual"])
