"""The engine of what-ifs: one subprocess at a time, behind everybody else, never in the loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autoscaler.lab.whatif.ask import LEARN_DAYS, MOST_DAYS, Ask
from autoscaler.plugins.tried import tried
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.history.keeper import Keeper
from autoscaler.runtime.history.track import MINUTE_S
from autoscaler.settings import ConfigError

LIMIT_S = 600.0
# Whoever asks for more has to wait until one is done.
MOST_WAITING = 4
MOST_KEPT = 20
LONGEST_LINE = 16 * 1024**2
GRACE_S = 2.0
DAY_S = 86_400.0
NO_LAB = "what-if needs numpy: install the lab extra, pip install 'foundry-autoscaler[lab]'"
COMMAND = (sys.executable, "-m", "autoscaler.lab.whatif")
OVER = frozenset({"done", "failed", "cancelled"})

Find = Callable[[str], Awaitable[Ask | None]]
"""What is known of a deployment now: a request without policies; None for an unknown name."""


@dataclass(slots=True)
class Job:
    """One what-if on its way. `progress` is 0..1."""

    ask: Ask
    state: str = "queued"
    progress: float = 0.0
    result: Mapping[str, Any] | None = None
    problem: str | None = None
    task: asyncio.Task[None] | None = None

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        more = {"result": self.result} if self.state == "done" else {}
        return {
            "state": self.state,
            "progress": round(self.progress, 3),
            "problem": self.problem,
            **more,
        }

    def fail(self, problem: str) -> None:
        """It has no result, and why."""
        self.state, self.problem = "failed", problem


@dataclass(slots=True)
class Engine:
    """Tries other policies on the past. `find` tells what is known of a deployment.

    `limit_s` is the longest that one may take, seconds.
    """

    find: Find
    limit_s: float = LIMIT_S
    command: Sequence[str] = COMMAND
    _jobs: dict[str, Job] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self, deployment: str, policies: Mapping[str, Any], days: float) -> str:
        """Begin; the id under which it goes on. Raises ValueError with field and rule."""
        if find_spec("numpy") is None:
            raise ValueError(NO_LAB)
        if not 0 < days <= MOST_DAYS:
            raise ValueError(f"days must be above 0 and at most {MOST_DAYS:g}, got {days:g}")
        if not policies:
            raise ValueError("policies must name at least one policy to change")
        known = await self.find(deployment)
        if known is None:
            raise ValueError(f"deployment {deployment!r} is not managed here")
        ask = replace(known, policies=dict(policies), days=days)
        await asyncio.to_thread(_check, ask)
        waiting = sum(job.state == "queued" for job in self._jobs.values())
        if waiting >= MOST_WAITING:
            raise ValueError(f"{waiting} what-ifs wait already: try again when one is done")
        ident, job = secrets.token_hex(8), Job(ask)
        self._jobs[ident] = job
        self._forget()
        job.task = asyncio.create_task(self._run(job))
        return ident

    def state(self, ident: str) -> Mapping[str, Any] | None:
        """How far it is, and at the end its result or problem; None for an unknown id."""
        job = self._jobs.get(ident)
        return None if job is None else job.told()

    async def cancel(self, ident: str) -> bool:
        """Stop it; False when there is none of this id that could be stopped."""
        job = self._jobs.get(ident)
        if job is None or job.state in OVER or job.task is None:
            return False
        job.state = "cancelled"
        job.task.cancel()
        await asyncio.gather(job.task, return_exceptions=True)
        return True

    async def close(self) -> None:
        """Stop everything that is under way."""
        for ident in list(self._jobs):
            await self.cancel(ident)

    def _forget(self) -> None:
        over = [ident for ident, job in self._jobs.items() if job.state in OVER]
        for ident in over[: max(0, len(self._jobs) - MOST_KEPT)]:
            del self._jobs[ident]

    async def _run(self, job: Job) -> None:
        async with self._turn:
            job.state = "running"
            try:
                async with asyncio.timeout(self.limit_s):
                    await self._work(job)
            except TimeoutError:
                job.fail(f"it took longer than {self.limit_s:g} s: ask for fewer days")
            except OSError as error:
                job.fail(f"the process of the what-if could not be started: {error}")

    async def _work(self, job: Job) -> None:
        pipe, silent = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=pipe,
            stdout=pipe,
            stderr=silent,
            limit=LONGEST_LINE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        try:
            await _hand(process, job.ask)
            await _listen(process, job)
        finally:
            await _end(process)
        if job.state == "running":
            job.fail(f"it ended without an answer (exit {process.returncode}): ask for fewer days")


def engine_of(daemon: Daemon, keeper: Keeper, path: Path) -> Engine:
    """The engine of a running daemon whose configuration is at `path`."""

    async def find(name: str) -> Ask | None:
        seat, now = daemon.seats.get(name), daemon.clock.now()
        if seat is None:
            return None
        live, managed = seat.live, seat.managed
        known = seat.read_at is not None
        tens = await keeper.tens(name, now - (MOST_DAYS + LEARN_DAYS) * DAY_S)
        points = [(m * MINUTE_S, tens[m].load) for m in sorted(tens)]
        loads = [(float(at), load) for at, load in points if load is not None]
        return Ask(
            config=str(path),
            deployment=name,
            policies={},
            days=1.0,
            until=now,
            group=managed.group,
            match=managed.match,
            floor=live.envelope.min_replicas if known else 0,
            ceiling=live.envelope.max_replicas if known else 0,
            threads=live.envelope.threads if known else 0,
            startup_s=seat.learned.startup_s,
            native=astuple(live.native) if known else None,
            times=tuple(at for at, _ in loads),
            loads=tuple(load for _, load in loads),
        )

    return Engine(find)


def _check(ask: Ask) -> None:
    """Refuse policies that the configuration would refuse."""
    try:
        tried(Path(ask.config), ask.deployment, ask.policies, ask.group)
    except ConfigError as error:
        raise ValueError(f"the configuration file is not valid now: {error}") from error


async def _hand(process: asyncio.subprocess.Process, ask: Ask) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(ConnectionError):
        stdin.write(ask.text().encode() + b"\n")
        await stdin.drain()
        stdin.close()


async def _listen(process: asyncio.subprocess.Process, job: Job) -> None:
    stdout = process.stdout
    if stdout is None:
        return
    async for line in stdout:
        try:
            told = json.loads(line)
        except ValueError:
            continue  # what a library prints is no answer
        if "progress" in told:
            job.progress = float(told["progress"])
        elif "result" in told:
            job.state, job.progress, job.result = "done", 1.0, told["result"]
        elif "problem" in told:
            job.fail(str(told["problem"]))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it end, or make it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
