"""What operators say to a running daemon counts at once, is kept, and is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.activity import Act
from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Mode, Override
from autoscaler.ports import JournalError
from autoscaler.settings import load
from autoscaler.wiring.scopes import NotManaged
from autoscaler.wiring.serve import Running, start
from tests.fakes.daemon import Stage, stage, until

PAUSE = Override(Control.PAUSE, "ada", "load test")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        made.site.tree["defaults"]["mode"] = "observe"
        made.site.tree["groups"]["online"]["interval"] = "1h"  # nothing ticks by itself
        yield made


@pytest.fixture
async def running(world: Stage) -> AsyncIterator[Running]:
    made = await start(load(world.site.write(), {}))
    yield made
    await made.stop()


def overrides(running: Running) -> tuple[Override, ...]:
    return running.daemon.seats["chat"].overrides


async def kinds(running: Running) -> list[Act]:
    found = await running.journal.activity(before_seq=None, limit=99)
    return [entry.kind for entry in reversed(found)]


async def test_a_word_counts_from_the_moment_it_is_said(running: Running) -> None:
    until_durable = asyncio.create_task(running.controls.add("fleet", PAUSE))
    await asyncio.sleep(0)
    assert overrides(running) == (PAUSE,)
    stands = await until_durable
    assert overrides(running)[0].id == stands.id != ""
    assert [one.id for one in await running.controls.standing()] == [stands.id]
    ended = await running.controls.end(stands.id, "grace")
    assert ended is not None
    assert overrides(running) == ()
    assert await running.controls.end(stands.id, "grace") is None
    assert (await kinds(running))[:3] == [Act.STARTED, Act.OVERRIDE_ADDED, Act.OVERRIDE_ENDED]


async def test_a_word_that_cannot_be_kept_is_taken_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_scope: str, _word: Override) -> None:
        assert overrides(running) == (PAUSE,)
        raise JournalError("disk full")

    monkeypatch.setattr(running.journal, "add_override", full)
    with pytest.raises(JournalError):
        await running.controls.add("fleet", PAUSE)
    assert overrides(running) == ()


@pytest.mark.parametrize(
    ("scope", "word", "rule"),
    [
        ("chaat", PAUSE, "nothing called 'chaat' is in the configuration; did you mean 'chat'"),
        ("group:onlin", PAUSE, "did you mean 'group:online'"),
        ("chat", replace(PAUSE, why=" "), "needs an author and a reason"),
        ("chat", replace(PAUSE, expires_at=1.0), "expires_at must lie ahead, got 1.0"),
        ("chat", Override(Control.MODE, "ada", "x"), "mode must be one of observe"),
    ],
)
async def test_a_word_that_would_do_nothing_is_refused(
    running: Running, scope: str, word: Override, rule: str
) -> None:
    with pytest.raises((NotManaged, ValueError), match=rule):
        await running.controls.add(scope, word)
    assert overrides(running) == ()
    assert await running.controls.standing() == []


async def test_ending_needs_an_author(running: Running) -> None:
    with pytest.raises(ValueError, match="an author is needed"):
        await running.controls.end("whatever", " ")


async def test_a_mode_for_a_while_is_what_the_next_decision_has(running: Running) -> None:
    word = Override(Control.MODE, "ada", "trial", mode=Mode.RECOMMEND)
    await running.controls.add("group:online", word)
    await running.controls.look("chat", "ada", "to see it")

    async def decided() -> bool:
        latest = running.daemon.seats["chat"].latest
        return latest is not None and latest.mode is Mode.RECOMMEND

    await until(decided, "a decision in the other mode")
    latest = running.daemon.seats["chat"].latest
    assert latest is not None
    assert latest.seen.mode is Mode.RECOMMEND
    assert running.daemon.seats["chat"].managed.mode is Mode.OBSERVE


async def test_a_look_reads_the_platform_and_decides_now(running: Running) -> None:
    seat = running.daemon.seats["chat"]

    async def was_read() -> bool:
        return seat.read_at is not None

    await until(was_read, "the first reading")
    before = seat.read_at
    assert seat.latest is None
    assert await running.controls.look("fleet", "grace", "it looks odd") == 1

    async def looked() -> bool:
        return seat.latest is not None and seat.read_at != before

    await until(looked, "a reading and a decision")
    (entry,) = await running.journal.activity(before_seq=None, limit=9, kinds=["look"])
    assert (entry.actor, entry.summary) == ("grace", "look at the fleet: it looks odd")
    with pytest.raises(NotManaged):
        await running.controls.look("nobody", "grace", "x")
    with pytest.raises(ValueError, match="needs an author and a reason"):
        await running.controls.look("chat", "grace", "")


async def test_the_pause_file_pauses_the_fleet_and_is_told_once(
    world: Stage, running: Running
) -> None:
    file = world.site.folder / "PAUSE"
    file.write_text("INC-7: hands off\n", encoding="utf-8")
    listen = running.daemon.operators.listen
    await asyncio.gather(listen(), listen())
    (word,) = overrides(running)
    assert (word.control, word.author, word.why) == (
        Control.PAUSE,
        "pause file",
        "INC-7: hands off",
    )
    file.unlink()
    await asyncio.gather(listen(), listen())
    assert overrides(running) == ()
    found = await running.journal.activity(
        before_seq=None, limit=9, kinds=["override_added", "override_ended"]
    )
    assert [entry.actor for entry in found] == ["pause file", "pause file"]


async def test_reloads_are_told_with_what_changed(world: Stage, running: Running) -> None:
    world.site.tree["groups"]["online"]["interval"] = "50m"
    world.site.write()
    assert await running.reload()
    good = running.daemon.parts
    assert good is not None
    world.site.tree["groups"]["online"]["interval"] = "soon"
    world.site.write()
    assert not await running.reload()
    failed, loaded = await running.journal.activity(
        before_seq=None, limit=9, kinds=["reload", "reload_failed"]
    )
    assert loaded.ref == good.digest
    assert loaded.summary.endswith("changed: groups.online.interval")
    assert failed.summary.startswith("configuration kept: ")
    assert (await running.journal.verify()).broken is None


async def test_a_pin_is_taken_and_stands_in_the_next_observation(running: Running) -> None:
    pin = Override(Control.PIN, "ada", "launch", None, Dial.MIN_REPLICAS, 3)
    await running.controls.add("chat", pin)
    assert overrides(running) == (pin,)
