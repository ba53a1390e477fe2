"""SQLAlchemy's cursor over aiosqlite, without a switch of context for each little thing.

A statement is done within the step of the loop that asks for it. If each waited for a step of its
own, as each does in real life for aiosqlite's thread, those were two thirds of all steps; and what
a process that is killed between two of them leaves on the disk is the same, for it has not
committed. The begin of each transaction and one statement in `AWAITED` wait all the same: there
others come in between.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.util import EMPTY_DICT, await_only

if TYPE_CHECKING:
    from autoscaler.lab.sim.disk import Inline

AWAITED = 8
# Another process may hold the write lock; SQLite itself asks again like this.
LOCKED_AGAIN_S = 0.05
LOCKED_FOR_S = 2.0


class Nothing:
    """To be awaited without any step of the loop."""

    def __await__(self) -> Iterator[None]:
        """It is over."""
        return iter(())


NOTHING: Any = Nothing()


class PromptCursor(AsyncAdapt_aiosqlite_cursor):
    """Works on sqlite3's own cursor."""

    __slots__ = ()
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection  # noqa: SLF001 - as in SQLAlchemy's own
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = deque()
        try:
            # Raises ValueError when the process is gone.
            self._cursor = self._inline._conn.cursor()  # type: ignore[assignment]  # noqa: SLF001 - not aiosqlite's
        except ValueError as error:
            adapt_connection._handle_exception(error)  # noqa: SLF001 - as in SQLAlchemy's own

    @property
    def _inline(self) -> Inline:
        return cast("Inline", self._connection)

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        """One statement."""
        return self._done(operation, lambda: self._raw.execute(operation, parameters or ()))

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        """One statement, many times."""
        return self._done(operation, lambda: self._raw.executemany(operation, seq_of_parameters))

    @property
    def _raw(self) -> sqlite3.Cursor:
        return cast("sqlite3.Cursor", self._cursor)

    def _done(self, statement: str, work: Callable[[], Any]) -> Any:
        try:
            self._wait(statement)
            work()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            self._ask_again(work)
        except (sqlite3.Error, ValueError) as error:
            self._adapt_connection._handle_exception(error)  # noqa: SLF001 - as in SQLAlchemy's own
        if self._raw.description:
            self._rows = deque(self._raw.fetchall())
        return self

    def _wait(self, statement: str) -> None:
        inline = self._inline
        inline.statements += 1
        waits = inline.statements % AWAITED == 0 or statement.startswith("BEGIN")
        # SQLAlchemy insists that something is awaited.
        await_only(asyncio.sleep(0) if waits else NOTHING)
        if inline.disk.refuses(statement):
            raise sqlite3.OperationalError("database or disk is full")

    def _ask_again(self, work: Callable[[], Any]) -> None:
        world = self._inline.disk.world
        until = world.now + LOCKED_FOR_S
        while True:
            await_only(asyncio.sleep(LOCKED_AGAIN_S))
            try:
                work()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or world.now >= until:
                    raise
            else:
                return


class PromptConnection(AsyncAdapt_aiosqlite_connection):
    """Its cursors are prompt; begin, commit and end are aiosqlite's."""

    __slots__ = ()
    _cursor_cls = PromptCursor

    def terminate(self) -> None:
        """Close at once: a task that did it gracefully could outlive the process and its loop."""
        cast("Inline", self._connection).stop()


def adapted(dialect: Dialect, inline: Inline) -> DBAPIConnection:
    """A connection for SQLAlchemy over one of the world's disk; to be called in its greenlet."""
    return cast("DBAPIConnection", PromptConnection(cast("Any", dialect.dbapi), await_only(inline)))
