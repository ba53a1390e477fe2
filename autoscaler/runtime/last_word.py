"""The last question before a PUT leaves: is it still wanted, allowed and in time?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.leaving import Write, stopped
from autoscaler.core.reason import Code, because
from autoscaler.ports import Clock, Membership
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.words import Words

# Reasons for which an operator's word stops a write on its way.
SAID = frozenset(
    {
        Code.PAUSED,
        Code.BRAKED,
        Code.OVERRULED,
        Code.MODE_OBSERVE,
        Code.MODE_RECOMMEND,
        Code.MODE_RAISE_ONLY,
    }
)

NOT_OURS = Outcome(Kind.HELD, because(Code.NOT_OURS, "another daemon owns this deployment"))
STOPPING = Outcome(Kind.DEFERRED, because(Code.SHUTTING_DOWN, "the daemon is shutting down"))
TOO_OLD = Outcome(Kind.DEFERRED, because(Code.TOO_OLD, "the plan waited too long to be written"))


@dataclass(frozen=True, slots=True)
class Leaving:
    """A write under way. `by` is the monotonic time after which its PUT may not leave."""

    seat: Seat
    decision: Decision
    by: float
    parting: bool = False
    """One of the last: that the daemon is stopping is its reason, and no reason against it."""


@dataclass(slots=True)
class LastWord:
    """Satisfies `ports.LastWord`. Asked before a write is begun, and again before its PUT leaves.

    In between a write waits for its turn, for a token, for a reading: long enough for an
    operator to say stop, on any of their ways.
    """

    clock: Clock
    membership: Membership
    words: Words
    stopping: Callable[[], bool] = lambda: False
    leaving: dict[str, Leaving] = field(default_factory=dict)
    """Writes under way, by RID."""

    async def __call__(self, rid: str, before: Envelope, after: Envelope) -> Outcome | None:
        """What becomes of this write instead of leaving; None lets it go."""
        if (early := self._closed(rid)) is not None:
            return early
        await self.words.fresh()
        # Nothing waits from here on: what is true now is true when the PUT leaves.
        return self._closed(rid) or self._unwanted(rid, before, after)

    def _closed(self, rid: str) -> Outcome | None:
        leaving = self.leaving.get(rid)
        if self.stopping() and not (leaving is not None and leaving.parting):
            return STOPPING
        if leaving is not None and self.clock.monotonic() > leaving.by:
            return TOO_OLD
        return None if self.membership.owns(rid) else NOT_OURS

    def _unwanted(self, rid: str, before: Envelope, after: Envelope) -> Outcome | None:
        leaving = self.leaving.get(rid)
        if leaving is None:
            return None
        seat = leaving.seat
        managed = seat.managed
        seat.overrides = self.words.now().of(managed.group, managed.name)
        write = Write(leaving.decision.seen, before, after)
        return stopped(write, seat.overrides, managed.mode, self.clock.now())
