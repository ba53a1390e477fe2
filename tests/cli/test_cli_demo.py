"""`autoscaler demo`: one line of figures and nothing left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.fakes.daemon import autoscaler, command, until
from tests.fakes.nursery import INSTALLED

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


def left_behind(*places: Path) -> list[Path]:
    return [path for place in places for path in place.iterdir()]


async def test_a_headless_demo_prints_one_line_and_leaves_nothing_behind(
    tmp_path: Path, empty: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    told = await autoscaler(
        *("demo", "--duration", "8", "--headless", "--json"),
        folder=tmp_path,
        cwd=empty,
        env={"TMPDIR": str(temporary)},
        program=INSTALLED,
    )
    assert told.code == 0, told.err
    (line,) = told.out.splitlines()
    figures = json.loads(line)
    assert figures["ticks"] >= 3
    # Both groups have four deployments.
    assert sum(figures["decisions"].values()) == 4 * figures["ticks"]
    assert figures["puts"] >= 1
    assert 0 <= figures["overload_share"] <= figures["overload_share_platform_alone"] < 1
    assert figures["simulated_s"] > 60
    assert left_behind(empty, temporary) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_without_an_end_is_ended_by_the_operator(
    tmp_path: Path, empty: Path, ending: signal.Signals
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    async with command("demo", folder=tmp_path, cwd=empty, env=env) as child:

        async def playing() -> bool:
            assert child.process.returncode is None, child.err
            return any(place.joinpath("demo.db").exists() for place in left_behind(temporary))

        await until(playing, "the daemon of the demo has its journal")
        child.send(ending)
        told = await child.ended()
    assert told.code == 0, told.err
    assert " ticks, " in told.out
    assert left_behind(empty, temporary) == []
