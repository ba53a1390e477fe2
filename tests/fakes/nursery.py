"""Starts daemons and commands as forks of a process that has their modules already.

Most of what a start costs is the import of a thousand modules, more than a second of a core where
both are busy. A fork has them from its first moment; what else makes a process it has for itself:
arguments, environment, folder, files, signals and its end. The program as it is installed is
started by `tests/e2e/test_real_run.py` and wherever a test names it.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import gc
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("autoscaler")
INSTALLED = (str(PROGRAM),)
"""The program as it is installed, for what is to be executed and not forked."""
# The kernel's own promise that a child dies with its parent.
LEASH = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
LONGEST_ORDER = 1 << 18
PR_SET_PDEATHSIG = 1
# What `run` and the small commands import, but for numpy, which begins threads that no fork has.
PACKAGES = ("autoscaler/cli", "autoscaler/sources", "autoscaler/wiring", "policies")
MORE = ("autoscaler.__main__", "alembic.command", "sqlalchemy.dialects.sqlite.aiosqlite")


# --- in the tests ---------------------------------------------------------------------------


@dataclass(slots=True)
class Fork:
    """What tests use of `asyncio.subprocess.Process`, of a process that is another's child."""

    pid: int
    _end: Future[int]

    @property
    def returncode(self) -> int | None:
        """How it ended: its code, or minus the signal's number. None while it runs."""
        return self._end.result() if self._end.done() else None

    async def wait(self) -> int:
        """Wait for its end."""
        return await asyncio.wrap_future(self._end)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self._end.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that forks, and a thread that hears what it tells."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plain = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
        with theirs:
            self._process = subprocess.Popen(
                [*LEASH, sys.executable, "-m", "tests.fakes.nursery", str(theirs.fileno())],
                cwd=ROOT,
                env=plain,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._born: deque[Future[Fork]] = deque()
        self._ends: dict[int, Future[int]] = {}
        threading.Thread(target=self._hear, daemon=True).start()
        atexit.register(self.close)

    async def start(
        self,
        program: Sequence[str],
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        out: int,
        err: int,
    ) -> Fork:
        """Start the program, or a script; `out` and `err` are descriptors that it writes to."""
        order = {"program": [*program], "arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        born = _uncancelled(Future[Fork]())
        self._born.append(born)
        socket.send_fds(self._line, [json.dumps(order).encode()], [out, err])
        return await asyncio.wrap_future(born)

    def close(self) -> None:
        """End it, and with it whatever still runs."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def _hear(self) -> None:
        with suppress(OSError):
            while told := self._line.recv(LONGEST_ORDER):
                pid, code = json.loads(told)
                if code is None:
                    end = self._ends[pid] = _uncancelled(Future[int]())
                    self._born.popleft().set_result(Fork(pid, end))
                else:
                    self._ends.pop(pid).set_result(code)
        left: list[Future[Any]] = [*self._born, *self._ends.values()]
        for waiting in left:
            waiting.set_exception(ChildProcessError("the process that forks has ended"))


def _uncancelled(future: Future[Any]) -> Future[Any]:
    """A future that whoever stops waiting for it does not cancel for all."""
    future.set_running_or_notify_cancel()
    return future


_nurseries: list[Nursery] = []


def can_fork(program: Sequence[str]) -> bool:
    """Whether no program is named, or a script of the fakes for this Python; on Linux alone."""
    script = Path(program[1]) if program[:1] == (sys.executable,) and program[1:] else None
    return sys.platform == "linux" and (
        not program or (script is not None and script.parent == Path(__file__).parent)
    )


def nursery() -> Nursery:
    """That of this process of tests, begun when it is first asked for."""
    if not _nurseries:
        _nurseries.append(Nursery())
    return _nurseries[0]


# --- in the process that forks ---------------------------------------------------------------


def preload() -> None:
    """Import what the forks will need."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    for name in MORE:
        import_module(name)
    assert "numpy" not in sys.modules
    gc.collect()
    gc.freeze()


def orders(line: socket.socket) -> Generator[tuple[dict[str, Any], list[int]]]:
    """What is to be started. Tells of each that has ended meanwhile."""
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    looking = selectors.DefaultSelector()
    try:
        looking.register(line, selectors.EVENT_READ)
        looking.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in looking.select()}
            if woken in ready:
                os.read(woken, 1024)
                _bury(line)
            if line in ready:
                order, files, _, _ = socket.recv_fds(line, LONGEST_ORDER, 2)
                if not order:
                    return
                yield json.loads(order), files
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        looking.close()
        os.close(woken)
        os.close(waker)


def _bury(line: socket.socket) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            line.send(json.dumps([pid, os.waitstatus_to_exitcode(status)]).encode())


def serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork until nobody orders any more. Returns an order in a fork, and None in the end."""
    libc = ctypes.CDLL(None)
    with line:
        coming = orders(line)
        for order, files in coming:
            pid = os.fork()
            if not pid:
                if LEASH:
                    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                coming.close()
                _take(files)
                return order
            line.send(json.dumps([pid, None]).encode())
            for file in files:
                os.close(file)
    return None


def _take(files: Sequence[int]) -> None:
    """Read nothing, and write into these two."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, file in enumerate((nothing, *files)):
        os.dup2(file, place)
        os.close(file)


def become(order: Mapping[str, Any]) -> None:
    """Be this program until its end."""
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    tempfile.tempdir = None
    os.chdir(order["cwd"])
    if not order["program"]:
        sys.argv = [str(PROGRAM), *order["arguments"]]
        from autoscaler.__main__ import main

        main()
        return
    script, *more = order["program"][1:]
    sys.argv = [script, *more, *order["arguments"]]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    preload()
    mine = serve(socket.socket(fileno=int(sys.argv[1])))
    if mine is not None:
        become(mine)
