"""A jump of the wall clock: what a moment before it is called after it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Jump:
    """Seen between two looks: the clock was set by `by_s` seconds, and reads `at` (Unix seconds).

    `since_s` seconds, by a clock that nobody sets, lie between the two looks.
    """

    by_s: float
    at: float
    since_s: float

    def moved(self, moment: float) -> float:
        """What the clock that was set calls `moment`, so that its age stays; never the future.

        Of a moment in the tick of the jump it cannot be told by which clock it was written. It is
        taken for the younger of the two, which keeps a cooldown too long and never too short.
        """
        if self.by_s < 0 and self.at - self.since_s <= moment <= self.at:
            return moment
        return min(moment + self.by_s, self.at)
