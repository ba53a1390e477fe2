"""Kubernetes' and Knative's autoscalers as their documents and sources describe them.

They see the same load as ours: the offered concurrency, which does not saturate. That is the
kindest reading (KEDA style); on a saturating metric they do clearly worse.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.plant import Actuator, Native
from autoscaler.lab.backtest.simulate import Sight, World
from autoscaler.lab.backtest.spans import DAY_S


def carried(load: float, target: float) -> int:
    """Replicas that carry `load` at `target` of each, free of rounding dust."""
    return math.ceil(load / target - 1e-9)


def exactly(count: int, world: World) -> Envelope:
    """An envelope that leaves the platform no choice."""
    return Envelope(count, count, world.threads)


def hpa_replicas(load: float, target: float, current: int, tolerance: float) -> int:
    """The HPA's answer for an external metric with an AverageValue target.

    `load` and `target` in one unit, `target` per replica. Source: kubernetes/kubernetes,
    pkg/controller/podautoscaler/replica_calculator.go.
    """
    if current > 0 and 1 - tolerance <= load / (target * current) <= 1 + tolerance:
        return current
    return carried(load, target)


@dataclass(slots=True)
class Hpa:
    """The HPA at its defaults: 5 minutes down window, up by 4 or double every 15 s.

    `every_s` is 20 and not the default 15 because the simulation steps by 10 s.
    """

    target: float = 0.7
    tolerance: float = 0.1
    down_window_s: float = 300.0
    every_s: float = 20.0
    _wanted: deque[tuple[int, int]] = field(default_factory=deque)
    _current: int = 1
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Begin at what the last load needs."""
        self._world = world
        self._wanted.clear()
        last = past[-1] if past else 0.0
        self._current = min(max(carried(last, self.target), world.least), world.most)
        return self._current

    def look(self, step: int, sight: Sight) -> Envelope:
        """The stabilised recommendation as floor and ceiling."""
        current, world = self._current, self._world
        raw = hpa_replicas(sight.load[-1], self.target, current, self.tolerance)
        wanted = self._wanted
        wanted.append((step, raw))
        while (step - wanted[0][0]) * STEP_S >= self.down_window_s:
            wanted.popleft()
        stable = raw if raw >= current else min(current, max(count for _, count in wanted))
        fastest = max(current + 4, 2 * current)
        self._current = min(max(min(stable, fastest), world.least), world.most)
        return exactly(self._current, self._world)


@dataclass(slots=True)
class Kpa:
    """Knative's autoscaler: 60 s stable and 10 s panic averages, panic at twice the ready size.

    Real ticks are 2 s and the real panic window is 6 s; both are one step of 10 s here.
    Source: knative/serving, pkg/autoscaler/scaling/autoscaler.go.
    """

    target: float = 0.7
    stable_s: float = 60.0
    panic_threshold: float = 2.0
    max_up: float = 1000.0
    max_down: float = 2.0
    every_s: float = STEP_S
    _panic_since: float | None = None
    _most_in_panic: int = 0
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Begin at what the last minute needs."""
        self._world, self._panic_since, self._most_in_panic = world, None, 0
        last = past[-6:] or [0.0]
        return max(world.least, carried(sum(last) / len(last), self.target))

    def look(self, step: int, sight: Sight) -> Envelope:
        """The stable or the panic size, whichever rules."""
        window = sight.load[-round(self.stable_s / STEP_S) :]
        stable = sum(window) / len(window)
        count = self.decide(step * STEP_S, stable, sight.load[-1], sight.ready[-1])
        count = min(max(count, self._world.least), self._world.most)
        return exactly(count, self._world)

    def decide(self, at: float, stable: float, panic: float, ready: int) -> int:
        """One tick of the published algorithm at `at` seconds, before the limits on the size."""
        ready = max(1, ready)
        up, down = math.ceil(self.max_up * ready), math.floor(ready / self.max_down)
        wish, panic_wish = carried(stable, self.target), carried(panic, self.target)
        settled = min(max(wish, down), up)
        if panic_wish / ready >= self.panic_threshold:
            self._panic_since = at
        elif self._panic_since is not None and at - self._panic_since > self.stable_s:
            self._panic_since, self._most_in_panic = None, 0
        if self._panic_since is None:
            return settled
        urgent = min(max(panic_wish, down), up)
        self._most_in_panic = max(self._most_in_panic, settled, urgent)
        return self._most_in_panic


@dataclass(slots=True)
class Fixed:
    """A size that somebody chose: a share of the past peak, or a number."""

    count: int = 0
    every_s: float = DAY_S
    _world: World = field(default_factory=World)

    def prepare(self, past: Sequence[float], world: World) -> int:
        """The peak of the past when no number was given."""
        self._world = world
        if not self.count:
            self.count = max(world.least, carried(max(past, default=0.0), 1.0))
        return self.count

    def look(self, step: int, sight: Sight) -> Envelope:  # noqa: ARG002 - one signature
        """The same for ever."""
        return exactly(self.count, self._world)


@dataclass(slots=True)
class PlatformAlone:
    """Nobody writes: the platform's own scaler between the smallest and the largest size.

    Under the direct actuator, which knows no scaler of the platform, it is simulated here.
    """

    every_s: float = STEP_S
    _current: int = 1
    _world: World = field(default_factory=World)
    _native: Native = field(default_factory=lambda: Native(NativeScaling()))

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Begin at what the platform would hold at its threshold."""
        self._world, self._native = world, Native(world.native)
        last = past[-1] if past else 0.0
        wanted = carried(last, world.native.up_threshold)
        self._current = min(max(wanted, world.least), world.most)
        return self._current

    def look(self, step: int, sight: Sight) -> Envelope:  # noqa: ARG002 - one signature
        """The whole range, or the platform's own next size."""
        world = self._world
        if world.actuator is not Actuator.DIRECT:
            return Envelope(world.least, world.most, world.threads)
        if sight.ready:
            ready = sight.ready[-1]
            move = self._native.move(min(sight.load[-1], ready), ready)
            self._current = min(max(self._current + move, world.least), world.most)
        return exactly(self._current, world)
