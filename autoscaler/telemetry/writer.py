"""Lines to a file descriptor by a thread of its own: a reader that stops costs lines, not time."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import threading
from collections.abc import Callable

# About 5 MB of lines. More would be memory spent on something that nobody reads.
ROOM = 10_000
BATCH = 64 * 1024


class Writer:
    """A bounded queue before a descriptor. `put` never waits; what finds no room is counted."""

    def __init__(
        self, fd: int, *, room: int = ROOM, notice: Callable[[int], bytes] = lambda _: b""
    ) -> None:
        self._fd = fd
        self._notice = notice
        self._lines: queue.Queue[bytes | threading.Event | None] = queue.Queue(room)
        self._dropped = 0
        self._told = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that found no room or could not be written, since the start."""
        return self._dropped

    def put(self, line: bytes) -> None:
        """Queue one line, its newline included."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything queued before this call is written; False when it took longer."""
        written = threading.Event()
        try:
            self._lines.put(written, timeout=timeout_s)
        except queue.Full:
            return False
        return written.wait(timeout_s)

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is queued, for at most `timeout_s`, and stop. The descriptor stays open."""
        self._closing = True
        # A full queue needs no wake-up: the thread looks at the flag after every line.
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not (self._closing and self._lines.empty()):
            item = self._lines.get()
            if item is None:
                return
            if isinstance(item, threading.Event):
                item.set()
                continue
            self._write(item)
            if self._dropped != self._told:
                missed, self._told = self._dropped - self._told, self._dropped
                self._write(self._notice(missed))

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest[:BATCH]) :]
            except BlockingIOError:
                # Somebody else made the descriptor non-blocking, a shared terminal for example.
                select.select((), (self._fd,), (), 1.0)
            except OSError:
                # The reader is gone. Nobody can be told here, but the counter is a metric.
                self._dropped += 1
                self._told = self._dropped
                return
