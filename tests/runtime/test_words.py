"""What operators say is known at once, from every side, and never lost to an older answer."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.activity import Act, Entry
from autoscaler.core.controls import Standing
from autoscaler.core.observation import Control, Override
from autoscaler.ports import Heard
from autoscaler.runtime.operators import Operators
from autoscaler.runtime.pausefile import LONGEST, PauseFile
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.words import Words
from tests.fakes.world import FakeClock, FakeJournal
from tests.runtime.test_tick import managed
from tests.strategies import NOW

PAUSE = Override(Control.PAUSE, "ada", "INC-42")
BRAKE = Override(Control.BRAKE, "grace", "INC-42")
STANDS = Standing("1", "fleet", PAUSE, NOW)
LOOK = Entry(9, NOW, Act.LOOK, "chat", None, "grace", "look at chat: odd", None, None, "", "")


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def words(journal: FakeJournal) -> Words:
    return Words(FakeClock(), journal)


def said(words: Words, name: str = "chat") -> tuple[Override, ...]:
    return words.now().of("online", name)


async def test_the_store_is_asked_and_what_it_knew_outlives_its_failure(
    words: Words, journal: FakeJournal
) -> None:
    journal.said = {"group:online": (PAUSE,), "rerank": (BRAKE,)}
    await words.fresh()
    assert said(words) == (PAUSE,)
    assert said(words, "rerank") == (PAUSE, BRAKE)
    journal.broken = True
    await words.fresh()
    assert said(words) == (PAUSE,)


async def test_a_store_that_hangs_is_not_waited_for(
    words: Words, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_at: float, _after: int | None) -> Heard:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(journal, "heard", hang)
    words.store_s = 0.001
    words.say(STANDS)
    await words.fresh()
    assert said(words) == (PAUSE,)


async def test_an_answer_that_comes_too_late_to_be_waited_for_is_taken_all_the_same(
    words: Words, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A disk that takes longer for each commit than anybody waits: found by the simulation.
    slow = asyncio.Event()

    async def late(_at: float, _after: int | None) -> Heard:
        await slow.wait()
        return Heard((STANDS,), (), 1)

    monkeypatch.setattr(journal, "heard", late)
    words.store_s = 0.001
    await words.fresh()
    assert said(words) == ()
    slow.set()
    words.store_s = 30.0
    await words.fresh()
    assert said(words) == (PAUSE,)


async def test_calls_that_are_given_up_do_not_pile_up(
    words: Words, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, asked = asyncio.Event(), []

    async def late(at: float, _after: int | None) -> Heard:
        asked.append(at)
        await slow.wait()
        return Heard()

    monkeypatch.setattr(journal, "heard", late)
    words.store_s = 0.001
    for _ in range(20):
        await words.fresh()
    slow.set()
    words.store_s = 30.0
    await words.fresh()
    assert len(asked) == 2


async def test_an_answer_that_is_older_than_a_word_is_asked_for_again(
    words: Words, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(), (STANDS,)]

    async def slow(_at: float, _after: int | None) -> Heard:
        found = answers.pop(0)
        if not found:
            # While this answer is on its way, a word is said here and stored.
            words.say(STANDS)
            words.confirm(STANDS, STANDS)
        return Heard(found, (), 1)

    monkeypatch.setattr(journal, "heard", slow)
    await words.fresh()
    assert said(words) == (PAUSE,)
    assert answers == []


async def test_many_that_ask_at_once_share_an_answer_that_is_young_enough(
    words: Words, journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def count(_at: float, _after: int | None) -> Heard:
        asked.append(len(asked))
        await asyncio.sleep(0)
        return Heard()

    monkeypatch.setattr(journal, "heard", count)
    await asyncio.gather(*(words.fresh() for _ in range(100)))
    # The first asks; it began before the others did, so one of them asks again, for all of them.
    assert len(asked) <= 2


def test_a_word_that_the_store_did_not_take_is_gone(words: Words) -> None:
    words.say(STANDS)
    words.confirm(STANDS, None)
    assert said(words) == ()


def test_a_word_is_not_said_twice_once_the_store_tells_it_too(words: Words) -> None:
    words.say(STANDS)
    words.standing = (STANDS,)  # read between the commit and its answer
    words.confirm(STANDS, STANDS)
    assert said(words) == (PAUSE,)
    words.ended("1")
    assert said(words) == ()


# --- operators --------------------------------------------------------------------------------


async def test_a_look_from_outside_is_taken_up_once(words: Words, journal: FakeJournal) -> None:
    seats = [Seat(managed("chat")), Seat(managed("rerank"))]
    looked: list[list[str]] = []
    operators = Operators(
        words,
        FakeClock(),
        lambda: seats,
        lambda found: looked.append([seat.managed.name for seat in found]),
    )
    group = replace(LOOK, deployment=None, group="online")
    journal.looks = [LOOK, group, replace(group, group=None), replace(LOOK, deployment="gone")]
    for _ in range(2):
        await operators.listen()
    assert looked == [["chat"], ["chat", "rerank"], ["chat", "rerank"], []]


async def test_seats_hear_between_the_ticks(words: Words, journal: FakeJournal) -> None:
    seat = Seat(managed("chat"))
    operators = Operators(words, FakeClock(), lambda: [seat], lambda _: None)
    heard = []
    for words_of_chat in ((PAUSE,), (PAUSE, BRAKE), ()):
        journal.said = {"chat": words_of_chat}
        await operators.listen()
        heard.append(seat.overrides)
    assert heard == [(PAUSE,), (PAUSE, BRAKE), ()]


async def test_the_pause_file_is_noted_again_when_the_journal_could_not(
    journal: FakeJournal, tmp_path: Path
) -> None:
    words = Words(FakeClock(), journal, PauseFile(tmp_path / "PAUSE"))
    operators = Operators(words, FakeClock(), list, lambda _: None)
    (tmp_path / "PAUSE").write_text("INC-42", encoding="utf-8")
    journal.broken = True
    await operators.listen()
    journal.broken = False
    for _ in range(2):
        await operators.listen()
    (event,) = journal.events
    assert (event.kind, event.actor) == (Act.OVERRIDE_ADDED, "pause file")
    assert event.summary == "the pause file is there: pause for the fleet without end: INC-42"


# --- the file ---------------------------------------------------------------------------------


def reason(file: PauseFile) -> str:
    word = file.word()
    assert word is not None
    assert (word.control, word.expires_at) == (Control.PAUSE, None)
    return word.why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"INC-42: hands off\n", "INC-42: hands off"),
        (b"", "it gives no reason"),
        (b"two\nlines\x00\x1b[31m", "two lines [31m"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 9000, "x" * LONGEST),
    ],
)
def test_the_text_of_the_file_is_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    file = PauseFile(tmp_path / "PAUSE")
    assert file.word() is None
    (tmp_path / "PAUSE").write_bytes(content)
    assert reason(file) == why


def test_whatever_stands_there_is_a_pause(tmp_path: Path) -> None:
    (tmp_path / "PAUSE").mkdir()
    assert reason(PauseFile(tmp_path / "PAUSE")) == "it gives no reason"
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    assert reason(PauseFile(tmp_path / "pipe")) == "it gives no reason"


def test_what_cannot_be_looked_at_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert reason(PauseFile(tmp_path / "loop")).startswith("it cannot be looked at: ")
    assert PauseFile(tmp_path / "missing" / "PAUSE").word() is None


def test_a_signal_pauses_also_where_nothing_can_be_written(tmp_path: Path) -> None:
    file = PauseFile(tmp_path / "missing" / "PAUSE")
    file.put("SIGUSR1")
    word = file.word()
    assert word is not None
    assert (word.author, word.why) == ("signal", "SIGUSR1")
    assert file.lift()
    assert file.word() is None


def test_a_signal_leaves_the_reason_that_is_there(tmp_path: Path) -> None:
    file = PauseFile(tmp_path / "PAUSE")
    (tmp_path / "PAUSE").write_text("by hand", encoding="utf-8")
    file.put("SIGUSR1")
    assert reason(file) == "by hand"


def test_a_pause_whose_file_stays_stays(tmp_path: Path) -> None:
    file = PauseFile(tmp_path / "PAUSE")
    file.put("SIGUSR1")
    (tmp_path / "PAUSE").unlink()
    (tmp_path / "PAUSE").mkdir()  # what `unlink` cannot remove
    assert not file.lift()
    assert file.word() is not None
