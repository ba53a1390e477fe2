"""Full disks, slow disks and sudden deaths: an error in our words, and nothing half-written."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import run

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Learned
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import JournalError, Note
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

ROOT = Path(__file__).parents[2]
BIGGER = Envelope(6, 12, 32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def sqlite(file: Path, clock: FakeClock) -> AsyncIterator[SqlJournal]:
    journal = await open_journal(f"sqlite:///{file}", clock=clock)
    yield journal
    await journal.close()


CRASH = """
import asyncio, os, sys
from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.journal import open_journal
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock
async def crash():
    journal = await open_journal(sys.argv[1], clock=FakeClock())
    await journal.conclude([decided(kind=Kind.FAILED)])
    await journal.intend(decided("rerank", kind=Kind.APPLIED, after=Envelope(6, 12, 32)))
    os._exit(9)  # no flush, no close, no farewell
asyncio.run(crash())
"""


def _crash(url: str) -> int:
    command = [sys.executable, "-c", CRASH, url]
    return run(command, cwd=ROOT, check=False).returncode


@pytest.mark.fault(63)
async def test_a_crash_between_intent_and_conclusion_leaves_the_intent_dangling(
    file: Path, clock: FakeClock
) -> None:
    url = f"sqlite:///{file}"
    assert _crash(url) == 9
    journal = await open_journal(url, clock=clock)
    (intent,) = await journal.dangling()
    assert (intent.deployment, intent.after) == ("rerank", BIGGER)
    assert await journal.latest("chat") is not None
    await journal.close()


async def _limit(journal: SqlJournal, pages: int) -> None:
    words = text(f"PRAGMA max_page_count = {pages}")
    await journal._store.run("limiting", lambda c: c.execute(words))


@pytest.mark.fault(60)
async def test_a_full_disk_is_an_error_and_nothing_is_half_written(sqlite: SqlJournal) -> None:
    await sqlite.conclude([decided(kind=Kind.FAILED)])
    await _limit(sqlite, 1)
    many = [decided(f"d{i}", kind=Kind.APPLIED, after=BIGGER) for i in range(300)]
    with pytest.raises(JournalError, match="disk is full; free some space"):
        await sqlite.conclude(many)
    assert (await sqlite.size()).decisions == 1
    assert "d0" not in await sqlite.recall(["d0"])
    # The connection that failed was thrown away, and with it the limit: there is space again.
    await sqlite.conclude(many)
    assert (await sqlite.size()).decisions == 301


async def test_state_rows_and_heartbeat_go_in_together_or_not_at_all(sqlite: SqlJournal) -> None:
    await sqlite.note("online", NOW, [Note("a", (), NOW, Learned())])
    await _limit(sqlite, 1)
    notes = [Note(f"d{i}" * 20, (), NOW, Learned()) for i in range(500)]
    with pytest.raises(JournalError, match="noting a tick"):
        await sqlite.note("online", NOW + 15, notes)
    assert await sqlite.recall([note.deployment for note in notes]) == {}
    await sqlite.note("online", NOW + 15, notes)
    assert len(await sqlite.recall([note.deployment for note in notes])) == 500


async def test_a_store_that_does_not_answer_costs_one_deadline(
    file: Path, clock: FakeClock
) -> None:
    journal = await open_journal(f"sqlite:///{file}", clock=clock)
    journal._store.deadline_s = 0.05
    answered = asyncio.Event()

    async def slow(connection: AsyncConnection) -> None:
        await answered.wait()

    with pytest.raises(JournalError, match=r"did not answer within 0.05 s while dawdling"):
        await journal._store.run("dawdling", slow)
    # The slow call still has its turn; nobody overtakes it into half a transaction.
    with pytest.raises(JournalError, match="while recording an intent"):
        await journal.intend(decided())
    answered.set()
    journal._store.deadline_s = 5.0
    assert await journal.dangling() == []
    await journal.close()


async def test_a_cancelled_caller_leaves_a_whole_transaction_behind(sqlite: SqlJournal) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        begun.set()
        await go.wait()
        await connection.execute(text("INSERT INTO group_tick VALUES ('online', 1.0, 's')"))

    caller = asyncio.create_task(sqlite._store.run("working", work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    count = text("SELECT count(*) FROM group_tick")
    found = await sqlite._store.run("counting", lambda c: c.execute(count))
    assert found.scalar() == 1


async def test_a_file_held_by_somebody_else_is_told_so(
    sqlite: SqlJournal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = text("PRAGMA busy_timeout = 1")
    await sqlite._store.run("hurrying", lambda c: c.execute(patience))
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="another process is writing"):
        await sqlite.intend(decided())
    other.close()
    await sqlite.intend(decided())


async def test_messages_hold_no_statement_and_no_data(journal: SqlJournal) -> None:
    canary = decided("canary-7f3a")
    await journal.intend(canary)
    with pytest.raises(JournalError) as raised:
        await journal.intend(canary)
    assert "canary" not in str(raised.value)
    assert "INSERT" not in str(raised.value)
    assert raised.value.__cause__ is not None
    assert "online" not in str(raised.value.__cause__)


async def test_a_lost_connection_costs_one_call(journal: SqlJournal, url: str) -> None:
    await journal.conclude([decided(kind=Kind.FAILED)])
    if not url.startswith("postgres"):
        connection = journal._store._connection
        assert connection is not None
        await (await connection.get_raw_connection()).driver_connection.close()  # type: ignore[union-attr]  # the driver's own connection, closed under us
    else:
        import asyncpg  # type: ignore[import-untyped]  # it ships no types

        other = await asyncpg.connect(url)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await other.close()
    with pytest.raises(JournalError, match="while looking for open intents"):
        await journal.dangling()
    assert await journal.dangling() == []
    assert await journal.latest("chat") is not None
