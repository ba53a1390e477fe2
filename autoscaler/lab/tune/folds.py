"""Walk-forward: choose on the days before, judge on the next days, and say how sure that is.

Days and not steps are drawn again, for what happens within a day belongs together (the block
bootstrap of Kuensch, Annals of Statistics 17, 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.lab.tune.days import Days, Ints, joined
from autoscaler.lab.tune.objective import Objective

MOST_FOLDS = 5
DRAWS = 1000
INTERVAL = (0.05, 0.95)
# A setting counts as keeping an objective when four of five resampled pasts say so.
SURE = 0.8


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fold:
    """Days to choose on and days to judge on, as positions among the scored days."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def folds_of(days: int) -> list[Fold]:
    """At most five folds; each judges as many days, and chooses on all that came before.

    With 13 scored days: 3 to choose on, then 5 times 2 to judge on. Raises ValueError below 2.
    """
    if days < 2:  # noqa: PLR2004 - one to choose on and one to judge on
        raise ValueError(f"walking forward takes at least 2 days, got {days}")
    count = min(MOST_FOLDS, days - 1)
    size = max(1, (days - 1) // count)
    first = days - count * size
    return [
        Fold(tuple(range(start)), tuple(range(start, start + size)))
        for start in range(first, days, size)
    ]


@dataclass(frozen=True, slots=True)
class Table:
    """Every deployment's days of one setting, the same number of each."""

    each: tuple[Days, ...]

    @property
    def days(self) -> int:
        """Days of every deployment."""
        return min(int(days.values.shape[0]) for days in self.each)

    def part(self, which: Sequence[int]) -> Days:
        """These days of all deployments, counted among the last ones that all have."""
        parts = []
        for days in self.each:
            rows = np.asarray(which) + days.values.shape[0] - self.days
            parts.append(Days(days.values[rows], days.weights[rows]))
        return joined(parts)


def picks(days: int, seed: int = 1) -> Ints:
    """Which days each resampling draws; the same every time."""
    return np.random.default_rng(seed).integers(0, days, size=(DRAWS, days))


def figure(days: Days, measure: str) -> Figure:
    """A measure over days, with the interval of its resamplings."""
    size = days.values.shape[0]
    drawn = days.pooled(measure, picks(size))
    low, high = (float(edge) for edge in np.quantile(drawn, INTERVAL))
    # Interpolation between equal numbers may be off by the last digit, in either direction.
    return Figure(days.over(measure, range(size)), low, max(low, high))


def chosen(tables: Sequence[Table], which: Sequence[int], goal: Objective, least: str) -> int:
    """The cheapest of those that keep the objective on these days, the first among equals.

    If none keeps it surely, the cheapest that keeps it at all; if none does, the nearest.
    """
    parts = [table.part(which) for table in tables]
    size = parts[0].values.shape[0]
    rows = picks(size)
    met = [part.over(goal.measure, range(size)) for part in parts]
    cost = [part.over(least, range(size)) for part in parts]
    sure = [float(np.quantile(part.pooled(goal.measure, rows), SURE)) for part in parts]
    for bound in (sure, met):
        keeping = [i for i, value in enumerate(bound) if value <= goal.limit]
        if keeping:
            return min(keeping, key=lambda i: (cost[i], i))
    return min(range(len(parts)), key=lambda i: (met[i], cost[i], i))


@dataclass(frozen=True, slots=True)
class Walk:
    """What choosing in this way would have brought: the setting of every fold, and its days."""

    folds: tuple[Fold, ...]
    choices: tuple[int, ...]
    unseen: Days

    def figure(self, measure: str) -> Figure:
        """A measure over all the days that were not chosen on."""
        return figure(self.unseen, measure)


def walk(tables: Sequence[Table], goal: Objective, least: str) -> Walk:
    """Walk forward over the days that all settings were judged on."""
    folds = folds_of(tables[0].days)
    choices = [chosen(tables, fold.before, goal, least) for fold in folds]
    parts = [tables[i].part(fold.after) for i, fold in zip(choices, folds, strict=True)]
    return Walk(tuple(folds), tuple(choices), joined(parts))
