"""What the ticks of a group tell the journal: before each write, after each tick, what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.reason import Code, because
from autoscaler.ports import Intent, Journal, JournalError
from autoscaler.runtime.each import ACTED, is_news
from autoscaler.runtime.seat import Seat
from autoscaler.steps import step

log = structlog.get_logger(__name__)

# Forecasts stored in one tick: 40 KiB each, so that no tick writes more than 2 MiB of them.
STORED_AT_ONCE = 50
# A plan leaves within 30 s, and no gateway keeps a request for as long again.
LATEST_S = 90.0

ARRIVED = Outcome(
    Kind.APPLIED, because(Code.AS_PLANNED, "found applied after its answer had been given up")
)
LOST = Outcome(Kind.FAILED, because(Code.OUTCOME_UNKNOWN, "found not applied, a minute later"))


@dataclass(slots=True)
class Ledger:
    """One group's. `owed` waits for a journal that works again; `up` tells whether it does."""

    group: str
    journal: Journal
    owed: list[Decision] = field(default_factory=list)
    up: bool = True
    _announced: set[str] = field(default_factory=set)
    _doubtful: set[str] = field(default_factory=set)

    def go_on_from(self, before: Ledger) -> None:
        """Take over what the same group's ledger before a reload still owes."""
        self.owed, self.up = before.owed, before.up

    async def pay(self) -> None:
        """Record what is owed before anything new is announced.

        A journal that fails for days would otherwise be owed one more record for every write that
        each tick wanted.
        """
        if self.owed:
            with suppress(JournalError):
                await self._conclude(self.owed)
                self.owed = []

    async def announce(self, decision: Decision) -> bool:
        """Whether the journal knows of a write that is about to be sent: without, none is."""
        if self.owed:
            return False
        try:
            with step("intend"):
                await self.journal.intend(decision)
        except JournalError:
            self.up = False
            # A journal that was only slow may have it all the same.
            self._doubtful.add(decision.id)
            return False
        self._announced.add(decision.id)
        return True

    async def record(self, at: float, decisions: Sequence[Decision], seats: Sequence[Seat]) -> None:
        """Journal what is new of a tick; keep what could not be recorded for the next one."""
        # Whatever was announced is concluded, also when it says nothing new.
        told = self._announced | self._doubtful
        self._announced, self._doubtful = set(), set()
        fresh = [
            decision
            for decision, seat in zip(decisions, seats, strict=True)
            if is_news(seat, decision) or decision.id in told
        ]
        due = [seat for seat in seats if not seat.noted]
        notes = [seat.note(at) for seat in due]
        try:
            if self.owed or fresh:
                await self._conclude([*self.owed, *fresh])
            await self._settle(at, seats)
            await self.journal.note(self.group, at, notes)
            await self._store_forecasts(at, seats)
        except JournalError:
            self.up = False
            acted = [one for one in fresh if one.outcome.kind in ACTED or one.id in told]
            self.owed = [*self.owed, *acted]
            return
        self.up, self.owed = True, []
        for seat in due:
            seat.noted = True

    async def note_rest(self, at: float, seats: Sequence[Seat]) -> None:
        """Journal what was learnt in a tick that was cut short. Raises JournalError."""
        due = [seat for seat in seats if not seat.noted and seat.read_at is not None]
        if due:
            await self.journal.note(self.group, at, [seat.note(at) for seat in due])

    async def _conclude(self, decisions: list[Decision]) -> None:
        try:
            await self.journal.conclude(decisions)
        except JournalError:
            raise
        except Exception:
            log.exception("a decision cannot be recorded", group=self.group)
            # One that cannot be written down must not take the others along.
            for decision in decisions if len(decisions) > 1 else ():
                await self._conclude([decision])

    async def _settle(self, at: float, seats: Sequence[Seat]) -> None:
        """Tell how writes of unknown end did end: found applied later, or not at all by now."""
        for seat in seats:
            if seat.arrived is not None:
                await self._resolve(seat.arrived, ARRIVED, at)
                seat.arrived = None
            unsure, read_at = seat.unsure, seat.read_at or 0.0
            if unsure is not None and seat.dangling is None and read_at - unsure.at >= LATEST_S:
                await self._resolve(unsure, LOST, at)
                seat.unsure = None

    async def _resolve(self, intent: Intent, outcome: Outcome, at: float) -> None:
        try:
            await self.journal.resolve(intent, outcome, at)
        except JournalError:
            raise
        except Exception:  # one that cannot be resolved must not take the others along
            log.exception("a bug while resolving", deployment=intent.deployment)

    async def _store_forecasts(self, at: float, seats: Sequence[Seat]) -> None:
        due = [s for s in seats if s.foresight is not None and s.foresight.due(at)]
        learnt = [
            one
            for seat in due[:STORED_AT_ONCE]
            if seat.foresight is not None
            for one in seat.foresight.learnt(seat.managed.name, at)
        ]
        if learnt:
            await self.journal.keep(learnt)
