"""When each group ticked last, how long it took, and how much was decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autoscaler.core.decision import Kind
from autoscaler.ports import TickReport

TICKS_SHOWN = 60
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Ticked:
    """One tick in numbers. Unix time, seconds."""

    group: str
    at: float
    took_s: float
    lag_s: float
    decisions: int
    changed: int

    def json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "group": self.group,
            "at": self.at,
            "took_s": self.took_s,
            "lag_s": self.lag_s,
            "decisions": self.decisions,
            "changed": self.changed,
        }


@dataclass(slots=True)
class TickLog:
    """A listener that keeps the last ticks of all groups."""

    last: dict[str, Ticked] = field(default_factory=dict)
    recent: deque[Ticked] = field(default_factory=lambda: deque(maxlen=TICKS_SHOWN))
    _minute: deque[tuple[float, int]] = field(default_factory=deque)

    def told(self, report: TickReport) -> None:
        """Note a tick."""
        changed = sum(d.outcome.kind is Kind.APPLIED for d in report.decisions)
        count = len(report.decisions)
        one = Ticked(report.group, report.at, report.took_s, report.lag_s, count, changed)
        self.last[report.group] = one
        self.recent.append(one)
        self._minute.append((report.at, count))
        while self._minute and self._minute[0][0] <= report.at - MINUTE_S:
            self._minute.popleft()

    def per_minute(self, at: float) -> int:
        """Decisions in the minute before `at`, Unix seconds."""
        return sum(count for when, count in list(self._minute) if when > at - MINUTE_S)

    def latest(self) -> Sequence[Ticked]:
        """The last ticks, newest first."""
        return list(self.recent)[::-1]
