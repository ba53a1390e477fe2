"""What operators asked for: pauses, brakes, pins, floors and modes, with author, reason and end."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from sqlalchemy import (
    ColumnElement,
    Float,
    RowMapping,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.activity import DAEMON, Act, Event
from autoscaler.core.controls import FLEET, GROUP, Standing, check, told, where
from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Mode, Override
from autoscaler.journal import activity as a
from autoscaler.journal.aside import UNREADABLE, Aside
from autoscaler.journal.rows import Row
from autoscaler.journal.schema import override

# What of a row never changes.
_ASKED = (
    "id",
    "scope",
    "control",
    "dial",
    "value",
    "mode",
    "author",
    "why",
    "created_at",
    "expires_at",
)
_ENDED = (*_ASKED, "ended_at", "ended_by")


def row_of(ident: str, scope: str, word: Override, at: float) -> Row:
    """The row of a new override."""
    return {
        "id": ident,
        "scope": scope,
        "control": word.control.value,
        "dial": None if word.dial is None else word.dial.value,
        "value": word.value,
        "mode": None if word.mode is None else word.mode.value,
        "author": word.author,
        "why": word.why,
        "created_at": at,
        "expires_at": word.expires_at,
    }


def body_of(row: Row | RowMapping, act: Act) -> bytes:
    """What an entry of this kind vouches for: the row as it was then."""
    fields = _ASKED if act is Act.OVERRIDE_ADDED else _ENDED
    return orjson.dumps([row[name] for name in fields])


async def add(connection: AsyncConnection, row: Row) -> None:
    """Write a new override."""
    await connection.execute(insert(override), [row])
    word = _standing(row).override
    until = f"until {_clock(word.expires_at)}" if word.expires_at is not None else "without end"
    summary = f"{told(word)} for {where(row['scope'])} {until}: {word.why}"
    event = _event(row, Act.OVERRIDE_ADDED, row["created_at"], word.author, summary)
    await a.append(connection, [event])


async def end(connection: AsyncConnection, ident: str, at: float, author: str) -> Standing | None:
    """End an override; None when there is none of that id that still stands."""
    o = override.c
    stands = o.id == ident, o.ended_at.is_(None), _lasts(at)
    found = (await connection.execute(select(override).where(*stands))).mappings().first()
    if found is None:
        return None
    row = {**found, "ended_at": at, "ended_by": author}
    await _close(connection, row)
    event = _event(row, Act.OVERRIDE_ENDED, at, author, f"ended: {_whose(row)}")
    await a.append(connection, [event])
    try:
        return _standing(row)
    except UNREADABLE:
        return _pausing(found)


async def expire(connection: AsyncConnection, at: float) -> int:
    """Take note, once, of every override whose time is over at `at`; how many there were."""
    found = (await connection.execute(_OVER, {"now": at})).mappings().all()
    events = []
    for one in found:
        row = {**one, "ended_at": one["expires_at"], "ended_by": DAEMON}
        await _close(connection, row)
        summary = f"expired: {_whose(row)}"
        events.append(_event(row, Act.OVERRIDE_EXPIRED, row["ended_at"], DAEMON, summary))
    await a.append(connection, events)
    return len(events)


async def _close(connection: AsyncConnection, row: Row) -> None:
    this = update(override).where(override.c.id == row["id"])
    ended = {"ended_at": row["ended_at"], "ended_by": row["ended_by"]}
    await connection.execute(this.values(**ended))


def _whose(row: Row) -> str:
    try:
        asked = told(_standing(row).override)
    except UNREADABLE:
        asked = "what cannot be read"
    return f"{asked} for {where(row['scope'])} by {row['author']} ({row['why']})"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _event(row: Row, act: Act, at: float, actor: str, summary: str) -> Event:
    scope = row["scope"]
    group = scope.removeprefix(GROUP) if scope.startswith(GROUP) else None
    deployment = None if group is not None or scope == FLEET else scope
    return Event(at, act, actor, summary, deployment, group, row["id"], body_of(row, act))


async def standing(connection: AsyncConnection, at: float, aside: Aside) -> list[Standing]:
    """Every override that is active at `at`, oldest first.

    One that cannot be read was somebody's word: it counts as a pause of its scope, and says so.
    """
    found = []
    for row in (await connection.execute(_ACTIVE, {"now": at})).mappings():
        try:
            found.append(_sound(row))
        except UNREADABLE as error:
            found.append(_pausing(row))
            aside.put("override", row["id"], error, "it counts as a pause of its scope")
    return found


def _sound(row: RowMapping) -> Standing:
    """The word of a row. Raises one of UNREADABLE for one that nobody can have said."""
    found = _standing(row)
    check(found.scope, found.override)
    if found.override.expires_at is not None:
        found.override.active(float(found.override.expires_at))
    return found


def _pausing(row: RowMapping) -> Standing:
    why = f"override {row['id']} cannot be read; end it, and say again what was meant"
    word = Override(Control.PAUSE, str(row["author"]), why, id=str(row["id"]))
    return Standing(word.id, str(row["scope"]), word, 0.0)


def _lasts(at: float | ColumnElement[float]) -> ColumnElement[bool]:
    return or_(override.c.expires_at.is_(None), override.c.expires_at > at)


# Both are asked for once a second and before each write, so they are put together only once.
_NOW = bindparam("now", type_=Float)
_OVER = (
    select(override)
    .where(override.c.ended_at.is_(None), override.c.expires_at <= _NOW)
    .order_by(override.c.expires_at)
)
_ACTIVE = (
    select(override)
    .where(and_(override.c.ended_at.is_(None), _lasts(_NOW)))
    .order_by(override.c.created_at, override.c.id)
)


def _standing(row: Row | RowMapping) -> Standing:
    word = Override(
        Control(row["control"]),
        row["author"],
        row["why"],
        row["expires_at"],
        None if row["dial"] is None else Dial(row["dial"]),
        row["value"],
        None if row["mode"] is None else Mode(row["mode"]),
        row["id"],
    )
    return Standing(row["id"], row["scope"], word, row["created_at"])
