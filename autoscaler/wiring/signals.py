"""What signals mean: stop, reload, pause the fleet, let it go on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import structlog

from autoscaler.runtime.pausefile import PauseFile

log = structlog.get_logger("autoscaler")


@contextlib.asynccontextmanager
async def signals(pause: PauseFile) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
    """Events for stop and reload; a second SIGTERM or SIGINT ends the process at once.

    SIGUSR1 makes the pause file and SIGUSR2 removes it, from before the daemon has started: by
    itself either of them would end the process.
    """
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    with pausing(pause):
        yield stop, reload


@contextlib.contextmanager
def pausing(pause: PauseFile) -> Iterator[None]:
    """Let SIGUSR1 pause the fleet and SIGUSR2 end that, while the block runs."""
    loop = asyncio.get_running_loop()

    def put() -> None:
        pause.put(f"SIGUSR1 at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        log.warning("paused by a signal", file=str(pause.path))

    def lift() -> None:
        if pause.lift():
            log.warning("goes on by a signal", file=str(pause.path))

    loop.add_signal_handler(signal.SIGUSR1, put)
    loop.add_signal_handler(signal.SIGUSR2, lift)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.remove_signal_handler(signal.SIGUSR2)
