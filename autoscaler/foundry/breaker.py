"""A circuit breaker: after failures in a row the platform gets a rest, then one probe."""

from __future__ import annotations

from autoscaler.foundry.errors import BreakerOpen
from autoscaler.ports import Clock


class Breaker:
    """Closed, open for a time, then half open: one probe decides. Source: Nygard, Release It!."""

    def __init__(self, failures: int, open_s: float, clock: Clock) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether it is open or half open."""
        return self._open_until is not None

    def opens_in(self) -> float:
        """Seconds until something may be tried; 0 when it may now."""
        if self._open_until is None:
            return 0.0
        return max(0.0, self._open_until - self._clock.monotonic())

    def check(self) -> None:
        """Raise BreakerOpen when nothing would be admitted now."""
        wait = self.opens_in()
        if self._probing or wait > 0:
            raise BreakerOpen(
                f"{self._failures} requests failed in a row; the platform rests", wait
            )

    def admit(self) -> bool:
        """Let one request go ahead; whether it is the probe. Raises BreakerOpen.

        Every admitted request ends in one of `succeeded`, `failed` or `abandoned`.
        """
        self.check()
        self._probing = self.is_open
        return self._probing

    def succeeded(self) -> None:
        """The platform works."""
        self._failures, self._open_until, self._probing = 0, None, False

    def failed(self, *, probe: bool) -> None:
        """One more failure in a row."""
        self._failures += 1
        if probe:
            self._probing = False
        if probe or (self._failures >= self._limit and not self.is_open):
            self._open_until = self._clock.monotonic() + self._open_s

    def abandoned(self, *, probe: bool) -> None:
        """The request was given up and says nothing of the platform."""
        if probe:
            self._probing = False
