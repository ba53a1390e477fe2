"""A network in memory: real HTTP bytes between the daemon's sockets and services of the world.

A service answers a request; the network decides whether, when and how much of it arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, Protocol

from autoscaler.lab.sim.world import World

# Servers close connections on which nothing is asked for so long, seconds.
KEEP_ALIVE_S = 20.0
HUGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; no two have the same number."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"

    def encoded(self) -> bytes:
        """As HTTP/1.1."""
        lines = [f"HTTP/1.1 {self.status} Simulated", f"Content-Type: {self.kind}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(slots=True)
class Fate:
    """What becomes of one exchange. Times in seconds; None: it never arrives."""

    there_s: float | None = 0.002
    back_s: float | None = 0.002
    reset_after_s: float | None = None
    """The connection breaks so long after the request was sent."""
    cut: bool = False
    """Half of the answer arrives, then the connection closes."""

    def told(self) -> tuple[object, ...]:
        """Only what is not as usual."""
        usual = (self.there_s or 99) < 0.1 and (self.back_s or 99) < 0.1 and not self.cut  # noqa: PLR2004 - quick
        return () if usual else (self,)


class Service(Protocol):
    """A server of the world."""

    def fate(self, request: Request) -> Fate:
        """What becomes of a request that is on its way."""
        ...

    def answer(self, request: Request) -> Answer:
        """Act on a request that has arrived."""
        ...

    def delivered(self, request: Request, answer: Answer, *, whole: bool) -> None:
        """The answer has arrived, or a part of it."""
        ...


class Network:
    """Ports and the services behind them. `refusing` and `silent` ports do not connect."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.services: dict[int, Service] = {}
        self.refusing: set[int] = set()
        self.silent: set[int] = set()
        self._open: set[Connection] = set()

    async def reach(self, port: int) -> None:
        """Connect. Raises ConnectionRefusedError; never returns from a silent port."""
        await asyncio.sleep(0.0005)
        if port in self.refusing:
            raise ConnectionRefusedError(111, "Connection refused")
        if port in self.silent:
            await asyncio.Event().wait()

    def open(
        self, loop: asyncio.AbstractEventLoop, port: int, protocol: asyncio.Protocol
    ) -> Connection:
        """The client's end of a new connection."""
        made = Connection(loop, self, self.services[port], protocol)
        self._open.add(made)
        return made

    def closed(self, connection: Connection) -> None:
        """It is no longer open."""
        self._open.discard(connection)

    def die(self) -> None:
        """The client's process is gone: what it had sent is on its way, nothing comes back."""
        for one in sorted(self._open, key=lambda c: c.number):
            one.dead = True
        self._open.clear()


class Connection(asyncio.Transport):
    """The client's transport. Requests are answered one after the other."""

    _count = 0

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        network: Network,
        service: Service,
        protocol: asyncio.Protocol,
    ) -> None:
        super().__init__()
        Connection._count += 1
        self.number = Connection._count
        self.dead = False
        self._loop = loop
        self._network = network
        self._service = service
        self._protocol: asyncio.BaseProtocol = protocol
        self._closing = False
        self._sent = bytearray()
        self._touched = 0
        self._idle()

    # --- asyncio's side ---------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send; a request leaves when its last byte is written."""
        if self.dead or self._closing:
            return
        self._sent += data
        request = _complete(self._sent)
        if request is not None:
            self._sent.clear()
            self._touched += 1
            self._travel(request)

    def close(self) -> None:
        """Close from the client's side; what was sent stays sent."""
        self._end(None)

    def abort(self) -> None:
        """The same."""
        self._end(None)

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Only the peer's name is known."""
        return ("127.0.0.1", 1) if name == "peername" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand over to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads."""
        return self._protocol

    def pause_reading(self) -> None:
        """Answers are small: nothing is held back."""

    def resume_reading(self) -> None:
        """Likewise."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits to be sent."""
        return 0

    # --- the world's side -------------------------------------------------------------------

    def _travel(self, request: Request) -> None:
        world = self._network.world
        try:
            fate = self._service.fate(request)
        except Exception as bug:  # aiohttp would take it for a broken connection
            world.failure = bug
            raise
        if fate.reset_after_s is not None:
            error = ConnectionResetError(104, "Connection reset by peer")
            world.after(fate.reset_after_s, lambda: self._end(error))
        if fate.there_s is not None:
            world.after(fate.there_s, lambda: self._arrive(request, fate))

    def _arrive(self, request: Request, fate: Fate) -> None:
        # The server acts whether or not anybody still waits.
        answer = self._service.answer(request)
        if fate.back_s is not None:
            self._network.world.after(fate.back_s, lambda: self._deliver(request, answer, fate))

    def _deliver(self, request: Request, answer: Answer, fate: Fate) -> None:
        if self.dead or self._closing:
            return
        data = _encoded(answer)
        if fate.cut:
            data = data[: max(1, len(data) * 2 // 3)]
        self._service.delivered(request, answer, whole=not fate.cut)
        reader = self._protocol
        if isinstance(reader, asyncio.Protocol):
            self._loop.call_soon(reader.data_received, data)
        if fate.cut:
            self._network.world.after(0.001, lambda: self._end(None))
        else:
            self._idle()

    def _idle(self) -> None:
        touched = self._touched
        self._network.world.after(KEEP_ALIVE_S, lambda: self._expire(touched))

    def _expire(self, touched: int) -> None:
        if touched == self._touched:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self.dead or self._closing:
            return
        self._closing = True
        self._network.closed(self)
        self._loop.call_soon(self._protocol.connection_lost, error)


def _encoded(answer: Answer) -> bytes:
    """A huge one is always the same, and is put together once."""
    return _huge(answer.body) if len(answer.body) > HUGE_BYTES else answer.encoded()


@cache
def _huge(body: bytes) -> bytes:
    return Answer(200, body).encoded()


_numbers = count()


def _complete(data: bytearray) -> Request | None:
    head, mark, body = bytes(data).partition(b"\r\n\r\n")
    if not mark:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if len(body) < int(headers.get("content-length", "0")):
        return None
    method, path, _ = first.split(" ", 2)
    return Request(method, path, headers, body, next(_numbers))
