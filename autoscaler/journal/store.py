"""One connection, one call after the other, each with a deadline and its errors in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.journal.backend import Backend
from autoscaler.journal.errors import clipped
from autoscaler.ports import JournalError

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]


class Store:
    """Runs work in transactions. `deadline_s` covers the waiting and the work.

    Work that outlives its caller's deadline ends in peace and keeps the others waiting until
    then: half a transaction is never left behind, and no two of them meet.
    """

    def __init__(self, backend: Backend, deadline_s: float) -> None:
        self.backend = backend
        self.deadline_s = deadline_s
        self._foreign: tuple[type[BaseException], ...] = (
            SQLAlchemyError,
            OSError,
            *backend.foreign,
        )
        self._engine = backend.engine()
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    async def run(self, doing: str, work: Work[T], within_s: float | None = None) -> T:
        """The result of `work` in a transaction of its own, within the deadline or `within_s`.

        Raises JournalError.
        """
        deadline_s = self.deadline_s if within_s is None else within_s
        if self._closed:
            raise JournalError(f"the journal {self.backend.place} is closed")
        try:
            async with asyncio.timeout(deadline_s):
                await self._turn.acquire()
                task = asyncio.create_task(self._work(doing, work))
                task.add_done_callback(_heard)
                return await asyncio.shield(task)
        except TimeoutError as late:
            raise JournalError(
                f"the journal {self.backend.place} did not answer within {deadline_s:g} s "
                f"while {doing}; what was begun may still go through"
            ) from late

    async def _work(self, doing: str, work: Work[T]) -> T:
        try:
            connection = await self._connected()
            async with connection.begin():
                return await work(connection)
        except self._foreign as error:
            await self._drop()
            raise self._told(doing, error) from error
        except BaseException:
            await self._drop()
            raise
        finally:
            self._turn.release()

    async def _connected(self) -> AsyncConnection:
        if self._connection is None:
            connection = await self._engine.connect()
            # Kept before it is checked, so that a connection that fails is dropped as any other.
            self._connection = connection
            async with connection.begin():
                await self.backend.check(connection)
        return self._connection

    async def _drop(self) -> None:
        """Throw the connection away: after a fault, a new one proves that all is well."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._foreign):
                await connection.invalidate()
            with suppress(*self._foreign):
                await connection.close()

    def _told(self, doing: str, error: BaseException) -> JournalError:
        words = clipped(error, self.backend.secret)
        advice = self.backend.advice(words)
        tail = f"; {advice}" if advice else ""
        return JournalError(f"the journal {self.backend.place} failed while {doing}: {words}{tail}")

    async def close(self) -> None:
        """Wait for the call in progress, within the deadline, and let go of everything."""
        if self._closed:
            return
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.deadline_s):
                async with self._turn:
                    connection, self._connection = self._connection, None
                    if connection is not None:
                        with suppress(*self._foreign):
                            await connection.close()
                await self._engine.dispose()
        self.backend.free()


def _heard(task: asyncio.Task[T]) -> None:
    """Take note of an error that nobody waited for, so that the loop does not complain."""
    if not task.cancelled():
        task.exception()
