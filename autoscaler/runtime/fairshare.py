"""How the groups share the platform's pace: no group's many changes starve the changes of another.

Every group ticks by itself and could take all the writes that fit into the next seconds. While
others have changes that wait, it leaves them their part: max-min fairness (Bertsekas and Gallager,
Data Networks, 1992, section 6.5.2), where those that need less than an equal part leave the rest to
all. Fractions are carried on to the group's next tick, as in deficit round robin (Shreedhar and
Varghese, 1995), so that ten groups take turns with a pace of one write.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# So that a sum of thirds is not less than one.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many writes of a group wait, until its next tick at `due`, monotonic seconds."""

    writes: int
    due: float


@dataclass(slots=True)
class FairShare:
    """What each group waits for, and the fraction of a write that it is still owed."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    owed: dict[str, float] = field(default_factory=dict)

    def of(self, group: str, room: int, now: float, ahead_s: float) -> int:
        """How many of the `room` writes that fit into the next `ahead_s` are this group's.

        Another group's part counts from its next tick on: what the pace makes until then would
        be too early for it. One that has missed its tick by `ahead_s` is not waited for. `now`
        is monotonic seconds, `ahead_s` more than 0; the answer is from 0 to `room`.
        """
        others = [
            (other.writes, 1.0 - max(0.0, other.due - now) / ahead_s)
            for name, other in self.waiting.items()
            if name != group and now - ahead_s <= other.due < now + ahead_s
        ]
        part = room / (1.0 + sum(weight for _, weight in others))
        kept = sum(min(part, writes) * weight for writes, weight in others)
        mine = room - kept + self.owed.get(group, 0.0)
        share = min(room, math.floor(mine + ROUNDING))
        self.owed[group] = min(1.0, max(0.0, mine - share))
        return share

    def waits(self, group: str, writes: int, due: float) -> None:
        """Hear at the end of a group's tick how many of its writes wait for the one at `due`."""
        if writes:
            self.waiting[group] = Waiting(writes, due)
        else:
            self.waiting.pop(group, None)
            self.owed.pop(group, None)
