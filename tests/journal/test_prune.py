"""The journal does not grow for ever, and forgets nothing that is still needed."""

from __future__ import annotations

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Control, Override
from autoscaler.journal import SqlJournal
from tests.fakes.decisions import CALM, decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

DAY = 86_400.0
BIGGER = Envelope(6, 12, 32)


async def test_the_old_goes_and_the_new_stays(journal: SqlJournal) -> None:
    days = [decided(at=NOW - day * DAY, kind=Kind.REFUSED) for day in range(10, -1, -1)]
    await journal.conclude(days)
    assert (
        await journal.prune(NOW, keep_s=5 * DAY, keep_rows=1000) == 5 + 5
    )  # and their entries in the activity
    assert (await journal.size()).decisions == 6


async def test_the_last_word_of_a_calm_deployment_outlives_its_age(journal: SqlJournal) -> None:
    await journal.conclude([decided(at=NOW - 99 * DAY), decided("rerank", at=NOW - 98 * DAY)])
    await journal.prune(NOW, keep_s=DAY, keep_rows=1000)
    assert await journal.latest("chat") is not None


async def test_rows_beyond_the_bound_go_oldest_first(journal: SqlJournal) -> None:
    await journal.conclude([decided(at=NOW + i, kind=Kind.FAILED) for i in range(1300)])
    # The entry that tells of the pruning is the 1,301st.
    assert await journal.prune(NOW, keep_s=DAY, keep_rows=100) == 1200 + 1201
    newest = await journal.history("chat", 1)
    assert (await journal.size()).decisions == 100
    assert str(NOW + 1299).encode() in newest[0]


async def test_an_open_intent_is_never_pruned(journal: SqlJournal) -> None:
    await journal.intend(decided(at=NOW - 99 * DAY, kind=Kind.APPLIED))
    await journal.prune(NOW, keep_s=DAY, keep_rows=1)
    assert len(await journal.dangling()) == 1


async def test_ended_intents_and_overrides_go(journal: SqlJournal, clock: FakeClock) -> None:
    done = decided(kind=Kind.FAILED)
    await journal.intend(done)
    await journal.conclude([done])
    await journal.add_override("fleet", Override(Control.PAUSE, "ada", "test", NOW + 60))
    await journal.add_override("chat", Override(Control.PAUSE, "ada", "for ever"))
    assert await journal.prune(NOW + 9 * DAY, keep_s=DAY, keep_rows=1000) == 2 + 4
    assert [one.scope for one in await journal.standing(NOW)] == ["chat"]


async def test_old_changes_go_but_those_that_cooldowns_need(journal: SqlJournal) -> None:
    made = [
        decided(
            at=NOW - 20 * DAY + i * 60,
            kind=Kind.APPLIED,
            before=CALM if i % 2 else BIGGER,
            after=BIGGER if i % 2 else CALM,
        )
        for i in range(40)
    ]
    await journal.conclude(made)
    remembered = (await journal.recall(["chat"]))["chat"].changes
    gone = await journal.prune(NOW, keep_s=99 * DAY, keep_rows=1000)
    assert gone == 38
    assert (await journal.recall(["chat"]))["chat"].changes == remembered


async def test_an_empty_journal_has_nothing_to_prune(journal: SqlJournal) -> None:
    assert await journal.prune(NOW, keep_s=DAY, keep_rows=10) == 0
    size = await journal.size()
    assert size.decisions == 0
    assert size.bytes > 0
