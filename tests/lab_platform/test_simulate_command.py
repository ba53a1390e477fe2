"""`autoscaler simulate` as a process: one line of JSON, a platform behind it, a clean end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from autoscaler.cli.simulate import PEAK_REPLICAS, fleet
from autoscaler.lab.platform.server import BASE
from autoscaler.lab.traces import BUNDLED, bundled

COMMAND = (
    "import typer; from autoscaler.cli.simulate import simulate; "
    "app = typer.Typer(pretty_exceptions_enable=False); app.command()(simulate); app()"
)


@asynccontextmanager
async def simulate(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_it_tells_all_a_client_needs_and_ends_cleanly(ending: signal.Signals) -> None:
    async with simulate("--deployments", "2", "--speed", "60", "--token", "T") as process:
        assert process.stdout is not None
        card = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert (card["token"], card["speed"]) == ("T", 60)
        assert list(card["rids"]) == ["model-1", "model-2"]
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer T"}) as session:
            rid = card["rids"]["model-2"]
            async with session.get(f"{card['url']}{BASE}/{rid}?preview=true") as answer:
                assert (await answer.json())["rid"] == rid
            async with session.get(card["metrics_url"]) as answer:
                assert 'deployment="model-2"' in await answer.text()
        process.send_signal(ending)
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "0"), "speed must be above 0"),
        (("--deployments", "0"), "deployments"),
        (("--port", "70000"), "port"),
    ],
)
async def test_wrong_options_are_usage_errors(options: tuple[str, ...], words: str) -> None:
    async with simulate(*options) as process:
        _, told = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert words in told.decode()


async def test_a_broken_trace_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("time,count\n", encoding="utf-8")
    async with simulate("--trace", str(broken)) as process:
        _, told = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert "the header must be" in told.decode()


def test_a_fleet_takes_the_traces_in_turn_and_out_of_step() -> None:
    traces = [bundled(name) for name in BUNDLED]
    specs = fleet(9, traces)
    assert [spec.name for spec in specs] == [f"model-{n}" for n in range(1, 10)]
    assert specs[0].load.at(1000) != specs[4].load.at(1000)
    day = [specs[3].load.at(t) for t in range(0, 86_400, 600)]
    assert max(day) <= 1.1 * PEAK_REPLICAS * 32
