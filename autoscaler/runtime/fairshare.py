"""How the groups share the platform's pace: no group's many changes starve the changes of another.

Every group ticks by itself and could take all the writes that fit into the next seconds. While
others have changes that wait it leaves each an equal part of them, as far as that is whole writes
(max-min fairness: Bertsekas and Gallager, Data Networks, 1992, section 6.5.2). For what remains,
each group's writes are counted, and whoever has had fewer goes first. Who comes back after a time
without need begins where the least served of those who wait is, so that nobody saves up: start-time
fair queueing (Goyal, Vin and Cheng, 1996). So ten groups take turns with a pace of one write.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many writes of a group wait, until its next tick at `due`, monotonic seconds."""

    writes: int
    due: float


@dataclass(slots=True)
class FairShare:
    """Which groups wait, and how many writes each has had, on a count that they share."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)

    def of(self, group: str, room: int, now: float, ahead_s: float) -> int:
        """How many of the `room` writes that fit into the next `ahead_s` are this group's.

        Nothing is kept for a tick that comes when the pace will be new again, nor for a group that
        has missed its tick by `ahead_s`. `now` is monotonic seconds, `ahead_s` more than 0; the
        answer is from 0 to `room`.
        """
        alive, end = self._others(group, now - ahead_s), now + ahead_s
        mine = self._count(group, alive)
        others = {name: one for name, one in alive.items() if one.due < end}
        # One that has just had its turn gets its part out of what the pace makes by the next.
        soon = {name for name, one in others.items() if one.due - now < ahead_s / 2}
        part = room // (1 + len(soon))
        kept = sum(
            min(one.writes, max(part if name in soon else 0, mine - self.served.get(name, 0)))
            for name, one in others.items()
        )
        return max(0, room - kept)

    def took(self, group: str, writes: int, left: int, now: float, ahead_s: float) -> None:
        """Hear of a group's tick that so many writes go ahead, and how many are left.

        They wait for its tick in `ahead_s` seconds.
        """
        if writes or left:
            count = self._count(group, self._others(group, now - ahead_s))
            self.served[group] = count + writes
        if left:
            self.waiting[group] = Waiting(left, now + ahead_s)
        else:
            self.waiting.pop(group, None)

    def _count(self, group: str, others: dict[str, Waiting]) -> int:
        """How many writes a group counts as having had, now that it has a need."""
        own = self.served.get(group, 0)
        if group in self.waiting:
            return own
        counts = [self.served.get(name, 0) for name in others] or self.served.values()
        return max(own, min(counts, default=0) if others else max(counts, default=0))

    def _others(self, group: str, since: float) -> dict[str, Waiting]:
        """Who else waits and has not missed a tick that was due before `since`."""
        return {
            name: one for name, one in self.waiting.items() if name != group and one.due >= since
        }
