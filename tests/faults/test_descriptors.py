"""Fault 66: what a process does that has no file descriptor left."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from autoscaler.web import crowd
from autoscaler.web.server import serve
from tests.fakes.web import busy, parts

ROOT = Path(__file__).parents[2]


@pytest.mark.fault(66)
def test_without_descriptors_there_are_errors_and_no_crash_and_with_them_all_is_well(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.exhausted", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    well = {
        "source": "read",
        "reading": "read",
        "write": "applied",
        "journal": "recorded",
        "policy": "abstain",
        "page": "200",
    }
    assert said["before"] == said["after"] == well
    assert said["without"] == {
        "source": "missing",
        "reading": "unread",
        "write": "failed",
        # Its file is open for as long as the daemon lives.
        "journal": "recorded",
        "policy": "not asked",
        "page": "unreachable",
    }


@pytest.mark.fault(66)
async def test_a_crowd_at_the_page_is_turned_away_before_it_takes_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "MOST", 3)
    server = await serve(parts(busy(1)), "127.0.0.1:0")
    host, port = server.url.removeprefix("http://").split(":")
    crowded = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    # Whoever has a place may stay and say nothing; a fourth is not even read.
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b""
    writer.close()
    for _, one in crowded:
        one.close()
        await one.wait_closed()
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{server.url}/livez") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0)  # the server has not seen all of them leave yet
    await server.close()


def test_the_page_leaves_half_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for soft in (64, 1024, 1_000_000, resource.RLIM_INFINITY):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        found.append(crowd.most_connections())
    assert found == [32, 512, 512, 512]
