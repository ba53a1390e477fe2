"""What a deployment's next start has to know: wishes, facts learnt, and when it last ticked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import orjson
from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.codec import decode, encode
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Learned, Recommended
from autoscaler.journal.aside import UNREADABLE, Aside
from autoscaler.journal.backend import upsert
from autoscaler.journal.decisions import insert_all, slices
from autoscaler.journal.rows import Row
from autoscaler.journal.schema import deployment, group_tick
from autoscaler.ports import Note

# The longest window that a guard may look back on, seconds.
WISHES_S = 3600.0


_RETURNED = cast("Callable[..., Mapping[str, float | None]]", Mapping[str, float | None])


@dataclass(frozen=True, slots=True)
class State:
    """A deployment's state row. `last_tick` in Unix seconds, None if it never had one."""

    group: str
    recommended: tuple[Recommended, ...]
    watched_since: float
    learned: Learned
    last_tick: float | None
    returned: Mapping[str, float | None]


def note_row(note: Note, group: str, at: float, session: str) -> Row:
    """The state row of a note. Wishes are bare numbers: 10,000 rows are written in one tick."""
    wishes = [
        (w.envelope.min_replicas, w.envelope.max_replicas, w.envelope.threads, w.since, w.until)
        for w in note.recommended
    ]
    return {
        "name": note.deployment,
        "group_name": group,
        "recommended": orjson.dumps(wishes).decode(),
        "watched_since": note.watched_since,
        "learned": encode(Learned, note.learned).decode(),
        "returned": orjson.dumps(dict(note.returned)).decode(),
        "noted_at": at,
        "session": session,
    }


async def write(
    connection: AsyncConnection, group: str, at: float, session: str, rows: Sequence[Row]
) -> None:
    """The changed rows and the group's heartbeat."""
    await insert_all(connection, upsert(connection, deployment), rows)
    tick = {"group_name": group, "at": at, "session": session}
    await connection.execute(upsert(connection, group_tick), [tick])


async def read(
    connection: AsyncConnection,
    deployments: Sequence[str],
    session: str,
    now: float,
    aside: Aside,
) -> dict[str, State]:
    """The state rows of `deployments` that there are and that can be read, by name."""
    ticks = {row.group_name: row for row in await connection.execute(select(group_tick))}
    found: dict[str, State] = {}
    for names in slices(deployments):
        wanted = select(deployment).where(deployment.c.name.in_(names))
        for row in (await connection.execute(wanted)).mappings():
            tick = ticks.get(row["group_name"])
            last = row["noted_at"]
            # The group's tick speaks for a deployment only if it sat in that very run of the
            # daemon until the end: one that left the configuration and came back did not.
            if tick is not None and row["session"] == tick.session != session:
                last = max(last, tick.at)
            try:
                found[row["name"]] = _state(row, last, now)
            except UNREADABLE as error:
                aside.put("deployment", row["name"], error, "it counts as newly seen")
    return found


def _state(row: RowMapping, last: float, now: float) -> State:
    wishes = [_wish(*wish) for wish in orjson.loads(row["recommended"])]
    learned = decode(Learned, row["learned"])
    returned = decode(_RETURNED, row["returned"])
    watched = _moment(row["watched_since"])
    start = now - WISHES_S
    # The newest wish is not rewritten while it stays the same: it held until the last tick.
    held = [w for w in wishes if w.until >= start or (w is wishes[-1] and last >= start)]
    return State(row["group_name"], tuple(held), watched, learned, last, returned)


def _wish(low: int, high: int, threads: int, since: float, until: float) -> Recommended:
    for number in (low, high, threads):
        if type(number) is not int:  # a damaged row: "2", 2.0 and true are no counts
            raise TypeError(f"a count must be a whole number, got {number!r}")
    return Recommended(Envelope(low, high, threads), _moment(since), _moment(until))


def _moment(value: float) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a time must be finite Unix seconds, got {value!r}")
    return float(value)


async def seat(connection: AsyncConnection, deployments: Sequence[str], session: str) -> None:
    """Say that these deployments belong to this run of the daemon from now on."""
    for names in slices(deployments):
        mine = update(deployment).where(deployment.c.name.in_(names))
        await connection.execute(mine.values(session=session))


async def unseat(connection: AsyncConnection, deployments: Sequence[str], at: float) -> None:
    """Say that these deployments are not watched from `at` on."""
    for names in slices(deployments):
        gone = update(deployment).where(deployment.c.name.in_(names))
        await connection.execute(gone.values(session="", noted_at=at))
