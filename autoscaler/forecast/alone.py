"""What the platform's own scaler alone would have made of the recent days: something to be held to.

It moves one replica at a time, up after a minute of load and down after half an hour without,
between the limits (`NativeScaling`). Of a minute its maximum is stored and the mean of the
five around it, so a minute counts as loaded when its mean is: that comes near to what the
laboratory's platform does in steps of ten seconds, see docs/measures.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass

from autoscaler.core.observation import NativeScaling
from autoscaler.forecast.history import CELL_S, History
from autoscaler.forecast.past import Score, Sizes, mean_around, minutes, scored_cells

SLICE_CELLS = 500
# One request in 2,000: who had less than that alone is not held to nothing at any cost.
LEAST_SLO = 0.0005


@dataclass(frozen=True, slots=True)
class LivedAlone:
    """The share of requests without room, 0..1, and the mean of the replicas."""

    violations: float
    replicas: float

    def slo(self, share: float) -> float:
        """What `share` of it asks for, 0..1; never less than one request in 2,000."""
        return max(LEAST_SLO, share * self.violations)


@dataclass(frozen=True, slots=True)
class Budget:
    """The share of requests that may find no room, 0..1, and where it was taken from."""

    slo: float
    alone: LivedAlone | None = None


def budgeting(
    history: History, lead_s: float, sizes: Sizes, native: NativeScaling, slo: float, share: float
) -> Generator[None, None, Budget | None]:
    """What a risk is to keep: `slo`, or with a `share` above 0 so much of the platform alone's.

    Yields now and then. None while less than a day can be scored.
    """
    if not share:
        return Budget(slo)
    alone = yield from living_alone(history, lead_s, sizes, native)
    return None if alone is None else Budget(alone.slo(share), alone)


def living_alone(
    history: History, lead_s: float, sizes: Sizes, native: NativeScaling
) -> Generator[None, None, LivedAlone | None]:
    """Live through the days that `choosing` scores, without us; yields now and then.

    `lead_s` is the start-up time, seconds. None while less than a day can be scored.
    """
    scored = scored_cells(history)
    if scored is None:
        return None
    platform, score = _Platform(sizes, lead_s, native), Score(sizes.carries)
    start = history.last - scored
    for count, (cell, most) in enumerate(minutes(history)):
        if most is not None:
            mean = mean_around(history, cell, most)
            if cell > start:
                score.minute(most, mean, platform.ready, platform.paid)
            platform.live(most, mean)
        if count % SLICE_CELLS == SLICE_CELLS - 1:
            yield
    found = score.lived(0.0)
    return LivedAlone(found.violations, found.replicas)


class _Platform:
    """Replicas that serve a cold start after they were added, one in a minute at most."""

    def __init__(self, sizes: Sizes, lead_s: float, native: NativeScaling) -> None:
        self._sizes, self._native = sizes, native
        self._cold = math.ceil(lead_s / CELL_S)
        self._due: deque[int] = deque()
        self._minute = 0
        self._high = self._low = 0.0
        self.paid = self.ready = max(1, sizes.least)

    def live(self, most: float, mean: float) -> None:
        """One more minute has passed."""
        self._minute += 1
        while self._due and self._due[0] <= self._minute:
            self._due.popleft()
            self.ready += 1
        busy = self._native.up_threshold * self.ready * self._sizes.carries
        if mean >= busy:
            self._low = 0.0
            self._high += CELL_S
            if self._high >= self._native.up_delay_s:
                self._high = 0.0
                self._add()
            return
        self._high = 0.0
        self._low = 0.0 if most >= busy else self._low + CELL_S
        if self._low >= self._native.down_delay_s:
            self._low = 0.0
            self._remove()

    def _add(self) -> None:
        if self._sizes.most is None or self.paid < self._sizes.most:
            self.paid += 1
            self._due.append(self._minute + self._cold)

    def _remove(self) -> None:
        if self.paid <= max(1, self._sizes.least):
            return
        self.paid -= 1
        if self._due:
            self._due.pop()
        else:
            self.ready -= 1
