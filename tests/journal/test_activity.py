"""The activity tells everything that happened, and that nobody has touched it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from autoscaler.activity import DAEMON, OUTSIDE, Act, Entry, Event
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Change, Control, Mode, Override
from autoscaler.core.reason import Code, because
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.journal.chain import NOTHING, flaw, hash_of, seal
from tests.fakes.decisions import CALM, decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

DAY = 86_400.0
BUSY = Envelope(6, 12, 32)
PAUSE = Override(Control.PAUSE, "ada", "INC-42", NOW + 3600)
LOOK = Event(NOW, Act.LOOK, "grace", "look at chat: odd", "chat")


async def told(journal: SqlJournal) -> list[Entry]:
    """Everything, oldest first."""
    return list(await journal.following(0, 10_000))


async def spoil(journal: SqlJournal, statement: str) -> None:
    """Somebody with the database's own tools."""
    await journal._store.run("spoiling", lambda c: c.execute(text(statement)))


async def filled(journal: SqlJournal) -> list[Entry]:
    """Five decisions, a look, and an override that was ended."""
    await journal.conclude([decided(f"d{i}", at=NOW + i, kind=Kind.FAILED) for i in range(5)])
    await journal.record([LOOK])
    stands = await journal.add_override("chat", PAUSE)
    await journal.end_override(stands.id, NOW + 9, "grace")
    assert (await journal.verify()).broken is None
    return await told(journal)


async def test_every_kept_decision_is_an_entry_of_its_kind(journal: SqlJournal) -> None:
    applied, still = decided(kind=Kind.APPLIED, after=BUSY), decided("rerank")
    await journal.conclude([applied, still])
    await journal.conclude([replace(still, id=f"{still.id}-later")])  # says nothing new
    first, second = await told(journal)
    assert (first.seq, first.kind, first.deployment, first.group) == (
        1,
        Act.APPLIED,
        "chat",
        applied.group,
    )
    assert (first.actor, first.ref, first.summary) == (DAEMON, applied.id, applied.headline())
    assert (second.kind, second.prev) == (Act.UNCHANGED, first.hash)


async def test_concluding_twice_is_one_entry(journal: SqlJournal) -> None:
    one = decided(kind=Kind.APPLIED, after=BUSY)
    for _ in range(2):
        await journal.conclude([one])
    assert len(await told(journal)) == 1


async def test_what_an_operator_says_is_told_with_author_reason_and_end(
    journal: SqlJournal, clock: FakeClock
) -> None:
    pin = Override(Control.PIN, "edsger", "launch", None, Dial.MIN_REPLICAS, 8)
    mode = Override(Control.MODE, "grace", "trial", NOW + 60, mode=Mode.OBSERVE)
    stands = await journal.add_override("group:online", pin)
    await journal.add_override("fleet", mode)
    await journal.end_override(stands.id, NOW + 5, "barbara")
    clock.forward(61)
    for _ in range(2):  # noticed once
        await journal.heard(clock.now(), None)
    found = [(e.kind.value, e.actor, e.group, e.summary) for e in await told(journal)]
    assert found == [
        (
            "override_added",
            "edsger",
            "online",
            "pin of min_replicas to 8 for group online without end: launch",
        ),
        (
            "override_added",
            "grace",
            None,
            "mode observe for the fleet until 2026-09-21 14:14:20 UTC: trial",
        ),
        (
            "override_ended",
            "barbara",
            "online",
            "ended: pin of min_replicas to 8 for group online by edsger (launch)",
        ),
        ("override_expired", DAEMON, None, "expired: mode observe for the fleet by grace (trial)"),
    ]
    assert (await journal.verify()).broken is None


async def test_somebody_elses_change_is_told_once(journal: SqlJournal) -> None:
    drift = Change(NOW - 5, CALM, Envelope(3, 9, 32), foreign=True)
    for at in (NOW, NOW + 15):
        one = decided(at=at, kind=Kind.FAILED)
        await journal.conclude([replace(one, seen=replace(one.seen, changes=(drift,)))])
    drifts = [e for e in await told(journal) if e.kind is Act.DRIFT]
    assert [(e.at, e.actor, e.deployment) for e in drifts] == [(NOW - 5, OUTSIDE, "chat")]
    assert drifts[0].summary.startswith("somebody else changed ")


async def test_a_write_that_a_crash_cut_off_is_told_when_it_is_known(journal: SqlJournal) -> None:
    await journal.intend(decided(kind=Kind.APPLIED, after=BUSY))
    (intent,) = await journal.dangling()
    outcome = Outcome(Kind.FAILED, because(Code.OUTCOME_UNKNOWN, "found not applied"))
    for _ in range(2):
        await journal.resolve(intent, outcome, NOW + 9)
    (entry,) = await told(journal)
    assert (entry.kind, entry.ref) == (Act.FAILED, intent.decision_id)
    assert (await journal.verify()).broken is None


async def test_pages_go_backwards_and_filters_hold(journal: SqlJournal) -> None:
    await filled(journal)
    newest = await journal.activity(before_seq=None, limit=3)
    assert [e.seq for e in newest] == [8, 7, 6]
    assert [e.seq for e in await journal.activity(before_seq=6, limit=3)] == [5, 4, 3]
    looks = await journal.activity(before_seq=None, limit=9, kinds=["look", "override_added"])
    assert [e.kind for e in looks] == [Act.OVERRIDE_ADDED, Act.LOOK]
    mine = await journal.activity(
        before_seq=None, limit=9, deployment="d3", start=NOW + 3, end=NOW + 4
    )
    assert [e.ref for e in mine] == [(await told(journal))[3].ref]
    assert await journal.activity(before_seq=None, limit=9, end=NOW) == []


async def test_a_record_that_fails_leaves_no_entry(journal: SqlJournal) -> None:
    one = decided(kind=Kind.APPLIED, after=BUSY)
    await spoil(journal, "ALTER TABLE activity_ends RENAME TO gone")
    with pytest.raises(Exception, match="recording decisions"):
        await journal.conclude([one])
    await spoil(journal, "ALTER TABLE gone RENAME TO activity_ends")
    # Neither the decision nor its entry: both stand in one transaction.
    assert (await journal.size()).decisions == 0
    assert await told(journal) == []
    await journal.conclude([one])
    assert len(await told(journal)) == 1


async def test_two_writers_make_one_chain(journal: SqlJournal, url: str, clock: FakeClock) -> None:
    command = await open_journal(url, clock=clock, lock=False)

    async def decide() -> None:
        for i in range(20):
            await journal.conclude([decided(f"d{i}", at=NOW + i, kind=Kind.FAILED)])

    async def say() -> None:
        for _ in range(20):
            await command.add_override("fleet", PAUSE)
            clock.forward(0.01)

    await asyncio.gather(decide(), say())
    await command.close()
    found = await journal.verify()
    assert (found.entries, found.last_seq, found.broken) == (40, 40, None)


# --- somebody touches it ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "seq", "why"),
    [
        ("UPDATE activity SET actor = 'mallory' WHERE seq = 6", 6, "it was changed"),
        ("UPDATE activity SET at = at + 0.001 WHERE seq = 2", 2, "it was changed"),
        ("UPDATE activity SET kind = 'party' WHERE seq = 3", 3, "of no known kind"),
        ("DELETE FROM activity WHERE seq = 4", 4, "it is missing: the next one is 5"),
        ("DELETE FROM activity WHERE seq = 1", 1, "it is missing: the next one is 2"),
        ("DELETE FROM activity WHERE seq >= 7", 7, "it is missing, and so is all up to 8"),
        ("DELETE FROM activity", 1, "it is missing, and so is all up to 8"),
        (
            "UPDATE activity SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE seq END",
            None,
            "",
        ),
        (
            "UPDATE decision SET body = replace(body, 'failed', 'applied') WHERE deployment = 'd2'",
            3,
            "is not the one that was recorded",
        ),
        ("DELETE FROM decision WHERE deployment = 'd1'", 2, "is gone, and no pruning took it"),
        ("UPDATE override SET author = 'mallory'", 7, "is not the one that was recorded"),
        ("UPDATE override SET ended_by = 'mallory'", 8, "is not the one that was recorded"),
        ("DELETE FROM override", 7, "is gone, and no pruning took it"),
    ],
)
async def test_whatever_somebody_touches_is_found(
    journal: SqlJournal, statement: str, seq: int | None, why: str
) -> None:
    before = await filled(journal)
    await spoil(journal, statement)
    if seq is None:
        # Two entries that changed places, numbers and all.
        await spoil(journal, "UPDATE activity SET seq = -seq WHERE seq < 0")
        seq, why = 2, "it does not follow on the entry before it"
    found = await journal.verify()
    assert found.broken is not None
    assert (found.broken.seq, found.first_seq, found.last_seq) == (seq, 1, len(before))
    assert why in found.broken.why


async def test_a_pruned_chain_begins_at_its_anchor_and_holds(
    journal: SqlJournal, clock: FakeClock
) -> None:
    days = [decided(f"d{i}", at=NOW - i * DAY, kind=Kind.FAILED) for i in range(9, -1, -1)]
    await journal.conclude(days)
    # The last decision of each stays; so the entries go, and theirs do not.
    await journal.conclude([decided(f"d{i}", at=NOW, kind=Kind.FAILED) for i in range(10)])
    clock.forward(1)
    await journal.prune(clock.now(), keep_s=5 * DAY, keep_rows=1000)
    found = await journal.verify()
    assert (found.first_seq, found.broken) == (6, None)
    (pruned,) = [e for e in await told(journal) if e.kind is Act.PRUNED]
    assert pruned.summary.startswith("the journal forgets what is older than 2026-09-16")
    await spoil(journal, "DELETE FROM activity WHERE seq = 6")
    broken = (await journal.verify()).broken
    assert broken is not None
    assert broken.seq == 6


async def test_decisions_that_were_too_many_are_not_missed(journal: SqlJournal) -> None:
    await journal.conclude([decided(f"d{i}", at=NOW + i, kind=Kind.FAILED) for i in range(20)])
    await journal.record([LOOK] * 20)
    await journal.prune(NOW + 60, keep_s=DAY, keep_rows=15)
    assert (await journal.size()).decisions == 15
    assert (await journal.verify()).broken is None
    await spoil(journal, "DELETE FROM decision WHERE deployment = 'd19'")
    assert (await journal.verify()).broken is None  # its entry went: beyond what is kept
    await journal.prune(NOW + 60, keep_s=DAY, keep_rows=15)
    assert (await journal.verify()).broken is None


async def test_a_chain_that_is_pruned_away_whole_goes_on(journal: SqlJournal) -> None:
    await filled(journal)
    for _ in range(2):
        await journal.prune(NOW + 99 * DAY, keep_s=DAY, keep_rows=1000)
    assert (await journal.verify()).broken is None
    await journal.record([LOOK])
    found = await journal.verify()
    assert (found.last_seq, found.broken) == ((await told(journal))[-1].seq, None)


async def test_a_long_chain_is_checked_in_pages(journal: SqlJournal) -> None:
    await journal.record([replace(LOOK, at=NOW + i) for i in range(2500)])
    found = await journal.verify()
    assert (found.entries, found.last_seq, found.broken) == (2500, 2500, None)
    await spoil(journal, "UPDATE activity SET hash = prev WHERE seq = 2400")
    broken = (await journal.verify()).broken
    assert broken is not None
    assert broken.seq == 2400


async def test_an_empty_chain_holds(journal: SqlJournal) -> None:
    found = await journal.verify()
    assert (found.entries, found.first_seq, found.last_seq) == (0, None, None)
    assert (found.head, found.broken) == (NOTHING, None)


texts = st.text(max_size=20)
events = st.builds(
    Event,
    st.floats(0, 4e9),
    st.sampled_from(Act),
    texts,
    texts,
    st.none() | texts,
    st.none() | texts,
    st.none() | texts,
    st.none() | st.binary(max_size=9),
)


@given(st.lists(events, min_size=1, max_size=8), st.data())
def test_a_sealed_chain_holds_and_no_field_can_be_changed(
    said: list[Event], data: st.DataObject
) -> None:
    entries = list(seal(said, 1, NOTHING))
    prev = NOTHING
    for seq, entry in enumerate(entries, 1):
        assert flaw(entry, seq, prev) is None
        prev = entry.hash
    one = data.draw(st.sampled_from(entries))
    other = data.draw(st.sampled_from(("actor", "summary", "ref", "digest", "deployment", "group")))
    was = getattr(one, other)
    touched = replace(one, **{other: f"{was}."})  # type: ignore[arg-type]  # the field is drawn
    assert hash_of(touched) != one.hash
    found = flaw(touched, one.seq, one.prev)
    assert found is not None
    assert found.seq == one.seq


def test_anybody_can_recompute_a_hash() -> None:
    # Made with `printf '%s' '[1,"1790000000.000000",...]' | sha256sum`, the way the docs say.
    import hashlib
    import json

    (entry,) = seal([LOOK], 1, NOTHING)
    said = [1, "1790000000.000000", "look", "chat", None, "grace", "look at chat: odd"]
    line = json.dumps([*said, None, None, NOTHING], separators=(",", ":"), ensure_ascii=False)
    assert entry.hash == hashlib.sha256(line.encode()).hexdigest()


def test_a_sentence_without_end_is_cut_and_odd_text_is_kept_out() -> None:
    (entry,) = seal([replace(LOOK, summary="x" * 900, actor="a\x00\ud800")], 1, NOTHING)
    assert len(entry.summary) == 500
    assert entry.actor == "a??"
