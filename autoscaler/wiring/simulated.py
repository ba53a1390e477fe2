"""The composition root on another machine: its clock, chance, disk and page are handed in."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType, SimpleNamespace

from autoscaler.journal import SqlJournal
from autoscaler.ports import Clock
from autoscaler.settings import Settings
from autoscaler.wiring.serve import Running

# Their functions of the same names hide them in the package.
_SERVE, _BUILD = (import_module(f"autoscaler.wiring.{name}") for name in ("serve", "build"))
Journals = Callable[[Settings], Awaitable[SqlJournal]]


class NoPage:
    """Stands for the web server: nobody listens on a machine that does not exist."""

    url = "http://nowhere"

    async def close(self) -> None:
        """There is nothing to close."""


def series(running: Running) -> int:
    """How many series a scrape of this daemon gives."""
    body, _ = running.heard.metrics.render()
    return sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))


@contextmanager
def machine(clock: Clock, chance: random.Random, journals: Journals) -> Iterator[None]:
    """Within it `serve.start` opens its doors on this machine instead of the real one."""

    async def page(*_: object) -> NoPage:
        return NoPage()

    dice = SimpleNamespace(Random=lambda: random.Random(chance.random()))  # noqa: S311 - jitter
    parts: list[tuple[ModuleType, str, object]] = [
        (_SERVE, "SystemClock", lambda: clock),
        (_SERVE, "open_store", journals),
        (_SERVE, "open_server", page),
        (_SERVE, "random", dice),
        (_SERVE, "time", SimpleNamespace(monotonic=clock.monotonic)),
        (_BUILD, "random", dice),
        (_SERVE, "LAG_S", 60.0),
        (_SERVE, "LOOK_S", 60.0),
        (_SERVE, "SETTLE_S", 60.0),
    ]
    kept = [(module, name, getattr(module, name)) for module, name, _ in parts]
    for module, name, part in parts:
        setattr(module, name, part)
    try:
        yield
    finally:
        for module, name, part in kept:
            setattr(module, name, part)
