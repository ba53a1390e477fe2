"""The journal's past for the web face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.journal import SqlJournal, Standing
from autoscaler.ports import Clock
from autoscaler.web.face import Wanted


@dataclass(frozen=True, slots=True)
class JournalRecords:
    """Satisfies `web.face.Records`."""

    journal: SqlJournal

    async def decisions(self, wanted: Wanted) -> Sequence[bytes]:
        """Recorded decisions as JSON, newest first."""
        return await self.journal.decisions(
            wanted.deployment,
            before_id=wanted.before,
            limit=wanted.limit,
            start=wanted.start,
            end=wanted.end,
            kinds=wanted.kinds,
        )

    async def decision(self, ident: str) -> bytes | None:
        """One recorded decision."""
        return await self.journal.decision(ident)


@dataclass(frozen=True, slots=True)
class JournalControls:
    """What is active, as the journal has it."""

    journal: SqlJournal
    clock: Clock

    async def standing(self) -> Sequence[Standing]:
        """Active overrides, oldest first."""
        return await self.journal.standing(self.clock.now())
