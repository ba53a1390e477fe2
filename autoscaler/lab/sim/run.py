"""One seed: a daemon's life under chaos, then half an hour of calm, and what the witness says."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autoscaler.core.observation import Control, Override
from autoscaler.journal import SqlJournal
from autoscaler.journal.opening import open_on
from autoscaler.lab.sim.chaos import Chaos
from autoscaler.lab.sim.composition import Composition, Ended, Running
from autoscaler.lab.sim.disk import Disk, SimulatedSqlite
from autoscaler.lab.sim.fleet import METRICS, OTHER, PLATFORM, SECRET, Fleet
from autoscaler.lab.sim.foundry import Platform
from autoscaler.lab.sim.hush import logs, quiet
from autoscaler.lab.sim.judge import Judge
from autoscaler.lab.sim.leaning import NOWHERE, Leaning
from autoscaler.lab.sim.loop import VirtualLoop, WorldClock, everything_on
from autoscaler.lab.sim.net import Network
from autoscaler.lab.sim.record import Pause, Record
from autoscaler.lab.sim.scraped import Scraped
from autoscaler.lab.sim.weather import Weather
from autoscaler.lab.sim.witness import Witness
from autoscaler.lab.sim.world import BEGIN, Broken, Crashed, World
from autoscaler.ports import JournalError
from autoscaler.settings import ConfigError, Settings, load

CALM_S = 1800.0
# A group that ticks every two minutes writes 20 of its 150 in each, and three times each: as long
# as somebody is behind, the calm goes on, to an hour and a half.
LONGEST_CALM_S, MORE_CALM_S = 5400.0, 300.0
AGAIN_S = 30.0
RIGHT_S = 60.0
# A page is looked at, and the journal is, so often.
LOOK_S = 600.0
# The deadline of a PUT, of its record, of what a tick that was cut short has learnt, and of a slow
# disk's last commit.
STOP_S = 4.0 + 0.3 + 0.3 + 5.0 + 1.0
DAY_S = 86_400.0
# In a run that watches a month, the journal is to reach its full size early, and a month of ticks
# is to take minutes.
KEEP_S, EVERY_S = 3 * DAY_S, 120.0


@dataclass(slots=True)
class Life:
    """One run of one seed; satisfies `chaos.Acts`."""

    seed: int
    composition: Composition
    folder: Path
    days: float = 0.5
    size: int = 40
    tell: Callable[[str], None] | None = None
    harsh: float = 1.0
    """How much more often everything goes wrong."""
    brief: bool = False
    """End with the first broken invariant."""
    steady: bool = False
    """No kill, no clock, no full disk: one process lives from the beginning to the end."""
    leaning: Leaning = NOWHERE
    world: World = field(init=False)
    network: Network = field(init=False)
    disk: Disk = field(init=False)
    fleet: Fleet = field(init=False)
    record: Record = field(init=False)
    platform: Platform = field(init=False)
    witness: Witness = field(init=False)
    judge: Judge = field(init=False)
    chaos: Chaos = field(init=False)
    running: Running | None = None
    lives: int = 0
    ticks: list[float] = field(default_factory=list)
    _ending: asyncio.Event | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    began_at: float = 0.0
    _over: bool = False

    def __post_init__(self) -> None:
        world = self.world = World(self.seed, self.tell)
        world.brief = self.brief
        self.network = Network(world)
        self.disk = Disk(world, self.folder / "journal.db")
        self.fleet = Fleet.made(world, self.size, self.days, self.harsh, self.leaning.mode)
        if self.steady:
            self.fleet.keep_s = KEEP_S
            self.fleet.intervals = dict.fromkeys(self.fleet.intervals, EVERY_S)
        self.record = Record(world)
        weather = Weather(world)
        self.platform = Platform(world, self.fleet, self.record, weather)
        self.network.services[PLATFORM] = self.platform
        for port, name in ((METRICS, "prom"), (OTHER, "other")):
            scraped = Scraped(world, self.fleet, self.record, weather, name)
            self.network.services[port] = scraped
        self.witness = Witness(world, self.fleet, self.record, self.disk.path)
        judge = self.judge = Judge(self.witness)
        self.record.on_put, self.record.pace = judge.put_left, judge.request_left
        self.record.on_effect = self.witness.took_effect
        self.chaos = Chaos(
            world,
            self.fleet,
            self.platform,
            self.record,
            weather,
            self.network,
            self.disk,
            self,
            self.harsh,
            self.steady,
            self.leaning,
        )
        self._write(self.fleet.settings(self.folder))
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "secret").chmod(0o600)
        self.began_at = world.now
        over_at = world.now + self.days * DAY_S
        world.awake_by = over_at - CALM_S
        world.at(world.awake_by, self.chaos.end)
        world.at(over_at, self._finish)

    # --- a life -----------------------------------------------------------------------------

    def live(self) -> Ended:
        """All of it. Never raises for what the daemon does wrong."""
        began = time.perf_counter()
        clock, dice = WorldClock(self.world), self.world.chance("daemon")
        with everything_on(self.world), logs(self.world), quiet():
            with self.composition.machine(clock, dice, self._journal):
                self.chaos.begin()
                self.world.after(LOOK_S, self._look)
                try:
                    while not self._over and not self._told():
                        self._once()
                    self.witness.journal()
                    if not self._told():
                        for invariant, sentence in self.witness.unsettled(self.record.refused):
                            self.world.found(invariant, sentence)
                except Broken as error:
                    self.world.found("alive", str(error))
                finally:
                    self._bury(None)
                    self.witness.close()
            self.world.forget()
            gc.collect()
        return Ended(
            self.seed,
            (self.world.now - BEGIN) / DAY_S * self.size,
            tuple(self.world.broken),
            self.world.digest,
            self.world.events,
            self.record.puts,
            self.lives,
            time.perf_counter() - began,
            dict(sorted(self.chaos.weather.struck.items())),
        )

    def _told(self) -> bool:
        return self.brief and bool(self.world.broken)

    def _once(self) -> None:
        """From one start of the process to its end."""
        self.lives += 1
        self.witness.lives.since = self.world.now
        self.record.since = self.world.loop_time
        loop = VirtualLoop(self.world, self.network)
        loop.set_exception_handler(lambda _loop, _context: None)
        chance = self.world.chance(f"down/{self.lives}")
        down = chance.choice((0.5, 5.0, 30.0, 100.0, 700.0))
        try:
            self.world.log("start", self.lives)
            loop.run_until_complete(self._daemon())
            self.world.log("ended")
        except Crashed:
            self.world.log("killed")
        except (JournalError, ConfigError, OSError) as error:
            self.world.log("start failed", type(error).__name__, error)
            down = 5.0
        finally:
            self.record.died()
            self._bury(loop)
        if self.world.now < self.world.awake_by:
            self.world.pass_by(down)
            self.witness.journal()
        elif not self._over:
            self.world.pass_by(1.0)

    async def _daemon(self) -> None:
        self._ending = asyncio.Event()
        settings = load(self.folder / "config.yaml", {})
        running = await self.composition.start(settings)
        self.running = running
        self.witness.loaded()
        await self._ending.wait()
        began, busy = self.world.now, self.world.busy
        await running.stop()
        took = self.world.now - began - (self.world.busy - busy) - self.disk.slow_s * 3
        if took > STOP_S:
            self.world.found("stop", f"the daemon took {took:.1f} s to end in order")

    def _bury(self, loop: VirtualLoop | None) -> None:
        """Whatever the process held is let go by the kernel; nothing of it runs on."""
        self.running = self._ending = None
        self.network.die()
        self.disk.die()
        if loop is None:
            return
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - it was killed, not forgotten
            # What its `finally` blocks still do reaches nobody: the disk and the network are gone.
            with contextlib.suppress(BaseException):
                task.get_coro().close()
        self._tasks.clear()
        loop.close()

    async def _journal(self, _settings: Settings, *, lock: bool = True) -> SqlJournal:
        backend = SimulatedSqlite(self.disk)
        journal = await open_on(backend, clock=WorldClock(self.world), lock=lock)
        self.witness.listen(journal)
        return journal

    def _finish(self) -> None:
        late_s = self.world.now - self.world.awake_by
        if late_s < LONGEST_CALM_S and any(self.witness.unsettled(self.record.refused)):
            self.world.after(MORE_CALM_S, self._finish)
            return
        self.world.log("finish")
        self._over = True
        if self._ending is not None:
            self._ending.set()

    def _look(self) -> None:
        self.witness.journal()
        self.world.after(LOOK_S, self._look)

    def _write(self, text: str) -> None:
        (self.folder / "config.yaml").write_text(text)
        self.witness.configured()

    # --- what chaos does to it --------------------------------------------------------------

    def stop(self) -> None:
        """SIGTERM."""
        if self._ending is not None and self.running is not None:
            self.world.log("sigterm")
            self._ending.set()

    def reload(self, text: str | None) -> None:
        """A configuration is written and loaded; a bad one is put right later."""
        self.world.log("reload", "good" if text is None else repr(text))
        if text is None:
            self._write(self.fleet.settings(self.folder))
            self._load()
        elif self.running is not None:
            (self.folder / "config.yaml").write_text(text)
            self._refuse(self.running, text)

    def _load(self) -> None:
        """Until it is loaded, as the life cycle does that has signals and files to watch."""
        running = self.running
        if running is None:
            return

        async def work() -> None:
            if await running.reload():
                self.witness.loaded()
            else:
                self.world.after(AGAIN_S, self._load)

        self._task(work())

    def _refuse(self, running: Running, text: str) -> None:
        async def work() -> None:
            done = await running.reload()
            if done and (self.folder / "config.yaml").read_text() == text:
                self.world.found("bad input", f"{text!r} was taken for a configuration")

        self._task(work())
        # Somebody notices, and puts it right; until then a restart fails.
        self.world.after(RIGHT_S, lambda: self._write(self.fleet.settings(self.folder)))

    def stand(self, scope: str, seconds: float | None, *, brake: bool) -> None:
        """An operator pauses or brakes a scope, by a command beside the daemon."""
        control = Control.BRAKE if brake else Control.PAUSE
        if self.running is None:
            return

        async def work() -> None:
            ends = None if seconds is None else self.world.wall + seconds
            asked = self.world.now
            journal = await self._journal(_ANY, lock=False)
            try:
                word = Override(control, "sre", "why not", ends)
                said = await journal.add_override(scope, word)
            finally:
                await journal.close()
            until = float("inf") if seconds is None else asked + seconds - 1
            end = float("inf") if ends is None else ends
            if said.id not in self.record.ended:  # by somebody who came right after it
                self.record.pauses.append(Pause(scope, self.world.now, until, brake, end, said.id))
                self.record.clock_set()
            self.world.log(control.value, scope, seconds)

        self._task(work())

    def resume(self) -> None:
        """An operator ends every pause; one that has to, as often as it takes."""
        now = self.world.now
        self.record.pauses = [replace(p, until=min(p.until, now)) for p in self.record.pauses]
        if self.chaos.over:
            # The daemon may be down, or end in the middle of it.
            self.world.after(60.0, self.resume)
        if self.running is None:
            return

        async def work() -> None:
            journal = await self._journal(_ANY, lock=False)
            try:
                for one in await journal.standing(self.world.wall):
                    await journal.end_override(one.id, self.world.wall, "sre")
                    self.record.word_ended(one.id)
            finally:
                await journal.close()

        self._task(work())

    def _task(self, work: Any) -> None:
        async def tried() -> None:
            try:
                await work
            except JournalError:
                self.world.log("journal error")

        running = self.running
        assert running is not None  # noqa: S101 - asked for by every caller
        loop = _loop_of(self._ending)
        self._tasks = [task for task in self._tasks if not task.done()]
        loop.call_soon(lambda: self._tasks.append(loop.create_task(tried())))


def _loop_of(event: asyncio.Event | None) -> asyncio.AbstractEventLoop:
    assert event is not None  # noqa: S101 - asked for by every caller
    loop = event._loop  # type: ignore[attr-defined]  # noqa: SLF001 - it is the daemon's
    assert isinstance(loop, asyncio.AbstractEventLoop)  # noqa: S101 - somebody waits on it
    return loop


_ANY: Any = None


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A directory of its own, in memory where the machine has such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
    with tempfile.TemporaryDirectory("sim", dir=memory if memory.is_dir() else None) as place:
        yield Path(place)


def live(seed: int, composition: Composition, **options: Any) -> Ended:
    """Run one seed."""
    with folder() as place:
        return Life(seed, composition, place, **options).live()
