"""What a store has to say for itself; everything else is the same SQL for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Insert: TypeAlias = "sqlite.Insert | postgresql.Insert"


class Backend(Protocol):
    """One kind of database."""

    place: str
    """Where it is, fit for messages: no password."""
    secret: str
    """What must never show in a message; empty when there is none."""
    readonly: bool
    """Whether it was opened for reading alone."""
    foreign: tuple[type[BaseException], ...]
    """Errors of the driver that may arrive without SQLAlchemy's wrapping."""

    def take(self) -> None:
        """Become the only daemon, where a file says so. Raises JournalLocked."""
        ...

    def free(self) -> None:
        """Stop being it."""
        ...

    def engine(self) -> AsyncEngine:
        """An engine whose connections keep their promises. Connects to nothing yet."""
        ...

    async def check(self, connection: AsyncConnection) -> None:
        """Raise JournalError unless a new connection keeps what was promised of it."""
        ...

    async def bytes_used(self, connection: AsyncConnection) -> int:
        """What the store takes on disk."""
        ...

    def advice(self, text: str) -> str:
        """What an operator should do about an error, empty when nothing is known."""
        ...


def insert_into(connection: AsyncConnection, table: Table) -> Insert:
    """An insert that may say what to do on a conflict, in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Imported late: a store in a file does not need it, and it takes its time.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """An insert that leaves rows alone that are there already: repeating it is harmless."""
    return insert_into(connection, table).on_conflict_do_nothing()


def upsert(connection: AsyncConnection, table: Table) -> Insert:
    """An insert that overwrites the row of the same primary key."""
    insert = insert_into(connection, table)
    key = [column.name for column in table.primary_key.columns]
    rest = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=rest)
