"""An event loop whose time is the world's, and the modules that would ask the real clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import selectors
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, cast

from autoscaler.lab.sim.net import Network
from autoscaler.lab.sim.world import World

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# They take the time from the standard library. APScheduler's own modules are named, not
# imported, for only `runtime.schedule` knows them.
_DATED = (
    "apscheduler.schedulers.base",
    "apscheduler.executors.base",
    "apscheduler.triggers.interval",
    "autoscaler.runtime.schedule",
)
_COUNTED = ("aiohttp.connector",)
# Each command of an operator opens the journal anew, and each opening reads a file of up to 64 MiB
# as a whole; nothing in here damages files.
_CHECKED_BYTES = ("autoscaler.journal.sqlite", "CHECKED_BYTES", 262_144)
# Heartbeats that only look whether anything has happened: once a second they would be nine tenths
# of the work of a simulated day. A word of an operator is asked for before every PUT all the same.
_SLOWED = {
    ("autoscaler.runtime.daemon", "LISTEN_S"): 60.0,
    ("autoscaler.runtime.schedule", "LOOK_S"): 20.0,
    ("autoscaler.runtime.watchdog", "PROBE_S"): 20.0,
    ("autoscaler.runtime.resync", "PAUSE_S"): 2.0,
}


class _Idle(selectors.SelectSelector):
    """Nothing ever arrives from outside; to wait is to let the world move on."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """One step of the loop is over; `timeout` is how long it has nothing to do."""
        self._world.stepped()
        if timeout is None or timeout > 0:
            self._world.advance(timeout)
        return _NOTHING


_NOTHING: list[tuple[selectors.SelectorKey, int]] = []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop; its connections lead into the world's network."""

    def __init__(self, world: World, network: Network) -> None:
        self._world = world
        super().__init__(_Idle(world))
        self._network = network
        self._places: dict[int, int] = {}

    def time(self) -> float:
        """Seconds, of the world."""
        return self._world.loop_time

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """What a thread would do is done between two steps: no thread is part of this world."""
        assert executor is None  # noqa: S101 - nobody makes one of their own
        done: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if done.done():
                return
            try:
                found = func(*args)
            except Exception as error:  # noqa: BLE001 - it is whoever's that waits for it
                done.set_exception(error)
            else:
                done.set_result(found)

        self.call_soon(work)
        return done

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Reach a place of the network, or fail as sockets do."""
        await self._network.reach(address[1])
        self._places[id(sock)] = address[1]

    async def create_connection(self, protocol_factory: Any, *_: Any, **given: Any) -> Any:
        """A connection to where the socket has been connected to."""
        sock: socket.socket = given["sock"]
        port = self._places.pop(id(sock))
        sock.close()
        protocol = cast("asyncio.Protocol", protocol_factory())
        transport = self._network.open(self, port, protocol)
        protocol.connection_made(transport)
        return transport, protocol


class WorldClock:
    """`ports.Clock` on the daemon's machine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        """Wall clock, as wrong as it is."""
        return self._world.wall

    def monotonic(self) -> float:
        """Seconds since the machine was started, sleep included."""
        return self._world.now

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(max(0.0, seconds))


@contextmanager
def everything_on(world: World) -> Iterator[None]:
    """Let the libraries that look at the real clock look at the world's."""

    class Dated(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]  # a plain one on purpose
            return dt.datetime.fromtimestamp(world.wall, tz)

    kept: list[tuple[object, str, object]] = []

    def put(name: str, part: str, value: object) -> None:
        module = importlib.import_module(name)
        kept.append((module, part, getattr(module, part)))
        setattr(module, part, value)

    for name in _DATED:
        put(name, "datetime", Dated)
    for name in _COUNTED:
        put(name, "monotonic", lambda: world.loop_time)
    for (name, part), seconds in _SLOWED.items():
        put(name, part, seconds)
    put(*_CHECKED_BYTES)
    try:
        yield
    finally:
        for module, part, value in kept:
            setattr(module, part, value)


def run(loop: VirtualLoop, main: Callable[[], Any]) -> Any:
    """Run a coroutine to its end on this loop."""
    return loop.run_until_complete(main())
