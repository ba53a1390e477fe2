from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.ports import JournalError
from autoscaler.runtime.daemon import Daemon, Parts
from tests.fakes.daemon import Stage, stage
from tests.wiring.test_wiring_serve import begin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


@pytest.mark.parametrize("trouble", [TimeoutError(), JournalError("disk full")])
async def test_a_reload_at_a_bad_moment_is_tried_again(
    world: Stage, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    running, _ = await begin(world)
    try:

        async def busy(_daemon: Daemon, _parts: Parts) -> None:
            raise trouble

        with monkeypatch.context() as patch:
            patch.setattr(Daemon, "adopt", busy)
            assert not await running.reload()
        assert running.again_at is not None
        assert await running.reload()
        assert running.again_at is None
    finally:
        await running.stop()


async def test_a_broken_file_is_not_read_again_before_it_changes(world: Stage) -> None:
    running, _ = await begin(world)
    try:
        world.site.file.write_text("platform: [", encoding="utf-8")
        assert not await running.reload()
        assert running.again_at is None
    finally:
        await running.stop()


@pytest.mark.fault(56)
@pytest.mark.parametrize("half", [None, 40, 200])
async def test_a_file_that_is_gone_or_half_written_keeps_the_last_good_configuration(
    world: Stage, half: int | None
) -> None:
    running, _ = await begin(world)
    try:
        before, whole = running.daemon.parts, world.site.file.read_text(encoding="utf-8")
        if half is None:
            world.site.file.unlink()
        else:
            world.site.file.write_text(whole[:half], encoding="utf-8")
        assert not await running.reload()
        assert running.daemon.parts is before
        world.site.file.write_text(whole, encoding="utf-8")
        assert await running.reload()
    finally:
        await running.stop()
