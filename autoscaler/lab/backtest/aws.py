"""AWS target tracking and an approximation of its predictive scaling, alone and together.

Documented: 3 high or 15 low one-minute points, scale-in only clearly below the target, a
forecast that never removes capacity, is made every 6 hours from at most 14 days and is in
force 5 minutes before its hour. Not public: the model. Hourly means of the same hour stand in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.core.envelope import Envelope
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.peers import carried, exactly
from autoscaler.lab.backtest.simulate import Sight, World

MINUTE = 6
HOUR = 360
DAY = 24 * HOUR


@dataclass(slots=True)
class TargetTracking:
    """Alarms on one-minute averages that are a minute old.

    Instances that still start count in the size and not in the metric, and block scale-in.
    """

    target: float = 0.7
    high_points: int = 3
    low_points: int = 15
    low_share: float = 0.9
    every_s: float = 60.0
    _points: list[float] = field(default_factory=list)
    _current: int = 1
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Begin at what the last load needs."""
        self._world = world
        self._points = []
        last = past[-1] if past else 0.0
        self._current = max(world.least, carried(last, self.target))
        return self._current

    def look(self, step: int, sight: Sight) -> Envelope:
        """The size after this minute's alarms."""
        self._current = self.resized(step, sight, self._current)
        return exactly(self._current, self._world)

    def resized(self, step: int, sight: Sight, current: int) -> int:
        """`current` moved by the alarms, inside the limits."""
        end = step - MINUTE
        if end - MINUTE < sight.offset:
            return current
        load = sum(sight.load[end - MINUTE : end]) / MINUTE
        ready = sum(sight.ready[end - MINUTE : end]) / MINUTE
        points = self._points
        points.append(load / max(ready, 1.0))
        del points[: -self.low_points]
        if len(points) >= self.high_points and min(points[-self.high_points :]) > self.target:
            current = max(current, carried(points[-1] * ready, self.target))
        elif (
            len(points) == self.low_points
            and max(points) < self.target * self.low_share
            and sight.paid[-1] == sight.ready[-1]
        ):
            current = min(current, carried(points[-1] * ready, self.target))
        return min(max(current, self._world.least), self._world.most)


@dataclass(slots=True)
class Predictive:
    """Hourly means of the same hour of up to 14 days, looked ahead by `buffer_s`.

    With `tracking` it is the documented pair: the larger of both, and only tracking goes down.
    """

    target: float = 0.7
    buffer_s: float = 300.0
    refresh_s: float = 21_600.0
    tracking: TargetTracking | None = None
    every_s: float = 60.0
    _hourly: list[float] = field(default_factory=list)
    _made_at: int = -1
    _current: int = 1
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Learn the hours of the past; begin at the larger of both answers."""
        self._world = world
        self._refresh(len(past), past)
        first = self._floor(len(past))
        if self.tracking is not None:
            first = max(first, self.tracking.prepare(past, world))
        self._current = min(max(first, world.least), world.most)
        return self._current

    def look(self, step: int, sight: Sight) -> Envelope:
        """The larger of the forecast and of what tracking makes of the present size."""
        if (step - self._made_at) * STEP_S >= self.refresh_s:
            self._refresh(step, sight.load)
        floor = self._floor(step)
        if self.tracking is not None:
            floor = max(floor, self.tracking.resized(step, sight, self._current))
        self._current = min(max(floor, self._world.least), self._world.most)
        return exactly(self._current, self._world)

    def _refresh(self, step: int, load: Sequence[float]) -> None:
        """Means by hour of the day, over the whole days that are known."""
        self._made_at = step
        sums, counts = [0.0] * 24, [0] * 24
        hour = max(0, (step - 14 * DAY) // HOUR + 1)
        while (hour + 1) * HOUR <= step:
            sums[hour % 24] += sum(load[hour * HOUR : (hour + 1) * HOUR]) / HOUR
            counts[hour % 24] += 1
            hour += 1
        self._hourly = [s / c if c else 0.0 for s, c in zip(sums, counts, strict=True)]

    def _floor(self, step: int) -> int:
        ahead = round(self.buffer_s / STEP_S)
        now, soon = self._hourly[step // HOUR % 24], self._hourly[(step + ahead) // HOUR % 24]
        return carried(max(now, soon), self.target)


def with_tracking(target: float) -> Predictive:
    """Target tracking and predictive scaling at the same target."""
    return Predictive(target=target, tracking=TargetTracking(target=target))
