"""What is written down of a decision, and what is left out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from autoscaler.activity import Act
from autoscaler.codec import decode_decision, encode_decision
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Change
from autoscaler.core.reason import Code, because
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import Intent, Journal, JournalError, Memory
from tests.fakes.decisions import CALM, decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

BIGGER = Envelope(6, 12, 32)
APPLIED = decided(kind=Kind.APPLIED, code=Code.AS_PLANNED, after=BIGGER)
INTENT = Intent(APPLIED.id, NOW, "chat", "ri.chat", CALM, BIGGER)
FOUND = Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "found after a restart"), actual=BIGGER)


async def test_it_is_the_journal_that_the_runtime_asks_for(journal: SqlJournal) -> None:
    asked: Journal = journal
    assert await asked.history("chat", 10) == []


async def test_a_kept_decision_comes_back_byte_for_byte(journal: SqlJournal) -> None:
    await journal.conclude([APPLIED])
    assert await journal.history("chat", 10) == [encode_decision(APPLIED)]
    assert await journal.latest("chat") == encode_decision(APPLIED)
    assert await journal.latest("other") is None


async def test_an_intent_dangles_until_it_is_concluded(journal: SqlJournal) -> None:
    await journal.intend(APPLIED)
    assert await journal.dangling() == [INTENT]
    await journal.conclude([APPLIED])
    assert await journal.dangling() == []


async def test_an_intent_ends_with_any_outcome_even_one_that_is_not_kept(
    journal: SqlJournal,
) -> None:
    calm = decided(at=NOW)
    again = decided(at=NOW + 15)
    await journal.conclude([calm])
    await journal.intend(again)
    await journal.conclude([again])
    assert await journal.dangling() == []
    assert len(await journal.history("chat", 10)) == 1


async def test_the_same_intent_twice_is_an_error(journal: SqlJournal) -> None:
    await journal.intend(APPLIED)
    with pytest.raises(JournalError, match="recording an intent"):
        await journal.intend(APPLIED)
    assert len(await journal.dangling()) == 1


async def test_a_dangling_intent_is_resolved_into_a_full_decision(journal: SqlJournal) -> None:
    await journal.intend(APPLIED)
    await journal.resolve(INTENT, FOUND, NOW + 90)
    assert await journal.dangling() == []
    (body,) = await journal.history("chat", 10)
    assert decode_decision(body) == replace(APPLIED, outcome=FOUND)
    memory = (await journal.recall(["chat"]))["chat"]
    assert memory.changes == (Change(NOW, CALM, BIGGER),)


@pytest.mark.fault(41, 63)
async def test_what_was_announced_while_the_clock_was_ahead_did_not_happen_in_the_future(
    journal: SqlJournal,
) -> None:
    await journal.intend(APPLIED)
    await journal.resolve(INTENT, FOUND, NOW - 7200)
    assert await journal.dangling() == []
    memory = (await journal.recall(["chat"]))["chat"]
    assert memory.changes == (Change(NOW - 7200, CALM, BIGGER),)


async def test_resolving_twice_changes_nothing(journal: SqlJournal) -> None:
    await journal.intend(APPLIED)
    await journal.resolve(INTENT, FOUND, NOW + 90)
    other = Outcome(Kind.FAILED, because(Code.OUTCOME_UNKNOWN, "not applied"))
    await journal.resolve(INTENT, other, NOW + 95)
    (body,) = await journal.history("chat", 10)
    assert decode_decision(body).outcome == FOUND


async def test_older_intents_are_superseded_by_the_one_that_was_resolved(
    journal: SqlJournal,
) -> None:
    older = decided(at=NOW - 60, kind=Kind.APPLIED, after=BIGGER)
    await journal.intend(older)
    await journal.intend(APPLIED)
    newest = (await journal.dangling())[-1]
    await journal.resolve(newest, FOUND, NOW + 90)
    assert await journal.dangling() == []


UNCLEAR = decided(kind=Kind.FAILED, code=Code.OUTCOME_UNKNOWN, after=BIGGER)


@pytest.mark.fault(29, 63)
async def test_a_write_that_may_still_arrive_stays_open(journal: SqlJournal) -> None:
    await journal.intend(UNCLEAR)
    await journal.conclude([UNCLEAR])
    assert await journal.dangling() == [INTENT]
    (body,) = await journal.history("chat", 10)
    assert decode_decision(body).outcome == UNCLEAR.outcome


@pytest.mark.fault(29, 63)
async def test_a_write_that_arrived_after_all_is_remembered_and_told(journal: SqlJournal) -> None:
    await journal.intend(UNCLEAR)
    await journal.conclude([UNCLEAR])
    await journal.resolve(INTENT, FOUND, NOW + 40)
    assert await journal.dangling() == []
    memory = (await journal.recall(["chat"]))["chat"]
    assert memory.changes == (Change(NOW, CALM, BIGGER),)
    # What was decided stays as it was told; that it came after all is an entry of its own.
    (body,) = await journal.history("chat", 10)
    assert decode_decision(body).outcome == UNCLEAR.outcome
    told = [one.kind for one in await journal.activity(before_seq=None, limit=10)]
    assert sorted(told) == [Act.APPLIED, Act.FAILED]


async def test_a_write_that_never_arrived_is_closed_without_another_word(
    journal: SqlJournal,
) -> None:
    await journal.intend(UNCLEAR)
    await journal.conclude([UNCLEAR])
    lost = Outcome(Kind.FAILED, because(Code.OUTCOME_UNKNOWN, "not applied"))
    await journal.resolve(INTENT, lost, NOW + 90)
    assert await journal.dangling() == []
    assert (await journal.recall(["chat"])).get("chat", Memory()).changes == ()
    assert len(await journal.activity(before_seq=None, limit=10)) == 1


@pytest.mark.parametrize(
    ("code", "kind", "left"),
    [
        (Code.AS_PLANNED, Kind.APPLIED, []),
        (Code.OUTCOME_UNKNOWN, Kind.FAILED, ["newer"]),
        # Nothing left, so the one before may still arrive.
        (Code.PACING, Kind.DEFERRED, ["older"]),
    ],
)
async def test_a_write_that_left_takes_the_place_of_one_that_may_still_arrive(
    journal: SqlJournal, code: Code, kind: Kind, left: list[str]
) -> None:
    newer = decided(at=NOW + 15, kind=kind, code=code, after=BIGGER)
    for one in (UNCLEAR, newer):
        await journal.intend(one)
        await journal.conclude([one])
    ids = {UNCLEAR.id: "older", newer.id: "newer"}
    assert [ids[one.decision_id] for one in await journal.dangling()] == left


async def test_the_writes_of_others_stay_open(journal: SqlJournal) -> None:
    other = replace(UNCLEAR, id=f"{UNCLEAR.id}-other", deployment="other", rid="ri.other")
    applied = decided(at=NOW + 15, kind=Kind.APPLIED, code=Code.AS_PLANNED, after=BIGGER)
    for one in (other, applied):
        await journal.intend(one)
        await journal.conclude([one])
    assert [one.rid for one in await journal.dangling()] == ["ri.other"]


async def test_unchanged_ticks_leave_one_row(journal: SqlJournal) -> None:
    for tick in range(5):
        await journal.conclude([decided(at=NOW + 15 * tick)])
    assert len(await journal.history("chat", 10)) == 1


async def test_a_new_reason_a_new_kind_or_a_new_plan_is_kept(journal: SqlJournal) -> None:
    said = [
        decided(at=NOW),
        decided(at=NOW + 1, code=Code.DEADBAND),
        decided(at=NOW + 2, code=Code.DEADBAND, kind=Kind.HELD),
        decided(at=NOW + 3, code=Code.DEADBAND, kind=Kind.HELD, after=BIGGER),
        decided(at=NOW + 4, code=Code.DEADBAND, kind=Kind.HELD, after=BIGGER),
        decided(at=NOW + 5),
    ]
    for one in said:
        await journal.conclude([one])
    kept = [decode_decision(body).at - NOW for body in await journal.history("chat", 10)]
    assert kept == [5, 3, 2, 1, 0]


@pytest.mark.parametrize("kind", [Kind.APPLIED, Kind.REFUSED, Kind.FAILED])
async def test_every_act_is_kept(journal: SqlJournal, kind: Kind) -> None:
    await journal.conclude([decided(at=NOW, kind=kind), decided(at=NOW + 1, kind=kind)])
    assert len(await journal.history("chat", 10)) == 2


async def test_a_restart_knows_what_was_said_last(url: str, clock: FakeClock) -> None:
    first = await open_journal(url, clock=clock)
    await first.conclude([decided(at=NOW), decided("rerank", at=NOW)])
    await first.close()
    second = await open_journal(url, clock=clock)
    await second.conclude([decided(at=NOW + 15), decided("rerank", NOW + 15, Kind.HELD)])
    assert len(await second.history("chat", 10)) == 1
    assert len(await second.history("rerank", 10)) == 2
    await second.close()


async def test_concluding_twice_is_harmless(journal: SqlJournal) -> None:
    await journal.conclude([APPLIED])
    await journal.conclude([APPLIED])
    assert len(await journal.history("chat", 10)) == 1
    assert len((await journal.recall(["chat"]))["chat"].changes) == 1


async def test_an_act_that_arrives_late_does_not_speak_for_the_present(
    journal: SqlJournal,
) -> None:
    await journal.conclude([decided(at=NOW + 60)])
    await journal.conclude([APPLIED, decided(at=NOW + 75)])
    kept = [decode_decision(body).at - NOW for body in await journal.history("chat", 10)]
    assert kept == [60, 0]


async def test_history_is_newest_first_and_limited(journal: SqlJournal) -> None:
    for second in range(6):
        await journal.conclude([decided(at=NOW + second, kind=Kind.FAILED)])
    found = [decode_decision(body).at - NOW for body in await journal.history("chat", 3)]
    assert found == [5, 4, 3]


async def test_calls_from_many_tasks_take_turns(journal: SqlJournal) -> None:
    names = [f"d{i}" for i in range(40)]
    await asyncio.gather(*(journal.intend(decided(n, kind=Kind.APPLIED)) for n in names))
    await asyncio.gather(*(journal.conclude([decided(n, kind=Kind.APPLIED)]) for n in names))
    assert await journal.dangling() == []
    assert (await journal.size()).decisions == 40


async def test_a_closed_journal_says_so(url: str, clock: FakeClock) -> None:
    journal = await open_journal(url, clock=clock)
    await journal.close()
    await journal.close()
    with pytest.raises(JournalError, match="is closed"):
        await journal.dangling()
