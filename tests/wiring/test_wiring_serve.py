"""The composition root in one process: starting, reloading and stopping without signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code
from autoscaler.journal.errors import JournalLocked
from autoscaler.settings import load
from autoscaler.wiring.serve import Running, start, unless
from tests.fakes.daemon import SECRET, Stage, stage


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def begin(world: Stage) -> tuple[Running, list[str]]:
    hidden: list[str] = []
    running = await start(load(world.site.write(), {}), hide=hidden.append)
    return running, hidden


async def test_work_that_ends_first_gives_its_result() -> None:
    async def work() -> str:
        return "done"

    assert await unless(asyncio.Event(), work()) == "done"


async def test_a_stop_that_comes_first_cancels_the_work_and_waits_for_its_end() -> None:
    stop, ended = asyncio.Event(), []

    async def work() -> str:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")
        return "never"

    assert await unless(stop, work()) is None
    assert ended == ["cleaned up"]


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await unless(asyncio.Event(), work())


@pytest.mark.fault(62)
async def test_a_second_daemon_in_the_same_place_is_locked_out(world: Stage) -> None:
    running, _ = await begin(world)
    try:
        with pytest.raises(JournalLocked):
            await begin(world)
    finally:
        await running.stop()


async def test_a_taken_address_is_named_and_the_journal_is_let_go(world: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", world.site.port))
        taken.listen()
        with pytest.raises(OSError, match=rf"web\.listen 127\.0\.0\.1:{world.site.port}: cannot"):
            await begin(world)
    running, _ = await begin(world)
    await running.stop()


async def test_a_reload_tells_of_new_secrets_before_anything_uses_them(world: Stage) -> None:
    running, hidden = await begin(world)
    try:
        world.site.write()
        assert await running.reload()
        assert hidden == [SECRET]
    finally:
        await running.stop()


@pytest.mark.fault(53)
async def test_a_crash_while_reloading_keeps_the_daemon_as_it_was(
    world: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, _ = await begin(world)
    before = running.daemon.parts

    async def crash(_: object) -> None:
        raise ZeroDivisionError

    try:
        monkeypatch.setattr(type(running.daemon), "adopt", crash)
        assert not await running.reload()
        assert running.daemon.parts is before
    finally:
        await running.stop()


@pytest.mark.fault(64)
async def test_nothing_may_be_written_once_the_stop_began(world: Stage) -> None:
    running, _ = await begin(world)
    rid, same = world.platform.deployments["chat"].rid, Envelope(1, 1, 1)
    assert await running.daemon.last_word(rid, same, same) is None
    await running.stop()
    kept = await running.daemon.last_word(rid, same, same)
    assert kept is not None
    assert kept.reason.code is Code.SHUTTING_DOWN
