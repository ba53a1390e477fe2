"""A TCP proxy on loopback that stands for a network, and breaks as one does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable
from enum import StrEnum
from types import TracebackType
from typing import Self

_READ = 65_536


class Link(StrEnum):
    """What the network does to connections, old and new."""

    PASS = "pass"
    REFUSE = "refuse"
    """New ones are closed at once, old ones too."""
    RESET = "reset"
    """The same with a reset instead of an orderly end."""
    BLACKHOLE = "blackhole"
    """They are taken, and nothing ever passes; what was sent in that time is lost."""
    SLOW = "slow"
    """Each piece is late by `Network.delay_s`."""


class Network:
    """The way from one client to one server. `mode` may be changed with `become` at any time.

    A link that is cut ends the connections that are open: what passes afterwards comes over new
    ones, as after a router's restart.
    """

    def __init__(self, port: int) -> None:
        self.mode = Link.PASS
        self.broken = asyncio.Lock()
        """Held by whoever breaks it, for as long as that is to last."""
        self.delay_s = 0.3
        self.url = ""
        self._to = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._end(reset=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def become(self, mode: Link) -> None:
        """Behave so from now on; open connections end unless it is slow or passes."""
        before, self.mode = self.mode, mode
        if {before, mode} - {Link.PASS, Link.SLOW}:
            self._end(reset=mode is not Link.REFUSE)

    def _end(self, *, reset: bool) -> None:
        for writer in tuple(self._open):
            _cut(writer, reset=reset)
        self._open.clear()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        with contextlib.suppress(OSError):
            if self.mode in {Link.REFUSE, Link.RESET}:
                _cut(writer, reset=self.mode is Link.RESET)
            elif self.mode is Link.BLACKHOLE:
                while await reader.read(_READ):
                    pass
            else:
                await self._joined(reader, writer)
        self._open.discard(writer)
        writer.close()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._open.add(back)
        ways = [
            asyncio.ensure_future(self._pump(reader, back)),
            asyncio.ensure_future(self._pump(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(back)
            # A peer that is gone without a word is told on as a reset: nothing more arrives.
            _cut(back, reset=True)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(_READ):
            if self.mode is Link.SLOW:
                await asyncio.sleep(self.delay_s)
            await _sent(target, piece)


def _sent(target: asyncio.StreamWriter, piece: bytes) -> Awaitable[None]:
    target.write(piece)
    return target.drain()


def _cut(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    end = writer.get_extra_info("socket")
    if reset and end is not None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
