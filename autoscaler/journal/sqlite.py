"""A journal in one file: WAL, every commit on the disk before it is answered."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, NullPool, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from autoscaler.journal.lock import FileLock
from autoscaler.ports import JournalError

# How long a statement waits for another process (a command that adds an override), in ms.
BUSY_MS = 2000
# quick_check reads the whole file, about 0.3 s per 64 MiB; a larger one is checked by hand.
CHECKED_BYTES = 64 * 1024 * 1024

_DAMAGED = (
    "the file is damaged: stop the daemon, keep a copy, salvage it with "
    "`sqlite3 FILE .recover | sqlite3 NEW`, or move it away to start with an empty journal"
)
_ADVICE = {
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "disk is full": "free some space; nothing was half-written",
    "disk i/o error": "look at the disk; nothing was half-written",
    "readonly": "the file and its directory must be writable",
    "unable to open": "the file's directory must exist and be writable",
    "locked": "another process is writing to it and does not end",
}


class Sqlite:
    """A SQLite file. `readonly` opens it beside a running daemon without touching anything."""

    secret = ""
    foreign: tuple[type[BaseException], ...] = (sqlite3.Error,)

    def __init__(self, path: Path, *, readonly: bool = False, busy_ms: int = BUSY_MS) -> None:
        self.path = path.resolve()
        self.place = str(self.path)
        self.readonly = readonly
        self.busy_ms = busy_ms
        self._lock = FileLock(self.path.with_name(self.path.name + ".lock"))

    def take(self) -> None:
        """Take the file lock. Raises JournalLocked."""
        self._lock.take()

    def free(self) -> None:
        """Let go of the file lock."""
        self._lock.free()

    def engine(self) -> AsyncEngine:
        """One connection, made when it is needed."""
        query = {"uri": "true", "mode": "ro" if self.readonly else "rwc"}
        url = URL.create("sqlite+aiosqlite", database=f"file:{quote(self.place)}", query=query)
        engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", self._connected)
        event.listen(engine.sync_engine, "begin", self._begin)
        return engine

    def _connected(self, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Python's driver begins transactions too late for DDL; `_begin` says it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {self.busy_ms:d}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if self.readonly:
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    def _begin(self, connection: Connection) -> None:
        # A writer that begins by reading could find the file changed under it and fail.
        connection.exec_driver_sql("BEGIN" if self.readonly else "BEGIN IMMEDIATE")

    async def check(self, connection: AsyncConnection) -> None:
        """Every pragma took, and a small file is whole. Raises JournalError."""
        promised = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": self.busy_ms}
        if not self.readonly:
            promised["synchronous"] = 2
        for pragma, want in promised.items():
            found = (await connection.execute(text(f"PRAGMA {pragma}"))).scalar()
            if found != want:
                raise JournalError(
                    f"the journal {self.place} needs {pragma} = {want}, got {found}; "
                    "a network file system cannot hold it"
                )
        if await self.bytes_used(connection) <= CHECKED_BYTES:
            verdict = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar()
            if verdict != "ok":
                raise JournalError(f"the journal {self.place} is not whole ({verdict}); {_DAMAGED}")

    async def bytes_used(self, connection: AsyncConnection) -> int:
        """The file, without its write-ahead log."""
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        size = (await connection.execute(text("PRAGMA page_size"))).scalar_one()
        return int(pages) * int(size)

    def advice(self, text: str) -> str:
        """What to do, by SQLite's own words for the fault."""
        lowered = text.lower()
        return next((words for sign, words in _ADVICE.items() if sign in lowered), "")
