"""Carries what operators say to the deployments that it is meant for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from autoscaler.activity import Act, Entry, Event
from autoscaler.core.controls import FLEET, GROUP, Said
from autoscaler.core.observation import Override
from autoscaler.ports import Clock
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.words import Words

log = structlog.get_logger(__name__)


class Operators:
    """Listens to operators between the ticks and tells the seats.

    `look` is called with the seats that somebody wants to be looked at now.
    """

    def __init__(
        self,
        words: Words,
        clock: Clock,
        seats: Callable[[], Sequence[Seat]],
        look: Callable[[Sequence[Seat]], None],
    ) -> None:
        self.words = words
        self._clock = clock
        self._seats = seats
        self._look = look
        self._told: Said | None = None
        self._file: Override | None = None
        self._noting = asyncio.Lock()

    def tell(self, seats: Iterable[Seat] | None = None) -> None:
        """Let the seats know at once what is said now; all of them when none are named."""
        said = self.words.now()
        for seat in self._seats() if seats is None else seats:
            seat.overrides = said.of(seat.managed.group, seat.managed.name)
        if seats is None:
            self._told = said

    async def listen(self, _lag_s: float = 0.0) -> None:
        """Hear what was said from outside, and act on it: the store, the pause file, looks."""
        await self.words.fresh()
        if self.words.now() != self._told:
            self.tell()
        await self._note_file()
        looks, self.words.looks = self.words.looks, []
        for entry in looks:
            seats = self.within(scope_of(entry))
            log.info("looking now", scope=scope_of(entry), by=entry.actor, why=entry.summary)
            self._look(seats)

    def within(self, scope: str) -> list[Seat]:
        """The seats of a scope; none for one that nobody has."""
        if scope == FLEET:
            return list(self._seats())
        if scope.startswith(GROUP):
            group = scope.removeprefix(GROUP)
            return [seat for seat in self._seats() if seat.managed.group == group]
        return [seat for seat in self._seats() if seat.managed.name == scope]

    async def _note_file(self) -> None:
        """Enter into the activity that the pause file came or went, once each."""
        async with self._noting:  # two may listen at once, and both would find it new
            await self._note_change()

    async def _note_change(self) -> None:
        before, now = self._file, self.words.file.word()
        if now == before:
            return
        if now is None and before is not None:
            act, said, told = Act.OVERRIDE_ENDED, before, "the pause file is gone: ended: pause"
        elif now is not None:
            act, said, told = Act.OVERRIDE_ADDED, now, "the pause file is there: pause"
        else:
            return
        summary = f"{told} for the fleet without end: {said.why}"
        event = Event(self._clock.now(), act, said.author, summary, ref=said.id)
        if await self.words.record(event):
            self._file = now
            log.warning("the pause file", file=str(self.words.file.path), told=summary)


def scope_of(entry: Entry) -> str:
    """The scope that an entry tells of."""
    if entry.group is not None and entry.deployment is None:
        return f"{GROUP}{entry.group}"
    return FLEET if entry.deployment is None else entry.deployment
