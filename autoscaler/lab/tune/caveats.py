"""What a recommendation would not promise, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from autoscaler.lab.backtest import World
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.tune.days import Days, Floats, History
from autoscaler.lab.tune.enough import Span
from autoscaler.lab.tune.folds import Figure
from autoscaler.lab.tune.objective import Objective, shown

# A flash crowd: twice the last half hour's most, and two replicas more, before one could start.
BEFORE_S = 1800.0
FACTOR = 2.0
REPLICAS = 2.0
APART_S = 3600.0
# Fewer unseen days than a week hold no weekend, or nothing else.
FEW_DAYS = 7
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Caveat:
    """One thing that is not promised. `code` is for scripts, `sentence` for people."""

    code: str
    sentence: str


def flash_crowds(demand: Floats, cold_start_s: float) -> list[int]:
    """Steps at which demand rose faster than any scaler could follow, an hour apart at least."""
    before, ahead = round(BEFORE_S / STEP_S), max(1, math.ceil(cold_start_s / STEP_S))
    if demand.size <= before + ahead:
        return []
    windows = np.lib.stride_tricks.sliding_window_view
    past = windows(demand, before).max(axis=1)[:-ahead]
    soon = windows(demand[before:], ahead).max(axis=1)
    burst = np.flatnonzero((soon > FACTOR * past) & (soon > past + REPLICAS)) + before
    found: list[int] = []
    for step in burst.tolist():
        if not found or step - found[-1] >= APART_S / STEP_S:
            found.append(step)
    return found


def of_history(history: History, span: Span, world: World) -> list[Caveat]:
    """What the history itself does not allow to promise."""
    found = []
    if not span.weekly:
        found.append(
            Caveat(
                "no_weeks",
                f"{history.name}: {span.days:.1f} days are too few for weekly patterns: weekends "
                "and Mondays are judged once at most (14 days are needed)",
            )
        )
    crowds = flash_crowds(history.demand, world.cold_start_s)
    if crowds:
        when = ", ".join(_when(history, step) for step in crowds[-MOST_NAMED:])
        found.append(
            Caveat(
                "flash_crowds",
                f"{history.name}: {len(crowds)} flash crowd(s) doubled the load within a cold "
                f"start, lately {when}: nothing that reacts is in time for the next one",
            )
        )
    return found + _above(history, world)


def _above(history: History, world: World) -> list[Caveat]:
    over = np.maximum(history.demand - world.most, 0.0)
    work = float(history.demand.sum())
    if not over.any() or work <= 0:
        return []
    time, share = float((over > 0).mean()), float(over.sum()) / work
    return [
        Caveat(
            "above_limits",
            f"{history.name}: {shown('violations', share)} of the work in "
            f"{shown('violations', time)} of the time needs more than the {world.most} replicas "
            "that the limits allow: no setting serves it",
        )
    ]


def _when(history: History, step: int) -> str:
    seconds = step * STEP_S
    if history.starts_at is None:
        return f"on day {seconds / 86_400:.1f}"
    return f"{datetime.fromtimestamp(history.starts_at + seconds, UTC):%Y-%m-%d %H:%M} UTC"


def of_figures(goal: Objective, unseen: Figure, days: int) -> list[Caveat]:
    """What the figures on unseen days do not allow to promise."""
    value, low, high = (shown(goal.measure, x) for x in (unseen.value, unseen.low, unseen.high))
    found = []
    if unseen.value > goal.limit:
        found.append(
            Caveat(
                "not_kept",
                f"on unseen days {goal.measure} was {value}: the objective was kept on the days "
                "it was chosen on and not on those after them",
            )
        )
    elif unseen.high > goal.limit:
        found.append(
            Caveat(
                "interval_includes_violation",
                f"{goal.measure} on unseen days was {value}, but its interval {low} to {high} "
                "includes a violation of the objective",
            )
        )
    if days < FEW_DAYS:
        found.append(
            Caveat(
                "few_days",
                f"only {days} day(s) were left to judge on: the intervals are rough below "
                f"{FEW_DAYS}",
            )
        )
    return found


def of_deployments(goal: Objective, names: Sequence[str], days: Sequence[Days]) -> list[Caveat]:
    """Deployments for which the common setting does not keep the objective."""
    if len(names) < 2:  # noqa: PLR2004 - one is the whole
        return []
    found = []
    for name, own in zip(names, days, strict=True):
        value = own.over(goal.measure, range(own.values.shape[0]))
        if value > goal.limit:
            found.append(
                Caveat(
                    "deployment_not_kept",
                    f"{name} alone has {goal.measure} {shown(goal.measure, value)}: it needs a "
                    "setting of its own",
                )
            )
    return found
