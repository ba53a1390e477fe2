"""A set of equal replicas: those that are ready, those that start, those that broke down."""

from __future__ import annotations


class ReplicaSet:
    """Replicas of one configuration. Times are seconds; nothing here knows a clock.

    `threads` is what one replica works on at once, `rate` its compute-seconds per second
    (None: unknown). Starting and broken replicas hold the seconds until they are ready.
    """

    __slots__ = ("broken", "rate", "ready", "starting", "threads")

    def __init__(self, threads: int, rate: float | None, ready: int = 0) -> None:
        self.threads = threads
        self.rate = rate
        self.ready = ready
        self.starting: list[float] = []
        self.broken: list[float] = []

    @property
    def total(self) -> int:
        """All replicas; each of them is metered."""
        return self.ready + len(self.starting) + len(self.broken)

    @property
    def capacity(self) -> int:
        """Requests that the ready replicas work on at once."""
        return self.ready * self.threads

    def grow(self, count: int, cold_start_s: float) -> None:
        """Start `count` more replicas."""
        self.starting.extend([cold_start_s] * count)
        if cold_start_s <= 0:
            self.advance(0.0)

    def shrink(self, count: int) -> int:
        """Take `count` replicas away, useless ones first; tell how many ready ones went."""
        for waiting in (self.broken, self.starting):
            gone = min(count, len(waiting))
            if gone:
                waiting.sort()
                del waiting[len(waiting) - gone :]
                count -= gone
        gone = min(count, self.ready)
        self.ready -= gone
        return gone

    def lose(self, count: int, recovery_s: float) -> int:
        """Break `count` ready replicas; each is back after `recovery_s`. Tell how many broke."""
        gone = min(count, self.ready)
        self.ready -= gone
        self.broken.extend([recovery_s] * gone)
        return gone

    def advance(self, dt_s: float) -> None:
        """Let `dt_s` seconds pass."""
        if self.starting:
            self.starting = self._older(self.starting, dt_s)
        if self.broken:
            self.broken = self._older(self.broken, dt_s)

    def _older(self, waiting: list[float], dt_s: float) -> list[float]:
        left = [seconds - dt_s for seconds in waiting if seconds - dt_s > _DUST_S]
        self.ready += len(waiting) - len(left)
        return left


_DUST_S = 1e-6  # sums of small steps miss a round number by about this
