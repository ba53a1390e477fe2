"""What a restart remembers: changes, wishes, facts learnt, and whether anybody was watching."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.activity import Act
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import DIALS, Envelope
from autoscaler.core.jump import Jump
from autoscaler.core.observation import Change, Learned, Recommended
from autoscaler.core.reason import Code, because
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.journal.rows import came_of, remembered
from autoscaler.ports import Memory, Note
from tests.fakes.decisions import CALM, decided, outcomes
from tests.fakes.world import FakeClock
from tests.strategies import NOW, changes, envelopes

HOUR, DAY = 3600.0, 86_400.0
BIGGER = Envelope(6, 12, 32)
WISH = Recommended(BIGGER, NOW - 60, NOW)


def _note(name: str = "chat", **parts: object) -> Note:
    return replace(Note(name, (WISH,), NOW - 500, Learned(48, 12.5)), **parts)  # type: ignore[arg-type]  # fields by name


async def _again(journal: SqlJournal, url: str, clock: FakeClock) -> SqlJournal:
    await journal.close()
    return await open_journal(url, clock=clock)


async def test_names_never_seen_are_absent(journal: SqlJournal) -> None:
    assert await journal.recall(["chat"]) == {}


async def test_a_restart_remembers_everything(url: str, clock: FakeClock) -> None:
    first = await open_journal(url, clock=clock)
    await first.conclude([decided(kind=Kind.APPLIED, after=BIGGER)])
    await first.note("online", NOW, [_note()])
    await first.note("online", NOW + 15, [])
    second = await _again(first, url, clock)
    change = Change(NOW, CALM, BIGGER)
    expected = Memory((change,), (WISH,), (), Learned(48, 12.5), NOW - 500, NOW + 15)
    assert await second.recall(["chat", "other"]) == {"chat": expected}
    await second.close()


async def test_a_quiet_deployment_ticks_with_its_group(url: str, clock: FakeClock) -> None:
    journal = await open_journal(url, clock=clock)
    await journal.note("online", NOW, [_note("a"), _note("b")])
    await journal.note("batch", NOW, [_note("c")])
    for tick in range(1, 4):
        await journal.note("online", NOW + 15 * tick, [])
    journal = await _again(journal, url, clock)
    found = await journal.recall(["a", "b", "c"])
    assert {name: memory.last_tick for name, memory in found.items()} == {
        "a": NOW + 45,
        "b": NOW + 45,
        "c": NOW,
    }
    await journal.close()


async def test_one_that_left_and_came_back_was_not_watched_meanwhile(
    journal: SqlJournal,
) -> None:
    await journal.note("online", NOW, [_note("a"), _note("b")])
    await journal.note("online", NOW + HOUR, [])
    # The configuration drops `a` and takes it back: the same run of the daemon recalls it anew.
    assert (await journal.recall(["a"]))["a"].last_tick == NOW


async def test_one_that_left_before_a_restart_was_not_watched_since(
    url: str, clock: FakeClock
) -> None:
    journal = await open_journal(url, clock=clock)
    await journal.note("online", NOW, [_note("a"), _note("b")])
    clock.forward(15)
    await journal.leave(["a"])
    await journal.note("online", NOW + HOUR, [])
    journal = await _again(journal, url, clock)
    found = await journal.recall(["a", "b"])
    assert (found["a"].last_tick, found["b"].last_tick) == (NOW + 15, NOW + HOUR)
    await journal.close()


async def test_one_that_sat_out_a_whole_run_was_not_watched_in_it(
    url: str, clock: FakeClock
) -> None:
    journal = await open_journal(url, clock=clock)
    await journal.note("online", NOW, [_note("a"), _note("b")])
    journal = await _again(journal, url, clock)
    await journal.recall(["b"])
    await journal.note("online", NOW + HOUR, [])
    journal = await _again(journal, url, clock)
    found = await journal.recall(["a", "b"])
    assert (found["a"].last_tick, found["b"].last_tick) == (NOW, NOW + HOUR)
    await journal.close()


async def test_wishes_older_than_an_hour_are_forgotten_but_the_one_still_held(
    url: str, clock: FakeClock
) -> None:
    old = Recommended(CALM, NOW - 3 * HOUR, NOW - 2 * HOUR)
    held = Recommended(BIGGER, NOW - 2 * HOUR, NOW - 2 * HOUR)
    journal = await open_journal(url, clock=clock)
    await journal.note("online", NOW - 2 * HOUR, [_note(recommended=(old, held))])
    await journal.note("online", NOW - 15, [])
    journal = await _again(journal, url, clock)
    assert (await journal.recall(["chat"]))["chat"].recommended == (held,)
    clock.forward(2 * HOUR)
    journal = await _again(journal, url, clock)
    assert (await journal.recall(["chat"]))["chat"].recommended == ()
    await journal.close()


async def test_ten_thousand_notes_go_in_at_once(journal: SqlJournal) -> None:
    names = [f"d{i}" for i in range(10_000)]
    await journal.note("online", NOW, [_note(name) for name in names])
    found = await journal.recall(names)
    assert len(found) == 10_000
    assert found["d9999"].recommended == (WISH,)


async def test_a_note_that_says_the_same_again_is_not_written_again(
    journal: SqlJournal,
) -> None:
    await journal.note("online", NOW, [_note()])
    await journal.note("online", NOW + 15, [_note()])
    assert (await journal.recall(["chat"]))["chat"].last_tick == NOW
    await journal.note("online", NOW + 30, [_note()])
    assert (await journal.recall(["chat"]))["chat"].last_tick == NOW + 30


async def test_a_change_of_somebody_else_is_remembered(journal: SqlJournal) -> None:
    theirs = Change(NOW - 40, CALM, BIGGER, foreign=True)
    base = decided(before=BIGGER)
    await journal.conclude([replace(base, seen=replace(base.seen, changes=(theirs,)))])
    assert (await journal.recall(["chat"]))["chat"].changes == (theirs,)


async def test_a_change_from_a_clock_that_was_ahead_counts_from_one_start_and_not_from_each(
    url: str, clock: FakeClock
) -> None:
    first = await open_journal(url, clock=clock)
    ahead = [decided(at=NOW + hours * HOUR, kind=Kind.APPLIED, after=BIGGER) for hours in (5, 6)]
    await first.conclude(ahead)
    second = await _again(first, url, clock)
    found = (await second.recall(["chat"]))["chat"].changes
    assert [change.at for change in found] == pytest.approx([NOW - 0.001, NOW])
    clock.forward(600)
    third = await _again(second, url, clock)
    assert (await third.recall(["chat"]))["chat"].changes == found
    await third.close()


async def test_when_the_clock_is_set_a_restart_still_knows_how_old_a_change_is(
    url: str, clock: FakeClock
) -> None:
    journal = await open_journal(url, clock=clock)
    # Two hours apart, so that one takes the very time of the other.
    said = [
        decided(at=NOW - hours * HOUR, kind=Kind.APPLIED, after=BIGGER) for hours in (1.25, 3.25)
    ]
    await journal.conclude(said)
    before = (await journal.recall(["chat"]))["chat"].changes
    for by_s in (2 * HOUR, -4 * HOUR, 2 * HOUR):
        clock.at += by_s
        await journal.keep_ages(["chat", "nobody"], Jump(by_s, clock.now(), 15.0))
        journal = await _again(journal, url, clock)
        found = (await journal.recall(["chat"]))["chat"].changes
        assert [clock.now() - change.at for change in found] == [3.25 * HOUR, 1.25 * HOUR]
    assert (await journal.recall(["chat"]))["chat"].changes == before
    await journal.close()


async def test_a_change_of_another_deployment_keeps_its_time(journal: SqlJournal) -> None:
    await journal.conclude([decided(kind=Kind.APPLIED, after=BIGGER)])
    before = await journal.recall(["chat"])
    await journal.keep_ages(["embed"], Jump(7200.0, NOW + 7200.0, 15.0))
    assert await journal.recall(["chat"]) == before


async def test_somebody_elses_change_is_entered_once_however_often_the_clock_is_set(
    journal: SqlJournal, clock: FakeClock
) -> None:
    theirs = Change(NOW - 40, CALM, BIGGER, foreign=True)
    base = decided(before=BIGGER)
    await journal.conclude([replace(base, seen=replace(base.seen, changes=(theirs,)))])
    clock.at += HOUR
    jump = Jump(HOUR, NOW + HOUR, 15.0)
    await journal.keep_ages(["chat"], jump)
    moved = replace(theirs, at=jump.moved(theirs.at))
    later = decided(at=NOW + HOUR, before=BIGGER)
    await journal.conclude([replace(later, seen=replace(later.seen, changes=(moved,)))])
    assert (await journal.recall(["chat"]))["chat"].changes == (moved,)
    drifts = [
        one for one in await journal.activity(before_seq=None, limit=10) if one.kind is Act.DRIFT
    ]
    assert len(drifts) == 1


async def test_the_last_change_of_each_direction_outlives_the_day(journal: SqlJournal) -> None:
    lower = Envelope(4, 10, 32)
    said = [
        decided(at=NOW - 5 * DAY, kind=Kind.APPLIED, after=Envelope(4, 10, 64)),
        decided(at=NOW - 4 * DAY, kind=Kind.APPLIED, before=lower, after=BIGGER),
        decided(at=NOW - 3 * DAY, kind=Kind.APPLIED, before=lower, after=BIGGER),
        decided(at=NOW - 2 * DAY, kind=Kind.APPLIED, before=BIGGER, after=lower),
    ]
    await journal.conclude(said)
    found = (await journal.recall(["chat"]))["chat"].changes
    assert [(NOW - change.at) / DAY for change in found] == [5, 3, 2]
    await journal.prune(NOW, keep_s=HOUR, keep_rows=1)
    assert (await journal.recall(["chat"]))["chat"].changes == found


@pytest.mark.fault(65)
@given(st.lists(changes(), max_size=12))
def test_what_is_remembered_answers_every_cooldown(all_of: list[Change]) -> None:
    start = NOW - DAY
    kept = remembered(all_of, start)
    assert [c.at for c in kept] == sorted(c.at for c in kept)
    assert {c for c in all_of if c.at >= start} <= set(kept)
    for dial in DIALS:
        for up in (True, False):
            moves = [
                c.at
                for c in all_of
                if c.after[dial] != c.before[dial] and (c.after[dial] > c.before[dial]) is up
            ]
            mine = [
                c.at
                for c in kept
                if c.after[dial] != c.before[dial] and (c.after[dial] > c.before[dial]) is up
            ]
            assert max(moves, default=None) == max(mine, default=None)
    assert remembered(kept, start) == kept


@given(envelopes(), envelopes(), outcomes)
def test_a_change_ends_where_the_platform_says(
    before: Envelope, after: Envelope, outcome: Outcome
) -> None:
    change = came_of(NOW, before, after, outcome)
    reported = outcome.actual or (after if outcome.kind is Kind.APPLIED else before)
    if change is None:
        assert reported == before
    else:
        assert change.after == reported != before
        assert not (change.foreign and outcome.kind is Kind.APPLIED)


def test_a_drift_is_somebody_elses_change() -> None:
    drift = Outcome(Kind.DEFERRED, because(Code.DRIFTED, "not as it was"), actual=BIGGER)
    assert came_of(NOW, CALM, BIGGER, drift) == Change(NOW, CALM, BIGGER, foreign=True)
