"""The worst moments of a run: when work found no room, how much, and what was decided then."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoscaler.lab.backtest.plant import EPSILON
from autoscaler.lab.report.watch import Floats, Ints, Told, Track

STEP_S = 10.0

# Shortages that are less than five minutes apart are one moment to whoever was on call.
APART_STEPS = 30
BEFORE_S = 1200.0
AFTER_S = 900.0
MOST_DECISIONS = 12
MOST_POINTS = 200
NUMBER = re.compile(r"[0-9.]+")


@dataclass(frozen=True, slots=True)
class Moment:
    """One spell without room. Steps count from the beginning of the scored part.

    `lost` is replica-seconds of work above what served; `short` the most replicas missing.
    """

    start: int
    end: int
    lost: float
    short: float

    @property
    def lasted_s(self) -> float:
        """From the first to the last step without room, seconds."""
        return (self.end - self.start) * STEP_S


def worst_moments(load: Floats, ready: Ints, most: int = 5) -> list[Moment]:
    """The spells that lost the most work, the worst first. `load` and `ready` in replicas."""
    lacking = np.maximum(load - ready, 0.0)
    steps = np.flatnonzero(lacking > EPSILON)
    if not steps.size:
        return []
    breaks = np.flatnonzero(np.diff(steps) > APART_STEPS) + 1
    moments = [_moment(part, lacking) for part in np.split(steps, breaks)]
    return sorted(moments, key=lambda each: (-each.lost, each.start))[:most]


def _moment(steps: NDArray[np.int64], lacking: Floats) -> Moment:
    start, end = int(steps[0]), int(steps[-1]) + 1
    part = lacking[start:end]
    return Moment(start, end, float(part.sum()) * STEP_S, float(part.max()))


def window_of(moment: Moment, size: int) -> tuple[int, int]:
    """The steps around a moment that are worth a look."""
    start = max(0, moment.start - round(BEFORE_S / STEP_S))
    return start, min(size, moment.end + round(AFTER_S / STEP_S))


def decisions_around(track: Track, moment: Moment, offset: int) -> list[Told]:
    """What was decided in the moment's window: the changes, and what was said in between.

    `offset` is the step of the run at which the scored part begins. A decision that changed
    nothing is left out when it says the same as the one before it, apart from its numbers.
    """
    first = offset + moment.start - round(BEFORE_S / STEP_S)
    last = offset + moment.end + round(AFTER_S / 3 / STEP_S)
    near = [each for each in track.decisions if first <= each.step <= last]
    kept = [each for before, each in zip([None, *near], near, strict=False) if _new(each, before)]
    return _spread(kept, MOST_DECISIONS)


def _new(told: Told, before: Told | None) -> bool:
    return before is None or told.before != told.after or _words(told) != _words(before)


def _words(told: Told) -> tuple[str, ...]:
    return tuple(NUMBER.sub("#", line) for line in told.lines)


def _spread(told: list[Told], most: int) -> list[Told]:
    """At most `most` of them, evenly chosen, the first always among them."""
    if len(told) <= most:
        return told
    return [told[index * len(told) // most] for index in range(most)]
