"""Which samples are believed: an outage is not an absence of load, and nor is a retry storm.

A sudden fall to almost nothing is more often a broken path than an end of demand, and what
follows it is a crowd of retries. Netflix' Scryer therefore does not scale in on it; here such a
fall is held for a while, unless the same has been seen before at this hour or lately.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoscaler.forecast.history import CELL_S, DAY_CELLS, LARGEST, History

# Almost nothing is less than this share of the level of the last minutes ...
ALMOST_NOTHING = 0.05
# ... and it is a surprise if demand never was below this share of it in the last hours.
SURPRISE_SHARE = 0.25
MEMORY_CELLS = 360
# "At this hour" is from 5 minutes before to 20 after: a fall that was held left no trace at first.
BEFORE_CELLS = 5
AFTER_CELLS = 20


@dataclass(slots=True)
class Intake:
    """Decides about each sample. `hold_s` is how long a surprising fall is not believed."""

    hold_s: float = 600.0
    fell_at: float | None = None

    def believes(self, at: float, value: float | None, level: float, history: History) -> bool:
        """Whether to learn from `value`, sampled at `at` (Unix seconds), at this `level`."""
        if value is None or not 0 <= value <= LARGEST:
            return False
        if value >= ALMOST_NOTHING * level:
            self.fell_at = None
            return True
        if self.fell_at is None:
            if _precedented(at, level, history):
                return True
            self.fell_at = at
        return at - self.fell_at >= self.hold_s


def _precedented(at: float, level: float, history: History) -> bool:
    """Whether demand was this much lower in the last 6 hours, or yesterday or a week ago now."""
    now = int(at // CELL_S)
    limit = SURPRISE_SHARE * level
    if _lowest(history, now - MEMORY_CELLS, now - 1) < limit:
        return True
    return any(
        _lowest(history, now - back - BEFORE_CELLS, now - back + AFTER_CELLS) < limit
        for back in (DAY_CELLS, 7 * DAY_CELLS)
    )


def _lowest(history: History, start: int, end: int) -> float:
    found = history.least(max(start, history.first), min(end, history.last))
    return math.inf if found < 0 else found
