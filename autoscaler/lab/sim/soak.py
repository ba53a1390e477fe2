"""A month of one process in virtual time: what it holds on to, counted once a simulated day."""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.lab.sim.composition import Composition, Ended
from autoscaler.lab.sim.run import DAY_S, Life, folder

# Growth is measured between the medians of the first and of the last third after the warm-up:
# the journal's rows live for three days here, the histories' rings in memory for ten hours.
WARM_DAYS = 5.0
MOST_A_DAY = 0.01
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Counted:
    """What the process holds at one moment; `day` is in simulated days since the beginning."""

    day: float
    memory: int
    """Bytes of the resident set, the simulation included."""
    blocks: int
    """Pieces of memory that Python has given out."""
    files: int
    tasks: int
    journal: int
    """Bytes of the journal's file and of its log."""
    series: int

    @property
    def line(self) -> str:
        """In one line."""
        return (
            f"day {self.day:g}: {self.memory / 1e6:.1f} MB, {self.blocks} blocks, "
            f"{self.files} files, {self.tasks} tasks, journal {self.journal / 1e6:.2f} MB, "
            f"{self.series} series"
        )


COUNTED = ("memory", "blocks", "files", "tasks", "journal", "series")


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it."""

    ended: Ended
    days: tuple[Counted, ...]

    @property
    def growth(self) -> dict[str, float]:
        """By what is counted, its growth a day as a share."""
        return {name: growth(self.days, name) for name in COUNTED}

    @property
    def bounded(self) -> bool:
        """Whether nothing grows by more than a hundredth a day after the warm-up."""
        return max(self.growth.values()) <= MOST_A_DAY


def growth(days: Sequence[Counted], name: str) -> float:
    """From the first to the last third after the warm-up, a day, as a share of the former.

    0 when there are fewer than three counts after it.
    """
    settled = [one for one in days if one.day >= WARM_DAYS]
    third = len(settled) // 3
    if third == 0:
        return 0.0
    first, last = settled[:third], settled[-third:]
    before, after = (
        statistics.median(getattr(one, name) for one in part) for part in (first, last)
    )
    apart = statistics.median(one.day for one in last) - statistics.median(one.day for one in first)
    return float((after - before) / max(before, 1) / apart)


@dataclass(slots=True)
class Soak:
    """One seed whose process is never killed. `every_s` is in simulated seconds."""

    life: Life
    every_s: float = DAY_S
    tell: Callable[[str], None] = lambda _: None
    days: list[Counted] = field(default_factory=list)

    def run(self) -> Soaked:
        """All of it."""
        self._later()
        return Soaked(self.life.live(), tuple(self.days))

    def _later(self) -> None:
        self.life.world.after(self.every_s, self._count)

    def _count(self) -> None:
        self.life.judge.forget(self.life.world.now - DAY_S)
        if self.life.running is not None:
            self.days.append(self._counted())
            self.tell(self.days[-1].line)
        self._later()

    def _counted(self) -> Counted:
        gc.collect()
        life = self.life
        return Counted(
            round((life.world.now - life.began_at) / DAY_S, 3),
            _resident(),
            sys.getallocatedblocks(),
            len(list(Path("/proc/self/fd").iterdir())),
            len(asyncio.all_tasks()),
            sum(one.stat().st_size for one in life.folder.glob("journal.db*")),
            life.composition.series(life.running),
        )


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def soak(
    seed: int,
    composition: Composition,
    *,
    days: float,
    size: int,
    every_s: float = DAY_S,
    tell: Callable[[str], None] = lambda _: None,
) -> Soaked:
    """`size` deployments for `days` simulated days, with sources and a platform that fail."""
    with folder() as place:
        life = Life(seed, composition, place, days=days, size=size, steady=True)
        return Soak(life, every_s, tell).run()
