"""Opening: one daemon at a time, the right schema, every promise of the store checked."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from autoscaler.core.decision import Kind
from autoscaler.core.observation import Control, Override
from autoscaler.journal import JournalLocked, SqlJournal, open_journal, open_readonly
from autoscaler.journal.migrate import MIGRATIONS
from autoscaler.journal.schema import HEAD, metadata
from autoscaler.journal.sqlite import Sqlite
from autoscaler.journal.store import Store
from autoscaler.ports import JournalError
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock

ROOT = Path(__file__).parents[2]
PAUSE = Override(Control.PAUSE, "ada", "INC-42")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def sqlite(file: Path, clock: FakeClock) -> AsyncIterator[SqlJournal]:
    journal = await open_journal(f"sqlite:///{file}", clock=clock)
    yield journal
    await journal.close()


def _differences(connection: Connection) -> object:
    return compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True}), metadata
    )


async def test_migrations_and_tables_agree(journal: SqlJournal) -> None:
    found = await journal._store.run("comparing", lambda c: c.run_sync(_differences))
    assert found == []


def test_the_constant_names_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


@pytest.mark.fault(62)
async def test_a_second_daemon_is_refused(journal: SqlJournal, url: str, clock: FakeClock) -> None:
    with pytest.raises(JournalLocked, match="another daemon"):
        await open_journal(url, clock=clock)
    await journal.conclude([decided()])


async def test_the_lock_is_free_after_closing(url: str, clock: FakeClock) -> None:
    for _ in range(3):
        await (await open_journal(url, clock=clock)).close()


async def test_an_opening_that_fails_frees_the_lock(file: Path, clock: FakeClock) -> None:
    _fill(file, b"this is no database at all" * 100)
    with pytest.raises(JournalError):
        await open_journal(f"sqlite:///{file}", clock=clock)
    _fill(file, b"")
    await (await open_journal(f"sqlite:///{file}", clock=clock)).close()


def _fill(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def _hold(url: str) -> Popen[bytes]:
    """A daemon that holds the journal, once this returns."""
    holder = Popen([sys.executable, "-c", HOLDER, url], cwd=ROOT, stdout=PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


HOLDER = """
import asyncio, sys
from autoscaler.journal import open_journal
from tests.fakes.world import FakeClock
async def hold():
    journal = await open_journal(sys.argv[1], clock=FakeClock())
    print("held", flush=True)
    await asyncio.Event().wait()
asyncio.run(hold())
"""


@pytest.mark.fault(62)
async def test_the_kernel_frees_the_lock_of_a_killed_daemon(file: Path, clock: FakeClock) -> None:
    url = f"sqlite:///{file}"
    with _hold(url) as holder:
        with pytest.raises(JournalLocked, match=f"process {holder.pid}"):
            await open_journal(url, clock=clock)
        holder.send_signal(signal.SIGKILL)
    await (await open_journal(url, clock=clock)).close()


async def test_reading_goes_on_beside_a_running_daemon(
    journal: SqlJournal, url: str, clock: FakeClock
) -> None:
    beside = await open_readonly(url, clock=clock)
    await journal.conclude([decided(kind=Kind.FAILED)])
    assert await beside.latest("chat") is not None
    await journal.add_override("fleet", PAUSE)
    assert (await beside.recall(["chat"]))["chat"].overrides == (PAUSE,)
    with pytest.raises(JournalError):
        await beside.intend(decided())
    await beside.close()
    assert await journal.dangling() == []


async def test_reading_works_without_a_daemon(url: str, clock: FakeClock) -> None:
    journal = await open_journal(url, clock=clock)
    await journal.conclude([decided()])
    await journal.close()
    alone = await open_readonly(url, clock=clock)
    assert await alone.latest("chat") is not None
    await alone.close()


async def test_there_must_be_something_to_read(file: Path, clock: FakeClock) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        await open_readonly(f"sqlite:///{file}", clock=clock)
    assert os.listdir(file.parent) == []  # noqa: PTH208 - of names alone


async def _stamp(journal: SqlJournal, revision: str) -> None:
    words = text("UPDATE alembic_version SET version_num = :r").bindparams(r=revision)
    await journal._store.run("stamping", lambda c: c.execute(words))
    await journal.close()


async def test_a_journal_from_the_future_is_refused_and_left_alone(
    journal: SqlJournal, url: str, clock: FakeClock
) -> None:
    await journal.conclude([decided()])
    await _stamp(journal, "9999")
    for opening in (open_journal, open_readonly):
        with pytest.raises(JournalError, match=r"newer version \(revision 9999"):
            await opening(url, clock=clock)


async def test_a_journal_of_an_older_version_is_brought_up_and_keeps_its_words(
    journal: SqlJournal, url: str, clock: FakeClock
) -> None:
    await journal.add_override("fleet", PAUSE)
    await journal.conclude([decided()])
    then = {"decision", "intent", "change", "deployment", "group_tick", "override", "forecast"}
    statements = [f"DROP TABLE {name}" for name in metadata.tables.keys() - then]
    columns = ("override DROP COLUMN mode", "deployment DROP COLUMN returned")
    for statement in (*statements, *(f"ALTER TABLE {column}" for column in columns)):
        sql = text(statement)
        await journal._store.run("going back", lambda c, sql=sql: c.execute(sql))  # type: ignore[misc]  # bound at once
    await _stamp(journal, "0002")
    newer = await open_journal(url, clock=clock)
    assert [one.override for one in await newer.standing(clock.now())] == [PAUSE]
    assert await newer.latest("chat") is not None
    # What was decided before there was a chain is not in it, and is not missed.
    assert (await newer.verify()).entries == 0
    await newer.conclude([decided(at=clock.now() + 1, kind=Kind.FAILED)])
    found = await newer.verify()
    assert (found.entries, found.broken) == (1, None)
    await newer.close()


async def test_a_command_does_not_migrate_under_a_running_daemon(
    journal: SqlJournal, url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoscaler.journal.migrate.HEAD", "9998")
    for opening in (open_readonly(url, clock=clock), open_journal(url, clock=clock, lock=False)):
        with pytest.raises(JournalError, match="start the daemon once"):
            await opening
    await journal.conclude([decided()])


async def test_every_commit_is_on_the_disk(sqlite: SqlJournal) -> None:
    async def ask(pragma: str) -> object:
        wanted = text(f"PRAGMA {pragma}")
        return (await sqlite._store.run("asking", lambda c: c.execute(wanted))).scalar()

    assert await ask("journal_mode") == "wal"
    assert await ask("synchronous") == 2
    assert await ask("foreign_keys") == 1
    assert await ask("busy_timeout") == 2000


async def test_a_file_that_stays_locked_cannot_be_opened(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    store = Store(Sqlite(file, busy_ms=1), 5.0)
    with pytest.raises(JournalError, match="another process is writing"):
        await store.run("opening", lambda c: c.execute(text("SELECT 1")))
    other.close()
    await store.close()


@pytest.mark.fault(61)
@pytest.mark.parametrize("where", [0, 4096])
async def test_a_damaged_file_is_refused_with_what_to_do(
    file: Path, clock: FakeClock, where: int
) -> None:
    journal = await open_journal(f"sqlite:///{file}", clock=clock)
    await journal.conclude([decided(f"d{i}") for i in range(200)])
    await journal.close()
    with file.open("r+b") as raw:
        raw.seek(where)
        raw.write(b"\xde\xad\xbe\xef" * 4096)
    with pytest.raises(JournalError, match="keep a copy"):
        await open_journal(f"sqlite:///{file}", clock=clock)


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(JournalError, match="its directory must exist"):
        await open_journal(f"sqlite:///{tmp_path}/none/journal.db", clock=clock)


NOBODY = 65534


@pytest.fixture
def locked_up() -> Iterator[Path]:
    """A directory that nobody may write to. Root may everywhere, so root is somebody else here."""
    root = os.geteuid() == 0
    # Not below pytest's own directory, into which only its owner may look.
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o555)
        if root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


@pytest.mark.fault(60)
async def test_a_readonly_directory_is_refused(locked_up: Path, clock: FakeClock) -> None:
    with pytest.raises(JournalError, match="writable"):
        await open_journal(f"sqlite:///{locked_up}/journal.db", clock=clock)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h",
        "no",
    ],
)
async def test_a_url_that_names_no_store_is_refused_without_repeating_it(
    url: str, clock: FakeClock
) -> None:
    with pytest.raises(JournalError, match=r"journal\.url must be") as raised:
        await open_journal(url, clock=clock)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_a_server_that_is_not_there_is_told_without_the_password(clock: FakeClock) -> None:
    url = "postgresql://ada:hunter2@127.0.0.1:1/journal?sslmode=disable"
    with pytest.raises(JournalError) as raised:
        await open_journal(url, clock=clock)
    assert "hunter2" not in str(raised.value)
    assert "postgresql://ada@127.0.0.1:1/journal" in str(raised.value)
