"""Proof of life: how late the event loop is, and when each group was last decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.ports import Clock, TickReport

# A group may miss this many intervals, plus a grace for slow answers, before it counts as stuck.
MISSED_INTERVALS = 3
GRACE_S = 30.0
PROBE_S = 0.25


@dataclass(slots=True)
class Watchdog:
    """A listener that remembers the last tick of each group; times are the clock's monotonic."""

    clock: Clock
    intervals: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    loop_lag_s: float = 0.0
    _worst_s: float = 0.0

    def expect(self, group: str, interval_s: float) -> None:
        """From now on this group must tick."""
        self.intervals[group] = interval_s
        self.last.setdefault(group, self.clock.monotonic())

    def forget(self, group: str) -> None:
        """The group left the configuration."""
        self.intervals.pop(group, None)
        self.last.pop(group, None)

    def told(self, report: TickReport) -> None:
        """A group was decided."""
        self.last[report.group] = self.clock.monotonic()

    def stuck(self) -> dict[str, float]:
        """Groups that were not decided for too long, with the seconds since their last tick."""
        now = self.clock.monotonic()
        silent = {group: now - self.last.get(group, now) for group in self.intervals}
        return {
            group: age
            for group, age in silent.items()
            if age > MISSED_INTERVALS * self.intervals[group] + GRACE_S
        }

    async def probe(self) -> None:
        """Measure for ever how much later than asked the event loop wakes up, seconds."""
        while True:
            asked = self.clock.monotonic() + PROBE_S
            await self.clock.sleep(PROBE_S)
            self.loop_lag_s = max(0.0, self.clock.monotonic() - asked)
            self._worst_s = max(self._worst_s, self.loop_lag_s)

    def worst(self) -> float:
        """The worst lag since this was last asked, seconds."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst
