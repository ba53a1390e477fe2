"""A watch that nobody reads, for commands that ask once and leave."""

from __future__ import annotations


class Quiet:
    """PlatformWatch, SourceWatch, ScheduleWatch and NotifyWatch, all silent."""

    def requested(self, operation: str, status: str, seconds: float) -> None:
        """Nobody counts."""

    def retried(self, operation: str, cause: str) -> None:
        """Nobody counts."""

    def waited(self, seconds: float) -> None:
        """Nobody counts."""

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """Nobody counts."""

    def skewed(self, seconds: float) -> None:
        """Nobody counts."""

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """Nobody counts."""

    def notified(self, sink: str, outcome: str) -> None:
        """Nobody counts."""

    def queued(self, sink: str, messages: int) -> None:
        """Nobody counts."""

    def troubled(self, name: str, trouble: str) -> None:
        """Nobody counts."""
