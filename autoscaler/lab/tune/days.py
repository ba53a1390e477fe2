"""A run judged day by day, so that any set of days can be pooled afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from autoscaler.lab.backtest import Measures, PolicySet, World
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.measures import measured
from autoscaler.lab.backtest.oracle import oracle_steps
from autoscaler.lab.backtest.simulate import Run, simulate
from autoscaler.lab.tune.enough import DAILY_DAYS, DAY_S, HOUR_S
from autoscaler.lab.tune.objective import MEASURES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY_STEPS = round(DAY_S / STEP_S)
# An hour to settle in, which is not scored, and a minute of load for the first look.
EARLIEST_STEPS = round((HOUR_S + 60.0) / STEP_S)

# Five measures make the deviation; it is pooled from theirs.
PARTS = ("theta_u", "theta_o", "tau_u", "tau_o", "upsilon")
BY_WORK = frozenset({"violations", "unserved", "late"})
NAMES = tuple(name for name in MEASURES if name != "deviation")


@dataclass(frozen=True, slots=True)
class History:
    """One deployment's demand in replicas of work per step, and where its scored days begin."""

    name: str
    demand: Floats
    starts_at: float | None = None

    @property
    def edges(self) -> list[int]:
        """Steps at which scored days begin, the last one's end included.

        Days end with the history. The first is learnt from and not scored; a history too
        short for a daily pattern is scored from its second hour on.
        """
        size = self.demand.size
        first = DAY_STEPS if size >= DAILY_DAYS * DAY_STEPS else EARLIEST_STEPS
        edges = list(range(size, first - 1, -DAY_STEPS))[::-1]
        # A rest of at least half a day is a day of its own.
        if edges[0] - first >= DAY_STEPS // 2 or len(edges) < 3:  # noqa: PLR2004 - two days
            edges.insert(0, first)
        return edges


@dataclass(frozen=True, slots=True)
class Days:
    """Measures by day (rows) and name (columns), and what each weighs when days are pooled."""

    values: Floats
    weights: Floats

    def pooled(self, measure: str, which: Ints) -> Floats:
        """The measure over each row of days of `which`, days in columns."""
        if measure == "deviation":
            parts = [self.pooled(part, which) ** 5 for part in PARTS]
            return np.asarray(np.sum(parts, axis=0) ** 0.2)
        column = NAMES.index(measure)
        values, weights = self.values[which, column], self.weights[which, column]
        total = weights.sum(axis=-1)
        return np.asarray((values * weights).sum(axis=-1) / np.where(total > 0, total, 1.0))

    def over(self, measure: str, which: Sequence[int] | Ints) -> float:
        """The measure over one set of days."""
        return float(self.pooled(measure, np.asarray(which)[None, :])[0])


def judged(history: History, policy_set: PolicySet, world: World) -> Days:
    """Run a policy set over a whole history, once, and judge each scored day.

    Nobody looks ahead, so the days until any date are as if the run had ended there.
    """
    edges = history.edges
    start = edges[0]
    run = simulate(history.demand.tolist(), start, policy_set.make(), world)
    rows, weights = [], []
    for begin, end in pairwise(edges):
        demand = history.demand[begin:end]
        paid = oracle_steps(demand, world.cold_start_s, world.least, world.most)
        found = measured(demand, _part(run, begin - start, end - start), paid, 0.0)
        rows.append(_row(found, (end - begin) / DAY_STEPS))
        weights.append(_weights(float(demand.sum()), paid, end - begin))
    return Days(np.asarray(rows), np.asarray(weights))


def _part(run: Run, begin: int, end: int) -> Run:
    return Run(
        run.capacity[begin:end],
        run.paid[begin:end],
        run.wish[begin:end],
        run.threads[begin:end],
        run.wait_s[begin:end],
    )


SUMS = frozenset({"replica_hours", "compute_seconds"})


def _row(found: Measures, days: float) -> list[float]:
    """The day's measures; sums as if the day were a whole one."""
    return [float(getattr(found, name)) / (days if name in SUMS else 1.0) for name in NAMES]


def _weights(work: float, paid: int, steps: int) -> list[float]:
    """Shares of requests weigh by work, cost by the oracle's, everything else by time."""
    special = dict.fromkeys(BY_WORK, work) | {"cost_vs_oracle": float(paid)}
    return [special.get(name, float(steps)) for name in NAMES]


def joined(each: Sequence[Days]) -> Days:
    """The days of several deployments as one table."""
    return Days(
        np.concatenate([days.values for days in each]),
        np.concatenate([days.weights for days in each]),
    )
