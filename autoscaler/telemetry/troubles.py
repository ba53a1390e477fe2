"""A failing thing is told once, and so is its recovery: sources, the platform's breaker, jobs."""

from __future__ import annotations

import structlog
from structlog.typing import FilteringBoundLogger

from autoscaler.ports import Clock, PlatformWatch, SourceWatch

FAILURES = frozenset({"error", "timeout"})


class Troubles:
    """Says "failing" at the first failure and "works again" at the first success after it."""

    def __init__(self, clock: Clock, log: FilteringBoundLogger | None = None) -> None:
        self._clock = clock
        self._log: FilteringBoundLogger = log or structlog.get_logger("autoscaler.troubles")
        self._open: dict[str, tuple[float, int]] = {}

    def failed(self, thing: str, **facts: object) -> None:
        """It does not work. Only the first failure in a row is written."""
        since, times = self._open.get(thing, (self._clock.monotonic(), 0))
        self._open[thing] = since, times + 1
        if not times:
            self._log.warning("failing", thing=thing, **facts)

    def works(self, thing: str) -> None:
        """It works. Written only when it did not work before, with for how long and how often."""
        if thing in self._open:
            since, times = self._open.pop(thing)
            lasted = round(self._clock.monotonic() - since, 1)
            self._log.info("works again", thing=thing, lasted_s=lasted, failures=times)

    # --- SourceWatch, PlatformWatch, ScheduleWatch --------------------------------------------

    def queried(self, source: str, outcome: str, seconds: float) -> None:  # noqa: ARG002 - protocol
        """A source was asked."""
        if outcome in FAILURES:
            self.failed(f"source {source}", outcome=outcome)
        else:
            self.works(f"source {source}")

    def requested(self, operation: str, status: str, seconds: float) -> None:  # noqa: ARG002 - protocol
        """Each request has its own reason in a decision; a missing token is everybody's."""
        if operation != "token":
            return
        if status == "200":
            self.works("token")
        else:
            self.failed("token", status=status)

    def retried(self, operation: str, cause: str) -> None:
        """Retries are counted, not written."""

    def waited(self, seconds: float) -> None:
        """Waits are counted, not written."""

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """The breaker opened or closed."""
        if breaker_open:
            self.failed("platform", breaker="open", pace=requests_per_second)
        else:
            self.works("platform")

    def skewed(self, seconds: float) -> None:
        """A gauge tells; it comes with every answer."""

    def troubled(self, name: str, trouble: str) -> None:
        """A scheduled run did not go as planned; each such run is news."""
        self._log.warning("schedule", job=name, trouble=trouble)


class EveryPlatformWatch:
    """Several watches of the platform as one."""

    def __init__(self, *watches: PlatformWatch) -> None:
        self._watches = watches

    def requested(self, operation: str, status: str, seconds: float) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.requested(operation, status, seconds)

    def retried(self, operation: str, cause: str) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.retried(operation, cause)

    def waited(self, seconds: float) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.waited(seconds)

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.paced(requests_per_second, breaker_open=breaker_open)

    def skewed(self, seconds: float) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.skewed(seconds)


class EverySourceWatch:
    """Several watches of the sources as one."""

    def __init__(self, *watches: SourceWatch) -> None:
        self._watches = watches

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """Pass on."""
        for watch in self._watches:
            watch.queried(source, outcome, seconds)
