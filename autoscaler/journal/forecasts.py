"""What forecasts have learnt, as bytes that only they can read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.journal.backend import upsert
from autoscaler.journal.decisions import insert_all, slices
from autoscaler.journal.schema import forecast
from autoscaler.ports import Learnt


async def write(connection: AsyncConnection, learnt: Sequence[Learnt]) -> None:
    """Replace what these forecasts had learnt."""
    rows = [
        {"deployment": one.deployment, "name": one.forecast, "at": one.at, "body": one.body}
        for one in learnt
    ]
    await insert_all(connection, upsert(connection, forecast), rows)


async def read(connection: AsyncConnection, deployments: Sequence[str]) -> list[Learnt]:
    """What is known of these deployments' forecasts."""
    found: list[Learnt] = []
    for names in slices(deployments):
        wanted = select(forecast).where(forecast.c.deployment.in_(names))
        found += [
            Learnt(row.deployment, row.name, row.at, bytes(row.body))
            for row in await connection.execute(wanted)
        ]
    return found


async def prune(connection: AsyncConnection, before: float) -> int:
    """Forget forecasts that nobody has written since `before`, Unix seconds."""
    gone = await connection.execute(delete(forecast).where(forecast.c.at < before))
    return gone.rowcount
