"""The daemon: seats, ticks, schedule and readings, and how a new configuration replaces them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import structlog

from autoscaler.activity import Event
from autoscaler.core.decision import Decision
from autoscaler.ports import (
    Clock,
    Journal,
    JournalError,
    Learnt,
    Listener,
    Live,
    Membership,
    Platform,
    Source,
    Workers,
)
from autoscaler.roster import Group, Managed
from autoscaler.runtime.choosing import RiskChooser
from autoscaler.runtime.discovery import groups_of
from autoscaler.runtime.fairshare import FairShare
from autoscaler.runtime.jury import Jury
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.observe import fill, fill_forecasts
from autoscaler.runtime.operators import Operators
from autoscaler.runtime.orphans import FIRST_S, LOOK_S, Orphans
from autoscaler.runtime.parting import part
from autoscaler.runtime.quarantine import PATIENT, Patience
from autoscaler.runtime.resync import AT_ONCE, Resync
from autoscaler.runtime.rounds import Rounds
from autoscaler.runtime.schedule import Schedule, ScheduleWatch
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.runtime.watchdog import Watchdog
from autoscaler.runtime.words import Words
from autoscaler.steps import UNTRACED, Tracer

log = structlog.get_logger(__name__)

# A running tick gets this long to end before a reload gives up.
PATIENCE_S = 20.0
# A stop waits for the PUT in flight, and this long on top for its record.
RECORD_S = 0.3
# Models are asked for new branches this often.
DISCOVER_S = 300.0
# How often operators are listened to between ticks.
LISTEN_S = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What one configuration builds: who is managed, and the doors to the outside."""

    groups: tuple[Group, ...]
    platform: Platform
    sources: Mapping[str, Source]
    resync_s: float
    digest: str
    write_s: float = 4.0
    """Deadline of a write; a stop waits no longer for what is under way."""
    patience: Patience = PATIENT
    """With policies that take too long."""
    workers: Workers | None = None
    """Where policies are evaluated that are kept apart."""


@dataclass(slots=True)
class Daemon:
    """Owns every seat. `adopt` swaps the configuration between two ticks, or not at all."""

    clock: Clock
    random: Random
    journal: Journal
    listeners: Sequence[Listener]
    membership: Membership
    watch: ScheduleWatch
    tracer: Tracer = UNTRACED
    seats: dict[str, Seat] = field(default_factory=dict)
    parts: Parts | None = None
    stopping: bool = False
    watchdog: Watchdog = field(init=False)
    schedule: Schedule = field(init=False)
    operators: Operators = field(init=False)
    last_word: LastWord = field(init=False)
    jury: Jury = field(init=False)
    orphans: Orphans = field(init=False)
    rounds: Rounds = field(init=False)
    fair: FairShare = field(default_factory=FairShare)
    _probe: asyncio.Task[None] | None = None
    _resync: Resync | None = None
    _looks: int = 0
    _reading: list[asyncio.Task[None]] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(self.clock)
        self.schedule = Schedule(self.clock, self.watch)
        self.jury = Jury(self.clock)
        words = Words(self.clock, self.journal)
        self.operators = Operators(words, self.clock, self._all_seats, self.look)
        self.orphans = Orphans(self.clock, self.journal, self._platform, self._rids)
        self.last_word = LastWord(self.clock, self.membership, words, self._is_stopping)
        self.rounds = Rounds(
            self.clock,
            self.random,
            self.schedule,
            self.watchdog,
            self.operators,
            self._is_stopping,
        )

    @property
    def ticks(self) -> dict[str, Tick]:
        """The ticks of each group, by its name."""
        return self.rounds.ticks

    async def start(self, parts: Parts) -> None:
        """Take the first configuration and begin."""
        self.schedule.start()
        await self.adopt(parts)
        self.schedule.every("discovery", DISCOVER_S, self._rediscover, after=DISCOVER_S)
        self.schedule.every("operators", LISTEN_S, self.operators.listen)
        self.schedule.every("orphans", LOOK_S, self.orphans.look, after=FIRST_S)
        self._probe = asyncio.create_task(self.watchdog.probe())

    async def adopt(self, parts: Parts) -> None:
        """Replace the configuration. Whatever fails here fails before anything is replaced."""
        async with self._turn:
            await self._adopt(parts)

    async def _adopt(self, parts: Parts) -> None:
        found: dict[str, Live] = {}
        groups = await groups_of(parts.groups, parts.platform, self._all_seats(), found)
        seats = self._seats(groups, found)
        await self._remember(
            [seat for name, seat in seats.items() if seat is not self.seats.get(name)]
        )
        await self._swap(parts, groups, seats)

    async def rehearse(self, parts: Parts) -> list[Decision]:
        """Read and decide every deployment once, for a check.

        Modes decide whether anything is written, so hand in parts that only recommend.
        """
        found: dict[str, Live] = {}
        groups = await groups_of(parts.groups, parts.platform, self._all_seats(), found)
        self.seats = self._seats(groups, found)
        resync = Resync(parts.platform, self.journal, self.clock, self.random, parts.resync_s)
        self.jury.take(parts.patience, parts.workers)
        self.jury.prepare(self.seats.values())
        seats = list(self.seats.values())
        await asyncio.gather(*(resync.read(seat) for seat in seats if seat.read_at is None))
        for group, managed in ((g, m) for g in groups for m in g.members):
            self.seats[managed.name].manage(managed, group.interval_s)
        await fill(parts.sources, seats, self.clock.now())
        await fill_forecasts(parts.sources, seats, self.clock.now())
        self._plan_ticks(parts, groups)
        return [
            decision for tick in self.ticks.values() for decision in (await tick.run()).decisions
        ]

    async def _swap(self, parts: Parts, groups: list[Group], seats: dict[str, Seat]) -> None:
        learnt = await self._learnt(groups)
        async with asyncio.timeout(PATIENCE_S), self.rounds.still():
            # From here on nothing waits and nothing fails, so nothing is replaced by halves.
            gone = self.seats.keys() - seats.keys()
            old, self.parts, self.seats = self.parts, parts, seats
            if old is not parts:
                self.jury.take(parts.patience, parts.workers)
            for group, managed in ((g, m) for g in groups for m in g.members):
                seats[managed.name].manage(managed, group.interval_s)
            self.jury.prepare(seats.values())
            for name, one in learnt.items():
                _recall_forecasts(seats[name], one)
            self._plan_ticks(parts, groups)
        self._read_with(parts)
        if gone:
            with suppress(JournalError):
                await self.journal.leave(sorted(gone))
        if old is not None and old.platform is not parts.platform:
            await close(old)

    async def _learnt(self, groups: Sequence[Group]) -> Mapping[str, list[Learnt]]:
        """What the journal has of forecasts that are new here, by deployment."""
        names = sorted(m.name for group in groups for m in group.members if self._forgets(m))
        found: dict[str, list[Learnt]] = {}
        for one in await self.journal.learnt(names) if names else ():
            found.setdefault(one.deployment, []).append(one)
        return found

    def _forgets(self, managed: Managed) -> bool:
        seat = self.seats.get(managed.name)
        known = seat.foresight.forecasters if seat is not None and seat.foresight else {}
        return not managed.forecasts.keys() <= known.keys()

    def _plan_ticks(self, parts: Parts, groups: Sequence[Group]) -> None:
        world = World(
            self.clock,
            parts.platform,
            parts.sources,
            self.journal,
            (*self.listeners, self.watchdog),
            self.last_word,
            self.tracer,
            self.jury,
            self.fair,
        )
        self.rounds.plan(groups, self.seats, world)

    def look(self, seats: Sequence[Seat]) -> None:
        """Read these deployments from the platform now, and decide on their groups."""
        self._looks += 1

        async def now(_lag_s: float) -> None:
            resync = self._resync
            for batch in (seats[at : at + AT_ONCE] for at in range(0, len(seats), AT_ONCE)):
                if resync is not None:
                    await asyncio.gather(*(resync.read(seat) for seat in batch))
            for group in sorted({seat.managed.group for seat in seats}):
                await self.rounds.run(group)

        self.schedule.soon(f"look:{self._looks}", now)

    def _is_stopping(self) -> bool:
        return self.stopping

    def _seats(self, groups: Sequence[Group], lives: Mapping[str, Live]) -> dict[str, Seat]:
        seats: dict[str, Seat] = {}
        for managed in (m for group in groups for m in group.members):
            known = self.seats.get(managed.name)
            if known is None or known.managed.rid != managed.rid:
                known = Seat(managed)
                if managed.rid in lives:
                    known.was_read(lives[managed.rid], self.clock.now())
            seats[managed.name] = known
        return seats

    async def _remember(self, fresh: list[Seat]) -> None:
        if not fresh:
            return
        at = self.clock.now()
        memories = await self.journal.recall([seat.managed.name for seat in fresh])
        dangling = {intent.rid: intent for intent in await self.journal.dangling()}
        for seat in fresh:
            memory = memories.get(seat.managed.name)
            if memory is not None:
                seat.remember(memory, at, gap_s=120.0)
            seat.dangling = dangling.get(seat.managed.rid)
            if seat.dangling is not None:
                seat.unsure = seat.dangling
                # All that tells of a daemon that was killed, by the kernel or by anybody else.
                log.warning(
                    "a write of an earlier run has no known end; it is looked up",
                    deployment=seat.managed.name,
                    decision=seat.dangling.decision_id,
                )

    def _read_with(self, parts: Parts) -> None:
        """Read with this configuration's platform from now on, and fill the windows once."""
        for task in self._reading:
            task.cancel()
        resync = Resync(parts.platform, self.journal, self.clock, self.random, parts.resync_s)
        self._resync = resync
        empty = [seat for seat in self.seats.values() if not seat.series]
        self._reading = [
            asyncio.create_task(resync.run(self._all_seats)),
            asyncio.create_task(self._fill(parts, empty)),
        ]

    async def _fill(self, parts: Parts, empty: list[Seat]) -> None:
        """Fill windows first, then forecasts that the journal knew nothing of; choose risks."""
        await fill(parts.sources, empty, self.clock.now())
        await fill_forecasts(parts.sources, self._all_seats(), self.clock.now())
        await RiskChooser(self._all_seats, self.clock).run()

    def _platform(self) -> Platform | None:
        return self.parts.platform if self.parts is not None else None

    def _rids(self) -> set[str]:
        return {seat.managed.rid for seat in self.seats.values()}

    def _all_seats(self) -> list[Seat]:
        return list(self.seats.values())

    async def _rediscover(self, _lag_s: float) -> None:
        # Under the lock: a reload that is on its way would otherwise be undone by its past.
        async with self._turn:
            parts = self.parts
            if parts is not None and any(group.discoveries for group in parts.groups):
                await self._adopt(parts)

    async def stop(
        self, last: Callable[[float], Event] | None = None, *, in_order: bool = False
    ) -> None:
        """Begin nothing new, let the write in flight end, then let go of everything.

        `last` makes the entry that is the activity's last, out of the time of the end. Stopped
        `in_order`, deployments are left with what is declared for that.
        """
        self.stopping = True
        await self.schedule.stop((self.parts.write_s if self.parts else 0.0) + RECORD_S)
        if in_order:
            await self._part()
        tasks = [*self._reading, *([self._probe] if self._probe else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._note_rest()
        await self._store_forecasts()
        if self.parts is not None:
            await close(self.parts)
        if last is not None:
            await self.operators.words.record(last(self.clock.now()))
        await self.journal.close()

    async def _part(self) -> None:
        if any(seat.managed.on_shutdown for seat in self.seats.values()):
            await self.operators.words.fresh()
            self.operators.tell()
            await part(self.ticks.values())

    async def _note_rest(self) -> None:
        with suppress(JournalError, TimeoutError):
            async with asyncio.timeout(RECORD_S):
                for tick in self.ticks.values():
                    await tick.note_rest()

    async def _store_forecasts(self) -> None:
        at = self.clock.now()
        learnt = [
            one
            for seat in self.seats.values()
            if seat.foresight is not None
            for one in seat.foresight.learnt(seat.managed.name, at)
        ]
        if learnt:
            with suppress(JournalError):
                await self.journal.keep(learnt)


def _recall_forecasts(seat: Seat, learnt: Sequence[Learnt]) -> None:
    """Give forecasts that are new here what the journal has of them."""
    foresight = seat.foresight
    if foresight is None:
        return
    foresight.believe(seat.learned)
    # What has been learning here is newer than what was stored of it.
    new = [one for one in learnt if one.forecast not in foresight.forecasters]
    foresight.recall(new, seat.learned.startup_s)


async def close(parts: Parts) -> None:
    """Close the doors of a configuration."""
    await parts.platform.close()
    if parts.workers is not None:
        await parts.workers.close()
    for source in parts.sources.values():
        await source.close()
