"""One worker process as the daemon holds it: started, asked, stopped when it does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine

import orjson

from autoscaler.codec import encode
from autoscaler.isolation.order import Order
from autoscaler.ports import Stopped

# Loading Python, the codec and a policy takes 0.3 s; a busy machine may take its time.
START_S = 20.0
# An answer has some bids and a sentence.
LONGEST = 1024 * 1024
# A killed process is gone at once, unless the kernel itself hangs.
GONE_S = 2.0
# What a policy may know of the daemon's environment, which holds secrets.
KNOWN = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


class Worker:
    """A process that evaluates the policies of one kind."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def started(cls, order: Order) -> Worker:
        """A worker that is ready. Raises Stopped when it cannot load its policy in time."""
        environment = {name: os.environ[name] for name in KNOWN if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "autoscaler.isolation.worker",
                encode(Order, order).decode(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=LONGEST,
                env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
                # Of its own group, so that whatever it starts is stopped with it.
                start_new_session=True,
            )
        except OSError as error:
            raise Stopped(f"its process cannot be started: {error.strerror}") from error
        worker = cls(process)
        try:
            _heed(await worker._within(START_S, worker._line()))
        except BaseException:
            await worker.stop()
            raise
        return worker

    async def ask(self, line: bytes, deadline_s: float) -> bytes:
        """The answer to one line. Raises Stopped: then the process is of no use any more."""
        return await self._within(deadline_s, self._exchange(line))

    async def stop(self) -> None:
        """Kill it and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_S):
                await self._process.wait()

    async def _exchange(self, line: bytes) -> bytes:
        assert self._process.stdin is not None  # noqa: S101 - asked for at the start
        try:
            self._process.stdin.write(line + b"\n")
            await self._process.stdin.drain()
        except (ConnectionError, OSError) as error:
            raise Stopped(self._end()) from error
        return await self._line()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - asked for at the start
        try:
            line = await self._process.stdout.readline()
        except ValueError as error:
            raise Stopped(f"its answer was longer than {LONGEST} bytes") from error
        if not line.endswith(b"\n"):
            raise Stopped(self._end())
        return line

    async def _within(self, seconds: float, work: Coroutine[object, object, bytes]) -> bytes:
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
            for _ in range(LATE_TURNS):
                # This loop may have been the late one: what lies in the pipe was in time.
                if task.done():
                    break
                await asyncio.sleep(0)
            if task.done():
                return task.result()
        finally:
            task.cancel()
        raise Stopped(f"it gave no answer within {seconds:g} s")

    def _end(self) -> str:
        code = self._process.returncode
        return ENDS.get(code, "its process ended") if code is not None else "its process ended"


def _heed(line: bytes) -> None:
    """Take in the first line of a process. Raises Stopped unless it says that it is ready."""
    try:
        said = orjson.loads(line)
    except ValueError as error:
        raise Stopped("its process began with nonsense") from error
    if not isinstance(said, dict):
        raise Stopped("its process began with nonsense")
    if "ready" not in said:
        raise Stopped(f"it cannot be loaded: {said.get('failed', 'for no reason')}"[:500])


LATE_TURNS = 4
ENDS = {
    -signal.SIGXCPU: "it used more CPU time than it may",
    -signal.SIGALRM: "it took longer than it may",
    -signal.SIGKILL: "its process was killed",
    -signal.SIGSEGV: "its process crashed",
}
