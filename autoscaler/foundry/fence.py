"""A PUT leaves in time or not at all, also when the process slept on its way.

A process can be stopped between any two instructions (SIGSTOP, a suspended machine, a starved
CPU), also between the last check and the first byte. No check of its own closes that gap, so a
timer outside of it is set before the last word is asked, and ends the process before it runs one
more instruction past the deadline. The timers are made in `wiring/kernel_timer.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from autoscaler.ports import Clock

# A healthy loop gives a PUT up at its deadline by itself. The kernel waits so much longer, that a
# loop that is merely late is not killed: it is the worst lag, not the usual one of milliseconds.
GRACE_S = 1.0


class Timer(Protocol):
    """Ends the process at a moment, unless it is told another one before."""

    kind: str
    """For people: what it counts on."""

    def set(self, at: float) -> None:
        """End the process at `at`, seconds of the boot clock; at once when that is past."""
        ...

    def clear(self) -> None:
        """Do not end it."""
        ...


class NoTimer:
    """Where no kernel helps, or none is asked to."""

    kind = "none"

    def set(self, at: float) -> None:
        """Nothing is set."""

    def clear(self) -> None:
        """Nothing was set."""


class Fence:
    """Keeps the timer at the earliest deadline of all PUTs on their way.

    `lease_until` is when somebody else may own what this process writes to: the end of its lease,
    seconds of the boot clock. A daemon that is alone has none. It counts while a PUT is on its
    way, and shortens its deadline.
    """

    def __init__(self, timer: Timer | None = None) -> None:
        self.lease_until = math.inf
        self._timer = timer or NoTimer()
        self._armed: dict[object, float] = {}

    @property
    def kind(self) -> str:
        """What the timer counts on, for people."""
        return self._timer.kind

    @contextmanager
    def departure(self, clock: Clock, deadline_s: float) -> Iterator[Departure]:
        """Set up for one PUT, which has `deadline_s` from now on, the last word included."""
        by = min(clock.monotonic() + deadline_s, self.lease_until - GRACE_S)
        leaving = Departure(clock, by, self._left)
        self._armed[leaving] = by + GRACE_S
        self._set()
        try:
            yield leaving
        finally:
            self._left(leaving)

    def _left(self, leaving: object) -> None:
        if self._armed.pop(leaving, None) is not None:
            self._set()

    def _set(self) -> None:
        if self._armed:
            self._timer.set(min(self._armed.values()))
        else:
            self._timer.clear()


class Departure:
    """One PUT between the last word and its last byte."""

    def __init__(self, clock: Clock, by: float, left: Callable[[object], None]) -> None:
        self.late = False
        """Whether it was kept back because its time was over."""
        self._clock = clock
        self._by = by
        self._left = left

    def left_s(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self._by - self._clock.monotonic())

    def may_leave(self) -> bool:
        """Asked right before the first byte, after all connecting."""
        self.late = self._clock.monotonic() >= self._by
        return not self.late

    def has_left(self) -> None:
        """Every byte is with the kernel: nothing that happens from now on sends another one."""
        self._left(self)


UNFENCED = Fence()
"""Deadlines are kept by the process itself, and by nobody else."""
