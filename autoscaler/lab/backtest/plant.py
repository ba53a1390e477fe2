"""The simulated side: replicas that start late, and requests that wait and give up."""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest.demand import STEP_S

EPSILON = 1e-9


class Actuator(StrEnum):
    """How a wish becomes replicas.

    DIRECT: up after the cold start, down at once. ENVELOPE: the platform's own scaler works
    between the floor and the ceiling that were written; EVICT and LINGER say whether a
    lowered ceiling takes replicas away at once or leaves them to the platform's own pace.
    """

    DIRECT = "direct"
    ENVELOPE_EVICT = "envelope_evict"
    ENVELOPE_LINGER = "envelope_linger"


class Replicas:
    """Replicas that serve and replicas that start, in steps of `STEP_S`.

    A start takes `cold_steps` and is paid for from its first second. What is let go was
    starting, the youngest first, before anything that serves.
    """

    __slots__ = ("_cold", "_due", "ready", "starting")

    def __init__(self, ready: int, cold_steps: int) -> None:
        self.ready = ready
        self.starting = 0
        self._cold = cold_steps
        self._due: deque[list[int]] = deque()

    @property
    def count(self) -> int:
        """All that are paid for."""
        return self.ready + self.starting

    def resize(self, count: int, step: int) -> None:
        """Start what is missing, let go of what is too much."""
        more = count - self.ready - self.starting
        if more > 0:
            self._due.append([step + self._cold, more])
            self.starting += more
            return
        less = -more
        while less and self._due:
            youngest = self._due[-1]
            gone = min(less, youngest[1])
            youngest[1] -= gone
            self.starting -= gone
            less -= gone
            if not youngest[1]:
                self._due.pop()
        self.ready -= less

    def arrive(self, step: int) -> None:
        """Put into service what finished starting by `step`."""
        due = self._due
        while due and due[0][0] <= step:
            born = due.popleft()[1]
            self.ready += born
            self.starting -= born


class Native:
    """The platform's own scaler: one replica more or less after a load that lasted.

    Load is running requests over the capacity of the ready replicas, so it never exceeds 1.
    Both timers begin anew after each move. Source: Foundry's documentation of compute modules,
    scaling: +1 after 60 s at a load of at least 0.75, -1 after 1800 s below it.
    """

    __slots__ = ("_down_steps", "_high", "_low", "_threshold", "_up_steps")

    def __init__(self, native: NativeScaling) -> None:
        self._threshold = native.up_threshold
        self._up_steps = round(native.up_delay_s / STEP_S)
        self._down_steps = round(native.down_delay_s / STEP_S)
        self._high = 0
        self._low = 0

    def move(self, running: float, ready: int) -> int:
        """+1, -1 or 0 for this step."""
        if running >= self._threshold * ready:
            self._low = 0
            self._high += 1
            if self._high >= self._up_steps:
                self._high = 0
                return 1
            return 0
        self._high = 0
        self._low += 1
        if self._low >= self._down_steps:
            self._low = 0
            return -1
        return 0


class Queue:
    """Work that waits, oldest first; after `timeout_steps` it gives up. In replica-steps."""

    __slots__ = ("_timeout", "_waiting", "total")

    def __init__(self, timeout_s: float) -> None:
        self._timeout = round(timeout_s / STEP_S)
        self._waiting: deque[tuple[int, float]] = deque()
        self.total = 0.0

    def serve(self, step: int, work: float, capacity: float) -> float:
        """Serve the oldest first; the work that was served in this step."""
        if not self._waiting and work <= capacity:
            return work
        waiting, left = self._waiting, capacity
        waiting.append((step, work))
        while waiting and left > EPSILON:
            since, amount = waiting[0]
            if amount > left:
                waiting[0] = since, amount - left
                left = 0.0
            else:
                waiting.popleft()
                left -= amount
        while waiting and waiting[0][0] <= step - self._timeout:
            waiting.popleft()
        self.total = sum(amount for _, amount in waiting)
        return capacity - left
