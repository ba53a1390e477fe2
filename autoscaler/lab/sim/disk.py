"""A journal on a disk of the world: real SQLite, no thread, faults and crashes at will.

aiosqlite does the work of each statement in a thread of its own. Here it is done at once, most of
it within the step of the loop that asks for it (`lab/sim/cursor.py`); only a commit's answer takes
the world's time. A process that dies leaves on the disk what was committed, and nothing else.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiosqlite
from sqlalchemy import NullPool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from autoscaler.journal.sqlite import Sqlite
from autoscaler.lab.sim.cursor import adapted
from autoscaler.lab.sim.world import World

# What a commit takes on a good day: half before it is on the disk, half after.
COMMIT_S = 0.004

Asked = tuple[asyncio.Future[Any] | None, Callable[[], Any]]


class Disk:
    """What the journal's file lies on. `slow_s` is what each commit takes on top."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self.full = False
        self.slow_s = 0.0
        self.commits = 0
        self.on_commit: Callable[[], None] = lambda: None
        self._chance: Random = world.chance("disk")
        self._open: dict[int, Inline] = {}
        self.locks: list[SimulatedSqlite] = []

    def connect(self) -> Inline:
        """A new connection of the daemon or of a command; made when it is awaited."""
        made = Inline(self)
        self._open[id(made)] = made
        return made

    def closed(self, connection: Inline) -> None:
        """It is gone."""
        self._open.pop(id(connection), None)

    def die(self) -> None:
        """Every process that had the file open is gone, with whatever it had not committed."""
        for one in list(self._open.values()):
            one.kill()
        self._open.clear()
        for lock in self.locks:
            lock.free()
        self.locks.clear()

    def refuses(self, statement: str) -> bool:
        """Whether the disk has no room for this."""
        if self.slow_s > 0:
            self.world.store_ill_at = self.world.now
        if not self.full:
            return False
        self.world.store_ill_at = self.world.now
        return statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "CREATE"))


class Inline(aiosqlite.Connection):
    """aiosqlite's connection without its thread: the queue of work does it on the spot."""

    statements = 0

    def __init__(self, disk: Disk) -> None:
        connect = partial(sqlite3.connect, disk.path, check_same_thread=False, timeout=0)
        super().__init__(connect, 64)
        self.disk = disk
        self._tx = _Queue(self, disk)  # type: ignore[assignment]  # it is put into, and never read

    def __await__(self) -> Any:
        return self._connect().__await__()

    def kill(self) -> None:
        """The process is gone: SQLite rolls back what it finds half-written."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def stop(self) -> None:
        """There is no thread to be stopped, only a file to be closed."""
        self._running = False
        self.disk.closed(self)
        self.kill()

    def __del__(self) -> None:
        """Nothing is left to be warned of."""


class _Queue:
    def __init__(self, owner: Inline, disk: Disk) -> None:
        self._owner = owner
        self._disk = disk

    def put_nowait(self, asked: Asked) -> None:
        future, work = asked
        loop = asyncio.get_running_loop()
        if getattr(work, "func", None) is not None and work.func.__name__ == "commit":  # type: ignore[attr-defined]  # a partial has one
            wait = COMMIT_S / 2 + self._disk.slow_s
            self._disk.commits += 1
            self._disk.on_commit()
            loop.call_later(wait, self._commit, future, work)
        else:
            loop.call_soon(self._do, future, work)

    def _commit(self, future: asyncio.Future[Any] | None, work: Callable[[], Any]) -> None:
        answer, error = _attempt(work)
        asyncio.get_running_loop().call_later(COMMIT_S / 2, _tell, future, answer, error)

    def _do(self, future: asyncio.Future[Any] | None, work: Callable[[], Any]) -> None:
        _tell(future, *_attempt(work))


def _attempt(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except sqlite3.Error as error:
        return None, error
    except ValueError as error:  # the connection was closed
        return None, error


def _tell(future: asyncio.Future[Any] | None, answer: object, error: BaseException | None) -> None:
    if future is None or future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)


class SimulatedSqlite(Sqlite):
    """The journal's own SQLite backend on such a disk."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.path, busy_ms=0)
        self._disk = disk

    def take(self) -> None:
        """As the real one; the kernel frees it when the process dies."""
        super().take()
        self._disk.locks.append(self)

    def engine(self) -> AsyncEngine:
        """As the real one, over connections without threads."""

        def connect(*_: object, **__: object) -> DBAPIConnection:
            return adapted(engine.dialect, self._disk.connect())

        engine = create_async_engine(
            "sqlite+aiosqlite://", creator=connect, poolclass=NullPool, hide_parameters=True
        )
        event.listen(engine.sync_engine, "connect", self._connected)
        event.listen(engine.sync_engine, "begin", self._begin)
        return engine
