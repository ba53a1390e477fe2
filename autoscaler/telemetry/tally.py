"""What became of requests and queries, in numbers for the page: since start, no history."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from dataclasses import dataclass, field

from autoscaler.ports import Clock

ANSWERED = frozenset({"success", "empty", "stale", "partial"})
SPEEDS = 64


class PlatformTally:
    """A PlatformWatch that counts."""

    def __init__(self, clock: Clock, pace: float) -> None:
        self._clock = clock
        self.requests: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.waited_s = 0.0
        self.pace = pace
        self.breaker_open = False
        self.last_ok_at: float | None = None
        self.last_error: str | None = None
        self.last_error_at: float | None = None
        self.skew_s: float | None = None

    def requested(self, operation: str, status: str, seconds: float) -> None:  # noqa: ARG002 - protocol
        """A request ended; everything but 2xx is an error."""
        self.requests[f"{operation} {status}"] += 1
        if status.startswith("2"):
            self.last_ok_at = self._clock.now()
        else:
            self.last_error, self.last_error_at = f"{operation} {status}", self._clock.now()

    def retried(self, operation: str, cause: str) -> None:
        """A request was asked again."""
        self.retries[f"{operation} {cause}"] += 1

    def waited(self, seconds: float) -> None:
        """A request waited for the pace."""
        self.waited_s += seconds

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """The pace or the breaker changed."""
        self.pace, self.breaker_open = requests_per_second, breaker_open

    def skewed(self, seconds: float) -> None:
        """The platform's clock was compared with ours."""
        self.skew_s = seconds


@dataclass(slots=True)
class SourceCount:
    """One source since start. Times are Unix seconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    up: bool | None = None
    last_ok_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None
    speeds: deque[float] = field(default_factory=lambda: deque(maxlen=SPEEDS))

    @property
    def p50_s(self) -> float | None:
        """The median of the last queries' durations."""
        # A copy: the page's thread reads while the loop writes.
        speeds = list(self.speeds)
        return statistics.median(speeds) if speeds else None


class SourceTally:
    """A SourceWatch that counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sources: dict[str, SourceCount] = {}

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """A query ended."""
        one = self.sources.setdefault(source, SourceCount())
        one.outcomes[outcome] += 1
        one.speeds.append(seconds)
        one.up = outcome in ANSWERED
        if one.up:
            one.last_ok_at = self._clock.now()
        else:
            one.last_error, one.last_error_at = outcome, self._clock.now()
