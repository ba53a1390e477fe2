"""Which risk would have met a promise: the last days lived through again, for several risks.

The same forecaster runs over the stored minutes as if they came live, replicas follow its
floor after the cold start, and the cheapest risk that kept overload within the budget is
taken. About 70 us a minute and risk, 5 s for 14 days and all that is tried: `choosing` does it
in slices.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from autoscaler.core.observation import Series
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import CELL_S, History
from autoscaler.forecast.options import Options
from autoscaler.forecast.past import Lived, Score, Sizes, end_of, mean_around, minutes, scored_cells

RISKS = (0.8, 0.9, 0.93, 0.95, 0.965, 0.975, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.999)
# How long less must be wanted before it is released, as the guard `stabilise` would have it.
RELEASE_S = 120.0
# Minutes that are lived through in one go: 2 ms.
SLICE_CELLS = 25


@dataclass(frozen=True, slots=True)
class Choice:
    """The risk to take and what was tried, by rising tau; `met` tells if it kept the budget.

    `rehearsed` is the forecaster that has lived through the history with that risk.
    """

    tau: float
    met: bool
    tried: tuple[Lived, ...]
    rehearsed: Forecaster

    @property
    def lived(self) -> Lived:
        """What the chosen risk would have meant."""
        return next(each for each in self.tried if each.tau == self.tau)


def choose(
    history: History,
    options: Options,
    sizes: Sizes,
    budget: float,
    risks: Sequence[float] = RISKS,
) -> Choice | None:
    """The cheapest of `risks` with at most `budget` (0..1) of the requests in overload.

    None while less than a day can be scored. Raises ValueError for a budget outside 0..1.
    """
    return end_of(choosing(history, options, sizes, budget, risks))


def choosing(
    history: History,
    options: Options,
    sizes: Sizes,
    budget: float,
    risks: Sequence[float] = RISKS,
) -> Generator[None, None, Choice | None]:
    """`choose` in slices of 2 ms: yields after each, returns the choice.

    Less risk never violates more but by chance. The present risk and its neighbour are tried
    first, since a day seldom moves it; else halving finds the cheapest with four replays.
    """
    if not 0 <= budget <= 1:
        raise ValueError(f"budget must be in 0..1, got {budget}")
    ordered = sorted(risks)
    tried: dict[float, tuple[Lived, Forecaster]] = {}
    low, high = 0, len(ordered) - 1
    now = min(range(len(ordered)), key=lambda i: abs(ordered[i] - options.tau), default=0)
    while low <= high:
        middle = _next(low, high, now)
        tau = ordered[middle]
        found = yield from _living(history, replace(options, tau=tau), sizes)
        if found is None:
            return None
        tried[tau] = found
        if found[0].violations <= budget:
            high = middle - 1
        else:
            low = middle + 1
    return _chosen(tried, budget) if tried else None


def _next(low: int, high: int, now: int) -> int:
    """Which of the risks `low`..`high` to try: the present one, its neighbour, the middle."""
    if low <= now <= high:
        return now
    if high == now - 1:
        return high
    return low if low == now + 1 else (low + high) // 2


def _chosen(tried: dict[float, tuple[Lived, Forecaster]], budget: float) -> Choice:
    kept = [tau for tau, (lived, _) in tried.items() if lived.violations <= budget]
    tau = min(kept, default=max(tried))
    lived = tuple(tried[each][0] for each in sorted(tried))
    return Choice(tau, bool(kept), lived, tried[tau][1])


def live(history: History, options: Options, sizes: Sizes) -> Lived | None:
    """Live through the history with one risk; the newer half, at most 7 days, is scored."""
    found = end_of(_living(history, options, sizes))
    return None if found is None else found[0]


def _living(
    history: History, options: Options, sizes: Sizes
) -> Generator[None, None, tuple[Lived, Forecaster] | None]:
    scored = scored_cells(history)
    if scored is None:
        return None
    options = replace(
        options,
        every_s=CELL_S,
        lead_s=max(CELL_S, options.lead_s),
        ceiling_tau=max(options.tau, options.ceiling_tau),
    )
    forecaster, plant = Forecaster(options), _Plant(options.lead_s)
    start, score = history.last - scored, Score(sizes.carries)
    for count, (cell, demand) in enumerate(minutes(history)):
        at = (cell + 1) * CELL_S
        if cell > start and demand is not None:
            mean = mean_around(history, cell, demand)
            score.minute(demand, mean, plant.ready, plant.paid)
        forecaster.observe(at, demand)
        plant.obey(*_wishes(forecaster, at, sizes))
        if count % SLICE_CELLS == SLICE_CELLS - 1:
            yield
    return score.lived(options.tau), forecaster


def _wishes(forecaster: Forecaster, at: float, sizes: Sizes) -> tuple[int, int]:
    name = forecaster.options.name
    signals = forecaster.signals(at)
    floor, keep = signals[name], signals[f"{name}_keep"]
    if not (isinstance(floor, Series) and isinstance(keep, Series)):
        return sizes.replicas(0.0), sizes.replicas(0.0)
    return sizes.replicas(floor.last), sizes.replicas(keep.last)


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
