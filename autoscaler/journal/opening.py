"""From a URL to a journal that is migrated, checked and, if asked, locked."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from autoscaler.journal import migrate
from autoscaler.journal.backend import Backend
from autoscaler.journal.journal import SqlJournal
from autoscaler.journal.postgres import Postgres
from autoscaler.journal.sqlite import Sqlite
from autoscaler.journal.store import Store, Work
from autoscaler.ports import Clock, JournalError

# A tick that waits longer than this for its record goes on without writing to the platform.
DEADLINE_S = 5.0
# An opening may check 64 MiB and rewrite a table of a million rows.
OPENING_S = 120.0


async def open_journal(
    url: str, *, clock: Clock, lock: bool = True, deadline_s: float = DEADLINE_S
) -> SqlJournal:
    """The journal at `sqlite:///path` or `postgresql://...`, made or migrated when needed.

    `lock` makes this the only daemon that writes; a command that adds an override opens beside
    it without. `deadline_s` bounds every later call, seconds. Raises JournalLocked (another daemon
    is there) or JournalError.
    """
    backend = _backend(url, exclusive=lock, readonly=False, deadline_s=deadline_s)
    return await open_on(backend, clock=clock, lock=lock, deadline_s=deadline_s)


async def open_on(
    backend: Backend, *, clock: Clock, lock: bool = True, deadline_s: float = DEADLINE_S
) -> SqlJournal:
    """`open_journal` for a store that the caller has made."""
    if lock:
        backend.take()
    return await _opened(
        Store(backend, deadline_s),
        clock,
        lambda c: c.run_sync(migrate.upgrade, backend.place, alone=lock),
    )


async def open_readonly(url: str, *, clock: Clock, deadline_s: float = DEADLINE_S) -> SqlJournal:
    """The journal for reading alone, beside a running daemon; writing calls fail.

    Raises JournalError when there is none, or one of another revision.
    """
    backend = _backend(url, exclusive=False, readonly=True, deadline_s=deadline_s)
    if isinstance(backend, Sqlite) and not backend.path.is_file():
        raise JournalError(f"there is no journal at {backend.place}")
    return await _opened(
        Store(backend, deadline_s),
        clock,
        lambda c: c.run_sync(migrate.expect, backend.place),
    )


async def _opened(store: Store, clock: Clock, prepare: Work[None]) -> SqlJournal:
    try:
        await store.run("opening", prepare, OPENING_S)
    except BaseException:
        await store.close()
        raise
    return SqlJournal(store, clock)


def _backend(url: str, *, exclusive: bool, readonly: bool, deadline_s: float) -> Backend:
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Sqlite(Path(parsed.database or ""), readonly=readonly)
    return Postgres(parsed, exclusive=exclusive, readonly=readonly, deadline_s=deadline_s)


def _parsed(url: str) -> URL:
    # The URL is left out of the message and of the chain: it may hold a password.
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    kind = parsed.get_backend_name() if parsed is not None else ""
    file = parsed is not None and parsed.database not in {None, "", ":memory:"}
    if parsed is None or kind not in {"sqlite", "postgresql", "postgres"} or not file:
        raise JournalError(
            "journal.url must be sqlite:///path/to/file or postgresql://host/database"
        )
    return parsed
