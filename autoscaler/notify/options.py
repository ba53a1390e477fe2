"""What wiring hands in: where a sink is, and what it wants to hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from autoscaler.notify.formats import Format
from autoscaler.notify.news import SEVERITIES, News, Severity, State, Topic

Read = Callable[[], str]
"""Reads a secret anew: files are rotated under a running daemon. Raises ValueError."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a sink wants to hear; empty means everything. Groups and deployments are patterns."""

    topics: frozenset[Topic] = frozenset()
    severity: Severity = Severity.INFO
    groups: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()

    def takes(self, news: News) -> bool:
        """Whether the sink wants it. What concerns no deployment passes those two filters."""
        if news.severity < self.severity and not self._ends(news):
            return False
        if self.topics and news.topic not in self.topics:
            return False
        return _among(news.group, self.groups) and _among(news.deployment, self.deployments)

    def _ends(self, news: News) -> bool:
        """That a condition is over goes to whoever heard that it began."""
        return news.state is State.RESOLVED and SEVERITIES[news.topic] >= self.severity


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return not (name and patterns) or any(fnmatchcase(name, each) for each in patterns)


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """One receiver. Durations in seconds."""

    name: str
    format: Format
    url: Read
    secret: Read | None = None
    token: Read | None = None
    wants: Filter = Filter()
    wait_s: float = 10.0
    interval_s: float = 300.0
    timeout_s: float = 10.0
    allow_private: bool = True
    ca_file: str = ""
    page: str | None = None
