"""The days that are lived through again: what each minute held, and what is scored of them.

Of a minute only its maximum is stored, and the mean of the five around it: how much of it found
no room is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from autoscaler.forecast.history import BLOCK_S, CELL_S, DAY_CELLS, History

T = TypeVar("T")

LEAST_SCORED_CELLS = DAY_CELLS
MOST_SCORED_CELLS = 7 * DAY_CELLS
LEAST_PART = 20.0 / CELL_S


@dataclass(frozen=True, slots=True)
class Lived:
    """What one risk would have meant: shares 0..1 of the requests, mean replicas, hours scored."""

    tau: float
    violations: float
    replicas: float
    hours: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one replica carries, in requests, and how many there may be.

    `share` of it is what a policy plans with, 0..1.
    """

    carries: float
    least: int = 1
    most: int | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        if not self.carries > 0:
            raise ValueError(f"carries must be above 0, got {self.carries}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")

    def replicas(self, demand: float) -> int:
        """The replicas that carry `demand`, within the limits."""
        count = max(self.least, 1, math.ceil(demand / (self.carries * self.share) - 1e-6))
        return count if self.most is None else min(count, max(1, self.most))


@dataclass(slots=True)
class Score:
    """Adds up minutes: requests, those without room, replicas."""

    carries: float
    work: float = 0.0
    over: float = 0.0
    replicas: float = 0.0
    minutes: int = 0

    def minute(self, most: float, mean: float, ready: int, paid: int) -> None:
        """One more minute: its demand, the replicas that served and those that were paid for."""
        self.work += mean
        self.over += above(most, mean, ready * self.carries)
        self.replicas += paid
        self.minutes += 1

    def lived(self, tau: float) -> Lived:
        """What came of all of them."""
        seen = max(1, self.minutes)
        share = self.over / self.work if self.work else 0.0
        return Lived(tau, share, self.replicas / seen, self.minutes * CELL_S / 3600)


def end_of(work: Generator[None, None, T]) -> T:
    """Do sliced work in one go; what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return cast("T", end.value)


def scored_cells(history: History) -> int | None:
    """How many minutes are scored: the newer half, at most 7 days; None for less than a day."""
    scored = min(MOST_SCORED_CELLS, (history.last - history.first + 1) // 2)
    return None if scored < LEAST_SCORED_CELLS else scored


def minutes(history: History) -> Iterator[tuple[int, float | None]]:
    """Each minute's number and its maximum, oldest first; None where nothing is known."""
    for cell in range(history.first, history.last + 1):
        found = history.most(cell, cell)
        yield cell, None if found < 0 else found


def mean_around(history: History, cell: int, most: float) -> float:
    """The mean of the five minutes around a minute, at most its maximum; that if unknown."""
    block = int(cell * CELL_S // BLOCK_S)
    mean = history.means.mean(block, block)
    return most if mean < 0 else min(mean, most)


def above(most: float, mean: float, room: float) -> float:
    """The requests of a minute that find no room, as a mean over it, from its maximum and mean.

    Demand is taken to lie evenly between mean and maximum, for twenty seconds at least. Held
    against the simulation in steps of 10 s on the tuning traces, that tells 0.75 to 1.7 of what
    really found no room.
    """
    if most <= room:
        return 0.0
    if mean >= room:
        return mean
    part = min(1.0, max(LEAST_PART, (most - room) / (most - mean)))
    return part * (most + room) / 2
