"""Recorded decisions out of a journal, oldest first, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.journal import SqlJournal
from autoscaler.journal.schema import decision as table

# A body is about 2 kB, so a page is about 1 MB and a journal of any size fits into memory.
PAGE = 500


async def recorded(
    journal: SqlJournal, since: float, deployment: str | None = None, page: int = PAGE
) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
    """Pages of (id, decision as JSON) of everything recorded at or after `since`, Unix seconds.

    `deployment` narrows it down to one name. Rows that are written meanwhile may appear at the
    end. Raises JournalError.
    """
    last = ""
    while True:
        # The journal has no listing across deployments of its own yet; this is its one reader.
        rows = await journal._store.run(  # noqa: SLF001 - see above: a transaction with a deadline
            "reading decisions", _Page(since, deployment, last, page)
        )
        if not rows:
            return
        yield rows
        last = rows[-1][0]


class _Page:
    """The rows after `last`, as the work of one transaction."""

    def __init__(self, since: float, deployment: str | None, last: str, size: int) -> None:
        row = table.c
        wanted = select(row.id, row.body).where(row.id > last, row.at >= since)
        if deployment is not None:
            wanted = wanted.where(row.deployment == deployment)
        self._wanted = wanted.order_by(row.id).limit(size)

    async def __call__(self, connection: AsyncConnection) -> list[tuple[str, bytes]]:
        found = await connection.execute(self._wanted)
        return [(ident, body.encode()) for ident, body in found]
