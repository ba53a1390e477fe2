"""The journal's past for the web face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.activity import Entry
from autoscaler.journal import SqlJournal
from autoscaler.web.face import Asked, Wanted


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

    async def activity(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        """Entries of the audit trail, newest first."""
        return await self.journal.activity(
            before_seq=before,
            limit=limit,
            kinds=asked.kinds,
            deployment=asked.deployment,
            start=asked.start,
            end=asked.end,
        )
