"""Recorded decisions of any time, for those who look back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.journal.schema import decision


async def decisions(
    connection: AsyncConnection,
    deployment: str | None,
    *,
    before_id: str | None,
    limit: int,
    start: float | None,
    end: float | None,
    kinds: Sequence[str] = (),
) -> list[bytes]:
    """Kept decisions as JSON, newest first: older than `before_id`, within start..end."""
    d = decision.c
    rules: list[ColumnElement[bool]] = []
    if deployment is not None:
        rules.append(d.deployment == deployment)
    if before_id is not None:
        rules.append(d.id < before_id)
    if start is not None:
        rules.append(d.at >= start)
    if end is not None:
        rules.append(d.at <= end)
    if kinds:
        rules.append(d.kind.in_(kinds))
    wanted = select(d.body).where(*rules).order_by(d.id.desc()).limit(limit)
    return [body.encode() for body in (await connection.execute(wanted)).scalars()]


async def one(connection: AsyncConnection, ident: str) -> bytes | None:
    """One kept decision as JSON."""
    wanted = select(decision.c.body).where(decision.c.id == ident)
    body = (await connection.execute(wanted)).scalar()
    return None if body is None else body.encode()
