"""Takes news from whoever has some and hands messages to the sinks. Never waits."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from autoscaler.notify.bundle import Bundles
from autoscaler.notify.news import News
from autoscaler.notify.options import SinkOptions
from autoscaler.notify.sink import NotifyWatch, Sink
from autoscaler.ports import Clock

GRACE_S = 2.0
"""A stop waits so long for what is queued. What is not told by then is in the journal."""


@dataclass(slots=True)
class _Place:
    sink: Sink
    bundles: Bundles
    task: asyncio.Task[None]


class Desk:
    """All sinks. `tell` costs a few comparisons; `flush` is to be called about every second.

    Nothing here is durable, on purpose: the journal is the record, Prometheus is the pager, and
    a condition that still stands after a restart is news again.
    """

    def __init__(
        self,
        clock: Clock,
        watch: NotifyWatch,
        chance: random.Random,
        ident: Callable[[], str] = lambda: f"msg_{uuid.uuid4().hex}",
    ) -> None:
        self._clock = clock
        self._watch = watch
        self._chance = chance
        self._ident = ident
        self._places: dict[str, _Place] = {}

    async def take(self, sinks: Iterable[SinkOptions]) -> None:
        """Have these sinks from now on. One whose options are the same keeps what it has."""
        wanted = {options.name: options for options in sinks}
        for name, place in list(self._places.items()):
            if wanted.get(name) != place.sink.options:
                await self._drop(name)
        for name, options in wanted.items():
            if name not in self._places:
                sink = Sink(options, self._clock, self._watch, self._chance)
                bundles = Bundles(options.wait_s, options.interval_s, self._ident)
                task = asyncio.create_task(sink.run())
                self._places[name] = _Place(sink, bundles, task)

    def tell(self, news: News) -> None:
        """Take a piece of news, for every sink that wants it."""
        now = self._clock.monotonic()
        for place in self._places.values():
            if place.sink.options.wants.takes(news):
                place.bundles.take(news, now)

    def flush(self, now: float | None = None) -> None:
        """Queue the messages that have waited long enough."""
        at = self._clock.monotonic() if now is None else now
        for place in self._places.values():
            for message in place.bundles.ready(at):
                place.sink.put(message)

    @property
    def sinks(self) -> Mapping[str, Sink]:
        """By name."""
        return {name: place.sink for name, place in self._places.items()}

    async def close(self, grace_s: float = GRACE_S) -> None:
        """Tell what is left, for at most `grace_s` seconds, and let go of everything."""
        self.flush(inf)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(p.sink.drained() for p in self._places.values()))
        for name in list(self._places):
            await self._drop(name)

    async def _drop(self, name: str) -> None:
        place = self._places.pop(name)
        place.task.cancel()
        await asyncio.gather(place.task, return_exceptions=True)
        await place.sink.close()
