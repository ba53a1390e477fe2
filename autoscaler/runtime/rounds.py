"""When the groups tick: every interval, when somebody looks, and again while changes wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from autoscaler.ports import Clock
from autoscaler.roster import Group
from autoscaler.runtime.operators import Operators
from autoscaler.runtime.schedule import Schedule
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import OLDEST_PLAN_S, Tick, World
from autoscaler.runtime.watchdog import Watchdog

# With less than this until the next tick nothing is decided in between: three writes at 1/s.
LEAST_LEFT_S = 10.0


@dataclass(slots=True)
class Rounds:
    """The ticks of all groups, each group's one after the other."""

    clock: Clock
    random: Random
    schedule: Schedule
    watchdog: Watchdog
    operators: Operators
    stopping: Callable[[], bool]
    ticks: dict[str, Tick] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _again: int = 0

    def plan(self, groups: Sequence[Group], seats: Mapping[str, Seat], world: World) -> None:
        """Tick these groups from now on and no others. Nothing may be ticking: see `still`."""
        for gone in self.ticks.keys() - {group.name for group in groups}:
            self.schedule.drop(f"tick:{gone}")
            self.watchdog.forget(gone)
            del self.ticks[gone]
        for group in groups:
            self._plan(group, [seats[managed.name] for managed in group.members], world)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Wait for what ticks, and let nothing tick meanwhile."""
        async with AsyncExitStack() as held:
            for name in sorted(self.ticks):
                await held.enter_async_context(self._lock(name))
            yield

    async def run(self, group: str, late_s: float = 0.0, within_s: float | None = None) -> None:
        """One tick, after the one that is under way."""
        async with self._lock(group):
            tick = self.ticks.get(group)
            if tick is None or self.stopping():
                return
            await self.operators.words.fresh()
            self.operators.tell(tick.seats)
            await tick.run(late_s, within_s)

    def _lock(self, group: str) -> asyncio.Lock:
        return self._locks.setdefault(group, asyncio.Lock())

    def _plan(self, group: Group, seats: Sequence[Seat], world: World) -> None:
        tick = Tick(group.name, group.interval_s, seats, world, group.fleet)
        before = self.ticks.get(group.name)
        self.ticks[group.name] = tick
        self.watchdog.expect(group.name, group.interval_s)
        if before is not None:
            tick.go_on_from(before)
            if before.interval_s == group.interval_s:
                return
        # A random first moment keeps the groups from asking all at once.
        after = self.random.uniform(0.2, min(2.0, group.interval_s))

        async def run(late_s: float) -> None:
            began = self.clock.monotonic()
            await self.run(group.name, late_s)
            self._go_on(group.name, began, began - late_s + group.interval_s)

        self.schedule.every(f"tick:{group.name}", group.interval_s, run, after=after)

    def _go_on(self, group: str, began: float, due: float) -> None:
        """Decide anew between ticks that are far apart, while changes wait for the pace alone.

        A tick may only write what leaves within the age of a plan. With a longer interval the pace
        would lie idle for the rest of it, and a group that came second would have had nothing.
        """
        tick, next_at = self.ticks.get(group), max(self.clock.monotonic(), began + OLDEST_PLAN_S)
        if tick is None or not tick.short or due - next_at < LEAST_LEFT_S:
            return

        async def again(_late_s: float) -> None:
            began = self.clock.monotonic()
            if due - began >= LEAST_LEFT_S:
                await self.run(group, within_s=due - began)
                self._go_on(group, began, due)

        # A name of its own: this may be planned from within the one before.
        self._again += 1
        name = f"again:{group}:{self._again}"
        self.schedule.soon(name, again, after=next_at - self.clock.monotonic())
