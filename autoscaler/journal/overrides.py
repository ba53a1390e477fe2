"""What operators asked for: pauses, pins and floors, with author, reason and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Override
from autoscaler.journal.rows import Row
from autoscaler.journal.schema import override

FLEET = "fleet"
GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Standing:
    """An override as stored. `scope`: "fleet", "group:NAME" or a deployment's name."""

    id: str
    scope: str
    override: Override
    created_at: float


def scopes(group: str | None, deployment: str) -> tuple[str, ...]:
    """Where words for a deployment may stand, the widest first: a narrower word comes last."""
    return (FLEET, *((GROUP + group,) if group is not None else ()), deployment)


def check(scope: str, word: Override) -> None:
    """Raise ValueError for a word that would do nothing, or that nobody answers for."""
    if not scope:
        raise ValueError("scope must be fleet, group:NAME or a deployment's name, got ''")
    if not word.author.strip() or not word.why.strip():
        raise ValueError("an override needs an author and a reason (why), got an empty one")
    numbers = word.dial is not None and word.value is not None
    if word.control is not Control.PAUSE and not numbers:
        raise ValueError(f"{word.control.value} needs a dial and a value, got none")


def row_of(ident: str, scope: str, word: Override, at: float) -> Row:
    """The row of a new override."""
    return {
        "id": ident,
        "scope": scope,
        "control": word.control.value,
        "dial": None if word.dial is None else word.dial.value,
        "value": word.value,
        "author": word.author,
        "why": word.why,
        "created_at": at,
        "expires_at": word.expires_at,
    }


async def add(connection: AsyncConnection, row: Row) -> None:
    """Write a new override."""
    await connection.execute(insert(override), [row])


async def end(connection: AsyncConnection, ident: str, at: float, author: str) -> bool:
    """End an override; False when there is none of that id that still stands."""
    o = override.c
    stands = update(override).where(o.id == ident, o.ended_at.is_(None), _lasts(at))
    ended = await connection.execute(stands.values(ended_at=at, ended_by=author))
    return ended.rowcount > 0


async def standing(connection: AsyncConnection, at: float) -> list[Standing]:
    """Every override that is active at `at`, oldest first."""
    o = override.c
    active = and_(o.ended_at.is_(None), _lasts(at))
    wanted = select(override).where(active).order_by(o.created_at, o.id)
    return [_standing(row) for row in (await connection.execute(wanted)).mappings()]


def _lasts(at: float) -> ColumnElement[bool]:
    return or_(override.c.expires_at.is_(None), override.c.expires_at > at)


def _standing(row: RowMapping) -> Standing:
    dial = None if row["dial"] is None else Dial(row["dial"])
    word = Override(
        Control(row["control"]), row["author"], row["why"], row["expires_at"], dial, row["value"]
    )
    return Standing(row["id"], row["scope"], word, row["created_at"])


def by_scope(found: Sequence[Standing]) -> dict[str, tuple[Override, ...]]:
    """The words of each scope, oldest first."""
    said: dict[str, tuple[Override, ...]] = {}
    for one in found:
        said[one.scope] = (*said.get(one.scope, ()), one.override)
    return said
