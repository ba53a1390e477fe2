"""An operator's word is kept with its author, reason and end, and reaches whom it is meant for."""

from __future__ import annotations

import pytest

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Learned, Override
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import Note
from tests.fakes.world import FakeClock
from tests.strategies import NOW

PAUSE = Override(Control.PAUSE, "ada", "INC-42", NOW + 3600)
PIN = Override(Control.PIN, "grace", "launch", None, Dial.MIN_REPLICAS, 8)
FLOOR = Override(Control.FLOOR, "edsger", "fair", NOW + 60, Dial.MAX_REPLICAS, 30)


async def test_words_reach_the_fleet_the_group_and_the_deployment(journal: SqlJournal) -> None:
    await journal.add_override("chat", FLOOR)
    await journal.add_override("group:online", PIN)
    await journal.add_override("fleet", PAUSE)
    # The narrowest word comes last, so that it has the last word.
    assert await journal.overrides("online", ["chat", "rerank"], NOW) == {
        "chat": (PAUSE, PIN, FLOOR),
        "rerank": (PAUSE, PIN),
    }
    assert await journal.overrides("batch", ["chat"], NOW) == {"chat": (PAUSE, FLOOR)}
    assert await journal.active_overrides(NOW) == {
        "fleet": (PAUSE,),
        "group:online": (PIN,),
        "chat": (FLOOR,),
    }


@pytest.mark.fault(86)
async def test_a_word_ends_by_itself_at_its_time(journal: SqlJournal) -> None:
    await journal.add_override("chat", FLOOR)
    assert await journal.overrides("online", ["chat"], NOW + 59.9) == {"chat": (FLOOR,)}
    assert await journal.overrides("online", ["chat"], NOW + 60) == {}


async def test_a_word_can_be_taken_back_once(journal: SqlJournal) -> None:
    ident = (await journal.add_override("fleet", PAUSE)).id
    (stands,) = await journal.standing(NOW)
    assert (stands.id, stands.scope, stands.override) == (ident, "fleet", PAUSE)
    assert await journal.end_override(ident, NOW + 5, "grace")
    assert not await journal.end_override(ident, NOW + 6, "grace")
    assert not await journal.end_override("unknown", NOW, "grace")
    assert await journal.standing(NOW + 5) == []


async def test_one_that_expired_cannot_be_taken_back(journal: SqlJournal) -> None:
    ident = (await journal.add_override("chat", FLOOR)).id
    assert not await journal.end_override(ident, NOW + 61, "grace")


async def test_a_pause_reaches_a_deployment_that_was_never_seen(journal: SqlJournal) -> None:
    await journal.add_override("fleet", PAUSE)
    assert (await journal.recall(["new"]))["new"].overrides == (PAUSE,)


@pytest.mark.fault(85)
async def test_a_restart_keeps_the_words_and_knows_the_group(url: str, clock: FakeClock) -> None:
    first = await open_journal(url, clock=clock)
    await first.add_override("group:online", PIN)
    await first.note("online", NOW, [Note("chat", (), NOW, Learned())])
    await first.close()
    second = await open_journal(url, clock=clock)
    assert (await second.recall(["chat"]))["chat"].overrides == (PIN,)
    await second.close()


async def test_a_command_adds_a_word_beside_the_daemon(
    journal: SqlJournal, url: str, clock: FakeClock
) -> None:
    command = await open_journal(url, clock=clock, lock=False)
    await command.add_override("fleet", PAUSE)
    await command.close()
    assert await journal.overrides("online", ["chat"], NOW) == {"chat": (PAUSE,)}


@pytest.mark.fault(86)
@pytest.mark.parametrize(
    ("scope", "word", "rule"),
    [
        ("", PAUSE, "scope must be fleet, group:NAME or a deployment's name, got ''"),
        ("fleet", Override(Control.PAUSE, " ", "why"), "needs an author and a reason"),
        ("fleet", Override(Control.PAUSE, "ada", ""), "needs an author and a reason"),
        ("fleet", Override(Control.PIN, "ada", "why"), "pin needs a dial and a value"),
        ("fleet", Override(Control.FLOOR, "ada", "w", dial=Dial.THREADS), "floor needs a dial"),
    ],
)
async def test_a_word_without_author_reason_or_number_is_refused(
    journal: SqlJournal, scope: str, word: Override, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        await journal.add_override(scope, word)
    assert await journal.standing(NOW) == []
