"""What a run is given, a daemon and how to put it together, and what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from autoscaler.runtime.daemon import Daemon
from autoscaler.settings import Settings


class Running(Protocol):
    """What `start` gives: a daemon at work."""

    daemon: Daemon

    async def reload(self) -> bool:
        """Load the configuration again."""
        ...

    async def stop(self) -> None:
        """End in order."""
        ...


Start = Callable[[Settings], Awaitable[Running]]


@dataclass(frozen=True, slots=True)
class Composition:
    """How the daemon is put together: handed in, for only `wiring` knows all of it."""

    start: Start
    machine: Callable[..., AbstractContextManager[None]]
    series: Callable[[Any], int]
    """How many series the metrics of a daemon have that `start` gave."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a seed."""

    seed: int
    deployment_days: float
    broken: tuple[str, ...]
    digest: str
    events: int
    puts: int
    lives: int
    took_s: float
    struck: dict[str, int]
