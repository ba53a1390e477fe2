"""A row that cannot be read is set aside and told; the others, and the start, go on without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Control, Learned, Override
from autoscaler.core.reason import Code, because
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import Note
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

HOUR = 3600.0
DONE = Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "found applied"))
WORD = Override(Control.BRAKE, "ada", "an incident")


@pytest.fixture
async def journal(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqlJournal]:
    opened = await open_journal(f"sqlite:///{tmp_path}/a.db", clock=clock)
    yield opened
    await opened.close()


async def change(journal: SqlJournal, statement: str, **facts: object) -> None:
    """What a disk, a hand or another version may do to a row."""
    words = text(statement).bindparams(**facts)
    await journal._store.run("damaging", lambda c: c.execute(words))


async def a_day(journal: SqlJournal) -> None:
    """Two deployments that are remembered, each with a change."""
    for name in ("a", "b"):
        made = replace(decided(kind=Kind.APPLIED, after=Envelope(6, 12, 32)), deployment=name)
        await journal.conclude([replace(made, id=f"{made.id}-{name}")])
    notes = [Note(name, (), NOW - HOUR, Learned(48)) for name in ("a", "b")]
    await journal.note("online", NOW, notes)


@pytest.mark.parametrize(
    "damage",
    [
        "learned = '{'",
        "learned = '[]'",
        """learned = '{"from_the_future": 1}'""",
        "recommended = 'nothing'",
        "recommended = '[[1, 2]]'",
        "recommended = '[[9, 2, 1, 0, 0]]'",
        "returned = '7'",
        "watched_since = 'yesterday'",
        "learned = x'ff00'",
    ],
)
async def test_a_state_that_cannot_be_read_counts_as_newly_seen(
    journal: SqlJournal, damage: str
) -> None:
    await a_day(journal)
    await change(journal, f"UPDATE deployment SET {damage} WHERE name = 'a'")  # noqa: S608 - words of this test
    found = await journal.recall(["a", "b"])
    assert found["b"].learned == Learned(48)
    # What does not stand in that row is remembered all the same.
    assert found["a"].watched_since is None
    assert found["a"].learned == Learned()
    assert len(found["a"].changes) == 1
    assert list(journal.aside.rows) == [("deployment", "a")]
    # The next note is a good row again.
    await journal.note("online", NOW + 15, [Note("a", (), NOW, Learned(12))])
    assert (await journal.recall(["a"]))["a"].learned == Learned(12)


@pytest.mark.parametrize("damage", ["after_min_replicas = 99", "before_threads = 'many'"])
async def test_a_change_that_cannot_be_read_leaves_the_others(
    journal: SqlJournal, damage: str
) -> None:
    await a_day(journal)
    await change(journal, f"UPDATE change SET {damage} WHERE deployment = 'a'")  # noqa: S608 - words of this test
    found = await journal.recall(["a", "b"])
    assert (found["a"].changes, len(found["b"].changes)) == ((), 1)
    assert [table for table, _ in journal.aside.rows] == ["change"]


@pytest.mark.parametrize(
    "damage",
    [
        "control = 'a word of tomorrow'",
        "control = 'pin'",
        "dial = 'gpus'",
        "mode = 'yolo'",
        "author = ''",
        "expires_at = 'soon'",
    ],
)
async def test_a_word_that_cannot_be_read_is_a_pause_until_somebody_ends_it(
    journal: SqlJournal, damage: str
) -> None:
    first = await journal.add_override("a", WORD)
    second = await journal.add_override("group:online", WORD)
    await change(journal, f"UPDATE override SET {damage} WHERE id = :id", id=first.id)  # noqa: S608 - words of this test
    heard = await journal.heard(NOW, None)
    words = {one.scope: one.override for one in heard.words}
    assert words["group:online"].control is Control.BRAKE
    assert words["a"].control is Control.PAUSE
    assert "cannot be read" in words["a"].why
    # Told once, however often it is heard.
    await journal.heard(NOW, None)
    assert len(journal.aside.rows) == 1
    assert await journal.end_override(first.id, NOW, "ada") is not None
    assert [one.id for one in (await journal.heard(NOW, None)).words] == [second.id]


async def test_an_intent_that_cannot_be_read_does_not_hide_the_others(journal: SqlJournal) -> None:
    one, other = replace(decided(), id="1", rid="ri.1"), replace(decided(), id="2", rid="ri.2")
    await journal.intend(one)
    await journal.intend(other)
    await change(journal, "UPDATE intent SET after_min_replicas = -4 WHERE decision_id = '1'")
    assert [each.decision_id for each in await journal.dangling()] == ["2"]
    assert list(journal.aside.rows) == [("intent", "1")]


@pytest.mark.parametrize("body", ["{", "[]", "null", '{"id": 1}'])
async def test_an_intent_whose_story_is_lost_can_be_concluded(
    journal: SqlJournal, body: str
) -> None:
    await journal.intend(decided())
    await change(journal, "UPDATE intent SET body = :body", body=body)
    (intent,) = await journal.dangling()
    await journal.resolve(intent, DONE, NOW)
    assert await journal.dangling() == []
    assert list(journal.aside.rows) == [("intent", intent.decision_id)]
