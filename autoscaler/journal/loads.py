"""How loads and envelopes went, as bytes that only the recorder can read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.journal.backend import upsert
from autoscaler.journal.decisions import insert_all, slices
from autoscaler.journal.prune import BATCH
from autoscaler.journal.schema import load_history
from autoscaler.ports import Chunk

# Older points are drawn by nobody: a chart shows fourteen days, and a chunk begins before it ends.
KEEP_S = 15 * 86_400.0


async def write(connection: AsyncConnection, chunks: Sequence[Chunk]) -> None:
    """Write these chunks over what was known of the same hours."""
    rows = [{"deployment": c.deployment, "at": c.at, "body": c.body} for c in chunks]
    await insert_all(connection, upsert(connection, load_history), rows)


async def read(
    connection: AsyncConnection, deployments: Sequence[str], start: float
) -> list[Chunk]:
    """The chunks of these deployments that begin at or after `start`, oldest first."""
    found: list[Chunk] = []
    h = load_history.c
    for names in slices(deployments):
        wanted = select(load_history).where(h.deployment.in_(names), h.at >= start)
        rows = await connection.execute(wanted.order_by(h.at))
        found += [Chunk(row.deployment, row.at, bytes(row.body)) for row in rows]
    return found


async def prune(connection: AsyncConnection, now: float) -> int:
    """Delete a batch of chunks that no chart shows any more."""
    h = load_history.c
    old = select(h.deployment, h.at).where(h.at < now - KEEP_S).limit(BATCH)
    gone = await connection.execute(delete(load_history).where(tuple_(h.deployment, h.at).in_(old)))
    return gone.rowcount
