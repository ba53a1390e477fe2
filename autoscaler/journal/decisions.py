"""Intents, decisions and changes: what was announced, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from sqlalchemy import and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.codec import to_tree
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.jump import Jump
from autoscaler.core.observation import Change
from autoscaler.journal import rows as r
from autoscaler.journal.activity import append
from autoscaler.journal.aside import UNREADABLE, Aside
from autoscaler.journal.backend import insert_new
from autoscaler.journal.news import resolved
from autoscaler.journal.schema import OPEN, SUPERSEDED, change, decision, intent
from autoscaler.ports import Intent

T = TypeVar("T")

# Rows in one statement: 1,000 take about 2 ms of the event loop, then it has its turn.
SLICE = 1000


def slices(items: Sequence[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """`items` in pieces of at most `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))


async def insert_all(connection: AsyncConnection, statement: Any, rows: Sequence[r.Row]) -> None:
    """Run an insert or update for many rows, the event loop getting its turn in between."""
    for piece in slices(rows):
        await connection.execute(statement, list(piece))


async def announce(connection: AsyncConnection, row: r.Row) -> None:
    """Write an intent. An id that is there already is a bug and an error."""
    await connection.execute(insert(intent), [row])


async def last_marks(
    connection: AsyncConnection, deployments: Sequence[str]
) -> dict[str, tuple[str, r.Mark]]:
    """The id and the mark of the last kept decision, by deployment."""
    found: dict[str, tuple[str, r.Mark]] = {}
    d = decision.c
    for names in slices(deployments):
        newest = select(func.max(d.id)).where(d.deployment.in_(names)).group_by(d.deployment)
        wanted = select(d.deployment, d.id, d.kind, d.code, d.planned).where(d.id.in_(newest))
        for name, ident, kind, code, planned in await connection.execute(wanted):
            found[name] = ident, r.Mark(kind, code, planned)
    return found


async def recorded(connection: AsyncConnection, idents: Sequence[str]) -> set[str]:
    """Which of these decisions are kept already. Ids of one tick stand side by side."""
    if not idents:
        return set()
    between = decision.c.id.between(min(idents), max(idents))
    return set((await connection.execute(select(decision.c.id).where(between))).scalars())


async def unknown_drifts(connection: AsyncConnection, changes: Sequence[r.Row]) -> list[r.Row]:
    """Of these changes those that somebody else made and that are not recorded yet."""
    foreign = {(row["deployment"], row["at"]): row for row in changes if row["is_foreign"]}
    c = change.c
    for names in slices(sorted({name for name, _ in foreign})):
        known = select(c.deployment, c.at).where(c.deployment.in_(names), c.is_foreign)
        for row in await connection.execute(known):
            foreign.pop((row.deployment, row.at), None)
    return list(foreign.values())


async def conclude(
    connection: AsyncConnection,
    ended: Sequence[tuple[str, str]],
    sent: Mapping[str, str],
    kept: Sequence[r.Row],
    changes: Sequence[r.Row],
    at: float,
) -> None:
    """Close the intents of `ended` (id, kind), and write what is kept. Repeating it is harmless.

    `sent` is the id of the newest intent of a RID that left: open ones before it are superseded.
    """
    await insert_all(connection, insert_new(connection, decision), kept)
    await insert_all(connection, insert_new(connection, change), changes)
    i = intent.c
    opened = (await connection.execute(select(i.decision_id, i.rid).where(i.state == OPEN))).all()
    states = dict.fromkeys(
        (one.decision_id for one in opened if one.decision_id < sent.get(one.rid, "")), SUPERSEDED
    )
    ids = {one.decision_id for one in opened}
    states |= {one: kind for one, kind in ended if one in ids}
    if states:
        closing = [{"which": one, "state": kind, "ended_at": at} for one, kind in states.items()]
        close = update(intent).where(i.decision_id == bindparam("which"))
        await connection.execute(close.values(body=None), closing)


async def dangling(connection: AsyncConnection, aside: Aside) -> list[Intent]:
    """Intents without a conclusion that can be read, oldest first."""
    i = intent.c
    wanted = select(intent).where(i.state == OPEN).order_by(i.at, i.decision_id)
    found = []
    for row in (await connection.execute(wanted)).mappings():
        try:
            found.append(r.intent_of(row))
        except UNREADABLE as error:
            aside.put("intent", row["decision_id"], error, "a reading tells what is there")
    return found


async def resolve(
    connection: AsyncConnection, which: Intent, outcome: Outcome, at: float, aside: Aside
) -> r.Row | None:
    """Conclude an intent that a crash cut off. Older ones of the same deployment are superseded.

    Returns the row of the decision that was kept, None when the intent was closed already or
    cannot be told in full.
    """
    i = intent.c
    still_open = i.decision_id == which.decision_id, i.state == OPEN
    body = (await connection.execute(select(i.body).where(*still_open))).scalar()
    if body is None:
        return None
    try:
        row = _ended(which, outcome, body)
    except UNREADABLE as error:
        row = None
        aside.put("intent", which.decision_id, error, "it ends without a decision")
    if row is not None:
        told = await recorded(connection, [row["id"]]) and outcome.kind is not Kind.APPLIED
        news = [] if told else [resolved(row, outcome)]
        await connection.execute(insert_new(connection, decision), [row])
        await append(connection, news)
    # Announced while the clock was ahead, a change would be cooled down for as long as it was.
    made = r.came_of(min(which.at, at), which.before, which.after, outcome)
    if made is not None:
        changed = r.change_row(which.deployment, made)
        await connection.execute(insert_new(connection, change), [changed])
    end = update(intent).where(*still_open)
    await connection.execute(end.values(state=outcome.kind.value, ended_at=at, body=None))
    older = i.state == OPEN, i.rid == which.rid, i.at <= which.at
    await connection.execute(
        update(intent).where(*older).values(state=SUPERSEDED, ended_at=at, body=None)
    )
    return row


def _ended(which: Intent, outcome: Outcome, body: str) -> r.Row:
    """The decision row of an intent: its body with the outcome put in, whoever wrote the rest."""
    tree = orjson.loads(body)
    tree["outcome"] = to_tree(Outcome, outcome)
    return {
        "id": which.decision_id,
        "at": which.at,
        "deployment": which.deployment,
        "rid": which.rid,
        "group_name": tree["group"],
        "kind": outcome.kind.value,
        "code": outcome.reason.code.value,
        "planned": r.planned(which.after),
        "body": orjson.dumps(tree).decode(),
    }


async def bring_back(connection: AsyncConnection, deployments: Sequence[str], now: float) -> None:
    """Take changes that lie in the future for changes of now, for good.

    They were recorded while the clock was ahead. Taken for "now" at every start, they would begin
    a cooldown, or a grace for somebody else's change, anew with each restart.
    """
    c = change.c
    for names in slices(deployments):
        wanted = select(change).where(c.at > now, c.deployment.in_(names))
        ahead = (await connection.execute(wanted.order_by(c.at.desc()))).mappings().all()
        if not ahead:
            continue
        await connection.execute(delete(change).where(c.at > now, c.deployment.in_(names)))
        # A millisecond apart, so that their order and their keys stay.
        rows = [{**row, "at": now - place / 1000} for place, row in enumerate(ahead)]
        await insert_all(connection, insert_new(connection, change), rows)


async def keep_ages(connection: AsyncConnection, deployments: Sequence[str], jump: Jump) -> None:
    """Write every change's time as the clock of now calls it."""
    c = change.c
    for names in slices(deployments):
        rows = (await connection.execute(select(change).where(c.deployment.in_(names)))).mappings()
        old = [row for row in rows if isinstance(row["at"], float)]
        new = [{**row, "at": jump.moved(row["at"])} for row in old]
        gone = [
            {"whose": one["deployment"], "then": one["at"]}
            for one, other in zip(old, new, strict=True)
            if one["at"] != other["at"]
        ]
        if not gone:
            continue
        # Not by an update in place: a change may take the very time that another still has.
        which = and_(c.deployment == bindparam("whose"), c.at == bindparam("then"))
        await connection.execute(delete(change).where(which), gone)
        await insert_all(connection, insert_new(connection, change), new)


async def changes(
    connection: AsyncConnection, deployments: Iterable[str], start: float, aside: Aside
) -> dict[str, tuple[Any, ...]]:
    """The changes since `start` and the last of each direction, by deployment, oldest first."""
    found: dict[str, tuple[Any, ...]] = {}
    for names in slices(list(deployments)):
        wanted = select(change).where(change.c.deployment.in_(names))
        by_name: dict[str, list[Change]] = {}
        for row in (await connection.execute(wanted)).mappings():
            try:
                by_name.setdefault(row["deployment"], []).append(r.change_of(row))
            except UNREADABLE as error:
                key = f"{row['deployment']} at {row['at']}"
                aside.put("change", key, error, "its cooldown is not known")
        found |= {name: r.remembered(all_of, start) for name, all_of in by_name.items()}
    return found
