"""Which risk would have met a promise: the last days lived through again, for several risks.

The same forecaster runs over the stored minutes as if they came live, replicas follow its
floor after the cold start, and the cheapest risk that kept overload within the budget is
taken. Minutes are stored by their maximum, so this errs to the safe side. About 60 us a minute
and risk: 1 s for 14 days; not for the event loop.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autoscaler.core.observation import Series
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import CELL_S, DAY_CELLS, History
from autoscaler.forecast.options import Options

RISKS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
# How long less must be wanted before it is released, as the guard `stabilise` would have it.
RELEASE_S = 120.0
LEAST_SCORED_CELLS = DAY_CELLS


@dataclass(frozen=True, slots=True)
class Lived:
    """What one risk would have meant: shares 0..1 of the requests, mean replicas, hours scored."""

    tau: float
    violations: float
    replicas: float
    hours: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The risk to take and what was tried, the least risky last; `met` tells if any kept it."""

    tau: float
    met: bool
    tried: tuple[Lived, ...]


def choose(
    history: History,
    options: Options,
    threads: int,
    budget: float,
    risks: Sequence[float] = RISKS,
) -> Choice | None:
    """The cheapest of `risks` with at most `budget` (0..1) of the requests in overload.

    `threads` is what one replica works on at once. None while less than a day can be scored.
    Raises ValueError for a budget outside 0..1 or threads below 1.
    """
    if not 0 <= budget <= 1:
        raise ValueError(f"budget must be in 0..1, got {budget}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    tried: list[Lived] = []
    for tau in sorted(risks):
        lived = live(history, replace(options, tau=tau), threads)
        if lived is None:
            return None
        tried.append(lived)
        if lived.violations <= budget:
            return Choice(tau, met=True, tried=tuple(tried))
    return Choice(tried[-1].tau, met=False, tried=tuple(tried)) if tried else None


def live(history: History, options: Options, threads: int) -> Lived | None:
    """Live through the history with one risk; the newer half, at most 7 days, is scored."""
    cells = history.last - history.first + 1
    scored = min(7 * DAY_CELLS, cells // 2)
    if scored < LEAST_SCORED_CELLS:
        return None
    options = replace(options, every_s=CELL_S, lead_s=max(CELL_S, options.lead_s))
    forecaster, plant = Forecaster(options), _Plant(options.lead_s)
    start = history.last - scored
    work = over = replicas = hours = 0.0
    for cell, demand in _minutes(history):
        at = (cell + 1) * CELL_S
        ready = plant.ready
        if cell > start and demand is not None:
            work += demand
            over += demand if demand > ready * threads else 0.0
            replicas += plant.paid
            hours += CELL_S / 3600
        forecaster.observe(at, demand)
        plant.obey(*_wishes(forecaster, at, threads))
    seen = max(1.0, hours * 3600 / CELL_S)
    return Lived(options.tau, over / work if work else 0.0, replicas / seen, hours)


def _minutes(history: History) -> Iterator[tuple[int, float | None]]:
    for cell in range(history.first, history.last + 1):
        found = history.most(cell, cell)
        yield cell, None if found < 0 else found


def _wishes(forecaster: Forecaster, at: float, threads: int) -> tuple[int, int]:
    name = forecaster.options.name
    signals = forecaster.signals(at)
    floor, keep = signals[name], signals[f"{name}_keep"]
    if not (isinstance(floor, Series) and isinstance(keep, Series)):
        return 1, 1
    return _replicas(floor.last, threads), _replicas(keep.last, threads)


def _replicas(demand: float, threads: int) -> int:
    return max(1, math.ceil(demand / threads - 1e-6))


class _Plant:
    """Replicas that serve a cold start after they were ordered and go at once."""

    def __init__(self, lead_s: float) -> None:
        self._orders: deque[int] = deque([1], maxlen=math.ceil(lead_s / CELL_S) + 1)
        self._wanted: deque[int] = deque([1], maxlen=round(RELEASE_S / CELL_S))
        self.paid = 1

    @property
    def ready(self) -> int:
        """What has been ordered for as long as a start takes."""
        return min(self._orders)

    def obey(self, floor: int, keep: int) -> None:
        """Raise to the floor at once, lower to the most that was wanted of late."""
        wanted = max(floor, min(self.paid, keep))
        self._wanted.append(wanted)
        self.paid = wanted if wanted > self.paid else min(self.paid, max(self._wanted))
        self._orders.append(self.paid)
