"""Server-sent events: rendered once, kept for a moment, given to every stream that keeps up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoscaler.web.problems import dump

# Ten ticks with news of a large fleet; a page that is away for longer reads everything anew.
KEPT = 1_024
# What waits for one reader. One that is farther behind is dropped and comes back by itself.
WAITING = 512
MOST_STREAMS = 100

Count = Callable[[int], None]


@dataclass(eq=False, slots=True)
class Stream:
    """One reader. `drop` ends its connection at once."""

    drop: Callable[[], None]
    queue: deque[bytes] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def give(self, event: bytes) -> None:
        """Put an event in its line."""
        self.queue.append(event)
        self.news.set()

    def end(self) -> None:
        """Let the handler return."""
        self.ended = True
        self.news.set()

    def take(self) -> bytes:
        """Everything that waits, in one piece."""
        told = b"".join(self.queue)
        self.queue.clear()
        self.news.clear()
        return told


class Hub:
    """All streams of a server. Used by the event loop's thread alone.

    `run` tells this run's ids from those of another. `opened` hears the number of open streams,
    `dropped` of every reader that was too slow.
    """

    def __init__(
        self,
        run: str,
        opened: Count = lambda _: None,
        dropped: Callable[[], None] = lambda: None,
        most: int = MOST_STREAMS,
    ) -> None:
        self._run = run
        self._opened = opened
        self._dropped = dropped
        self._most = most
        self._number = 0
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._streams: set[Stream] = set()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nobody else can be served."""
        return self._closed or len(self._streams) >= self._most

    @property
    def listening(self) -> bool:
        """Whether anybody listens."""
        return bool(self._streams)

    def publish(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell everybody. Costs one rendering, however many there are."""
        self._number += 1
        told = rendered(event, data, f"{self._run}-{self._number}")
        self._ring.append((self._number, told))
        for stream in list(self._streams):
            if len(stream.queue) >= WAITING:
                self.leave(stream)
                stream.drop()
                self._dropped()
            else:
                stream.give(told)

    def join(self, drop: Callable[[], None], last: str = "") -> Stream:
        """A new reader; it first gets what came after the event `last`, if that is still known."""
        stream = Stream(drop)
        for event in self._since(last):
            stream.give(event)
        self._streams.add(stream)
        self._opened(len(self._streams))
        return stream

    def leave(self, stream: Stream) -> None:
        """A reader is gone."""
        stream.end()
        if stream in self._streams:
            self._streams.remove(stream)
            self._opened(len(self._streams))

    def close(self) -> None:
        """End every stream: a server that closes must not wait for its readers."""
        self._closed = True
        for stream in list(self._streams):
            self.leave(stream)

    def _since(self, last: str) -> list[bytes]:
        run, _, number = last.rpartition("-")
        if run != self._run or not (number.isascii() and number.isdecimal() and len(number) < 16):  # noqa: PLR2004 - no counter is longer
            return []
        after = int(number)
        # Events between that have been forgotten: the reader has to read everything anew anyway.
        if not self._ring or self._ring[0][0] > after + 1:
            return []
        return [event for n, event in self._ring if n > after][-WAITING:]


def rendered(event: str, data: Mapping[str, Any], ident: str = "") -> bytes:
    """One event as it is sent. JSON has no line breaks of its own, so one data line is enough."""
    head = f"id: {ident}\nevent: {event}\ndata: " if ident else f"event: {event}\ndata: "
    return head.encode() + dump(data) + b"\n\n"
