"""The activity in the database: appended under one lock, read in pages, checked as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from sqlalchemy import ColumnElement, RowMapping, Update, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.activity import Act, Entry, Event
from autoscaler.journal.chain import seal
from autoscaler.journal.rows import Row
from autoscaler.journal.schema import activity, activity_ends

# Entries sealed and written between two turns of the event loop: about 3 ms.
PIECE = 500


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of the chain. `anchor` is what the first kept entry follows on."""

    first_seq: int
    anchor: str
    last_seq: int
    head: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries are wanted; empty and None ask for all. Times in Unix seconds."""

    kinds: Sequence[str] = ()
    deployment: str | None = None
    start: float | None = None
    end: float | None = None


_E = activity_ends.c
_ENDS = select(_E.first_seq, _E.anchor, _E.last_seq, _E.head).where(_E.id == 1)
# SQLite has no such words and needs none: each of our transactions there begins IMMEDIATE.
_ENDS_HELD = _ENDS.with_for_update()


async def ends(connection: AsyncConnection, *, hold: bool = False) -> Ends:
    """Both ends of the chain; with `hold` nobody else appends until this transaction ends."""
    row = (await connection.execute(_ENDS_HELD if hold else _ENDS)).one()
    return Ends(row.first_seq, row.anchor, row.last_seq, row.head)


async def append(connection: AsyncConnection, events: Iterable[Event]) -> None:
    """Put events at the end of the chain, in the transaction of what they tell of.

    The lock on the ends is the last one that a transaction takes, so no two can block each other.
    """
    first = next(waiting := iter(events), None)
    if first is None:
        return
    now = await ends(connection, hold=True)
    seq, head, piece = now.last_seq, now.head, [first, *islice(waiting, PIECE - 1)]
    while piece:
        rows = [_row(entry) for entry in seal(piece, seq + 1, head)]
        await connection.execute(insert(activity), rows)
        seq, head = rows[-1]["seq"], rows[-1]["hash"]
        piece = list(islice(waiting, PIECE))
        await asyncio.sleep(0)
    await connection.execute(_move(last_seq=seq, head=head))


def _move(**values: object) -> Update:
    return update(activity_ends).where(activity_ends.c.id == 1).values(**values)


def _row(entry: Entry) -> Row:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind.value,
        "deployment": entry.deployment,
        "group_name": entry.group,
        "actor": entry.actor,
        "summary": entry.summary,
        "ref": entry.ref,
        "digest": entry.digest,
        "prev": entry.prev,
        "hash": entry.hash,
    }


def entry_of(row: RowMapping) -> Entry:
    """The entry of a row. Raises ValueError for a kind that no version has ever written."""
    return Entry(
        row["seq"],
        row["at"],
        Act(row["kind"]),
        row["deployment"],
        row["group_name"],
        row["actor"],
        row["summary"],
        row["ref"],
        row["digest"],
        row["prev"],
        row["hash"],
    )


async def newest(
    connection: AsyncConnection, asked: Asked, before_seq: int | None, limit: int
) -> list[Entry]:
    """At most `limit` entries before the number `before_seq`, newest first."""
    a = activity.c
    wanted = select(activity).where(*_filters(asked)).order_by(a.seq.desc()).limit(limit)
    if before_seq is not None:
        wanted = wanted.where(a.seq < before_seq)
    return [entry_of(row) for row in (await connection.execute(wanted)).mappings()]


async def following(
    connection: AsyncConnection, after_seq: int, limit: int, asked: Asked | None = None
) -> list[Entry]:
    """At most `limit` entries after the number `after_seq`, oldest first."""
    rows = await raw(connection, after_seq, limit, asked)
    return [entry_of(row) for row in rows]


async def raw(
    connection: AsyncConnection, after_seq: int, limit: int, asked: Asked | None = None
) -> Sequence[RowMapping]:
    """The rows of `following` as they are in the table, whatever somebody did to them."""
    a = activity.c
    filters = _filters(asked or Asked())
    wanted = select(activity).where(a.seq > after_seq, *filters).order_by(a.seq).limit(limit)
    return (await connection.execute(wanted)).mappings().all()


def _filters(asked: Asked) -> list[ColumnElement[bool]]:
    a = activity.c
    given: list[tuple[object, Callable[[], ColumnElement[bool]]]] = [
        (asked.kinds or None, lambda: a.kind.in_(list(asked.kinds))),
        (asked.deployment, lambda: a.deployment == asked.deployment),
        (asked.start, lambda: a.at >= asked.start),
        (asked.end, lambda: a.at < asked.end),
    ]
    return [condition() for value, condition in given if value is not None]


async def prune(connection: AsyncConnection, start: float, keep_rows: int, batch: int) -> int:
    """Cut a batch of entries off the old end, those before `start` or beyond `keep_rows`.

    The hash of the last one that goes becomes the anchor of the first that stays.
    """
    a, now = activity.c, await ends(connection, hold=True)
    beyond = now.last_seq - keep_rows
    oldest = select(a.seq, a.at, a.hash).order_by(a.seq).limit(batch)
    gone: tuple[int, str] | None = None
    count = 0
    for row in await connection.execute(oldest):
        if row.at >= start and row.seq > beyond:
            break
        gone, count = (row.seq, row.hash), count + 1
    if gone is None:
        return 0
    await connection.execute(delete(activity).where(a.seq <= gone[0]))
    await connection.execute(_move(first_seq=gone[0] + 1, anchor=gone[1]))
    return count


def tree(entry: Entry) -> dict[str, object]:
    """An entry as the JSON that exports and the API give."""
    return asdict(entry)
