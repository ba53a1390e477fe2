"""Keeps one daemon running, as an init system does, and remembers how each run ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from tests.fakes.daemon import Child, Daemon, Site, command, until
from tests.fakes.nursery import INSTALLED

RESTART_S = 0.2
# A process that was stopped or starved may be ended by its own fence for so long afterwards.
FENCED_S = 15.0
GOOD_ENDS = (0, -signal.SIGKILL, -signal.SIGALRM)


@dataclass(slots=True)
class Ends:
    """How runs ended: exit codes, what was wrong, seconds from SIGTERM to the exit.

    Ends in which it was stopped or starved meanwhile are not timed.
    """

    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopped_in_s: list[float] = field(default_factory=list)


class Supervisor:
    """One daemon at a time, started again whenever it ends."""

    def __init__(self, site: Site, program: Sequence[str] = INSTALLED) -> None:
        self.site = site
        self.program = program
        self.ends = Ends()
        self.child: Child | None = None
        self.hurt_at = 0.0
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self._termed_at: float | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def pid(self) -> int | None:
        """The process that runs now; None between two."""
        child = self.child
        return child.process.pid if child is not None and child.process.returncode is None else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the daemon if there is one."""
        if number in {signal.SIGSTOP, signal.SIGCONT}:
            self.hurt_at = time.monotonic()
        if number == signal.SIGTERM:
            self._termed_at = time.monotonic()
        if self.child is not None and self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                self.child.send(number)

    async def up(self, timeout_s: float = 120.0) -> Daemon:
        """The daemon once it answers."""
        session = self._session
        assert session is not None

        async def look() -> Daemon | None:
            if self.child is None or self.pid is None:
                return None
            daemon = Daemon(self.site, self.child, session)
            with contextlib.suppress(AssertionError):
                return daemon if await daemon.is_up() else None
            return None

        return await until(look, "the daemon answers", timeout_s)

    async def finish(self) -> None:
        """End the daemon in order, and start no other."""
        self._over = True
        self.send(signal.SIGTERM)
        if self._task is not None:
            await asyncio.wait_for(self._task, 60.0)

    async def _run(self) -> None:
        arguments = ("run", "--config", str(self.site.file))
        while not self._over:
            async with command(*arguments, folder=self.site.folder, program=self.program) as child:
                self.child = child
                await child.process.wait()
                await asyncio.to_thread(self._ended, child)
            await asyncio.sleep(RESTART_S)

    def _ended(self, child: Child) -> None:
        code = child.process.returncode
        assert code is not None
        self.ends.codes[code] += 1
        now, termed, self._termed_at = time.monotonic(), self._termed_at, None
        if code == 0 and termed is not None and self.hurt_at < termed:
            self.ends.stopped_in_s.append(now - termed)
        if code == -signal.SIGALRM and now - self.hurt_at > FENCED_S:
            self.ends.wrong.append("the fence ended a daemon that nobody had stopped")
        if code not in GOOD_ENDS:
            self.ends.wrong.append(f"exit code {code}: {child.err[-2000:]}{child.out[-2000:]}")
