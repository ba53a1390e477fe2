"""`autoscaler recommend` and `backtest` against a real Prometheus that knows a fleet's past."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.server import SimulatedPlatform
from tests.fakes.history import LoadedPrometheus, samples_of

pytestmark = [pytest.mark.server, pytest.mark.slow]

TOKEN = "static-test-token"
DAY = 86_400.0
QUERY = "sum by (deployment) (jobs)"
CONFIG = """platform: {{url: {platform}}}
sources: {{prom: {{kind: prometheus, url: '{prometheus}'}}}}
defaults:
  signals:
    running_jobs: {{source: prom, query: '{query}'}}
  policies:
    load: {{kind: target_load, target: 0.7}}
groups:
  online:
    deployments:
      chat: {{rid: {chat}}}
      steady: {{rid: {steady}}}
      new: {{rid: {steady}9}}
      silent: {{rid: {steady}8}}
"""


def past(end: float) -> dict[str, list[tuple[float, float]]]:
    start = end - 3 * DAY
    minutes = range(3 * 1440)
    wave = [200.0 - 190.0 * math.cos(minute / 1440 * 2 * math.pi) for minute in minutes]
    return {
        'jobs{deployment="chat"}': samples_of(wave, start, 60.0),
        'jobs{deployment="steady"}': samples_of([44.0] * len(wave), start, 60.0),
        'jobs{deployment="new"}': samples_of([3.0] * 60, end - 3600, 60.0),
    }


async def autoscaler(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autoscaler", *arguments),
        env={"AUTOSCALER_PLATFORM__AUTH__TOKEN": TOKEN, "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_fleet_is_judged_by_its_own_past(tmp_path: Path) -> None:
    end = time.time() // 60 * 60
    specs = [
        DeploymentSpec("chat", Envelope(14, 14, 32)),
        DeploymentSpec("steady", Envelope(1, 10, 32)),
    ]
    async with (
        LoadedPrometheus(past(end)) as server,
        SimulatedPlatform(specs, token=TOKEN) as foundry,
    ):
        config = tmp_path / "config.yaml"
        config.write_text(
            CONFIG.format(
                platform=foundry.url,
                prometheus=server.url,
                query=QUERY,
                chat=foundry.deployments["chat"].rid,
                steady=foundry.deployments["steady"].rid,
            )
        )
        code, out, err = await autoscaler(
            *("recommend", "--config", str(config), "--range", "3d", "-o", "json", "--no-daemon")
        )
        assert code == 0, err
        told = json.loads(out)
        judges_the_fleet(told)
        assert foundry.puts == [], "a recommendation writes nothing"
        await without_a_configuration(server.url)
        await replays_it(server.url, tmp_path)


def judges_the_fleet(told: dict[str, dict[str, Any]]) -> None:
    steady, chat = told["deployments"]["steady"], told["deployments"]["chat"]
    assert steady["current"] == {"min_replicas": 1, "max_replicas": 10, "threads": 32}
    assert steady["recommended"] == {"min_replicas": 2, "max_replicas": 2, "threads": 32}
    assert "44" not in str(steady["note"])
    assert any("moves" in text for text in steady["advice"])
    saved = chat["compute_seconds_per_day"]["saved"]
    assert isinstance(saved, float)
    assert saved > 0, "fourteen replicas all night are too many"
    assert 2.9 < chat["data"]["days"] <= 3.01
    assert "1.0 h of data" in str(told["unanswered"]["new"])
    assert "no series is labelled 'silent'" in str(told["unanswered"]["silent"])


async def without_a_configuration(url: str) -> None:
    asked = ("recommend", "--prometheus", url, "--range", "2d", "--no-daemon", "--query")
    code, out, _ = await autoscaler(*asked, QUERY, "--current", "1..10")
    assert code == 0
    assert "steady: the platform's own scaler moves" in out
    code, out, err = await autoscaler(*asked, "sum by (deployment) (no_such_metric)")
    assert code == 1
    assert "the query answers no series" in out
    assert "no recommendation for anybody" in err
    code, out, _ = await autoscaler(*asked, "unknown_function(jobs)")
    assert code == 1
    assert "bad_data" in out


async def replays_it(url: str, folder: Path) -> None:
    out = folder / "out.json"
    code, table, err = await autoscaler(
        *("backtest", "--prometheus", url, "--query", QUERY, "--range", "2d"),
        *("--actuator", "envelope", "--policy-set", "hpa*", "--policy-set", "platform_alone"),
        *("--json", str(out)),
    )
    assert code == 0, err
    assert "platform_alone" in table
    told = json.loads(out.read_text())
    # A day of 44 jobs under the platform's rule: one move and its reversal every half hour.
    assert told["traces"]["steady"]["platform_alone"]["cost_vs_oracle"] > 1.5
    assert set(told["traces"]) >= {"chat", "steady"}
