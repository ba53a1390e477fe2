"""Lets go of the old, a small batch at a time, so that nobody waits long for a turn."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.activity import DAEMON, Act, Entry, Event
from autoscaler.core.decision import Kind
from autoscaler.journal import rows as r
from autoscaler.journal.activity import append
from autoscaler.journal.schema import OPEN, change, decision, intent, override

# About 10 ms a batch: less than a tick's own note.
BATCH = 500
# Changes of the last day count for cooldowns; of older ones the last per direction.
CHANGES_S = 86_400.0
# The most old changes that `recall` needs: two directions of three dials.
KEPT = 6
DECIDED = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class Size:
    """What the journal holds: bytes on disk without the write-ahead log, kept decisions."""

    bytes: int
    decisions: int


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a pruning may take: the older than `before`, Unix seconds, and decisions to `beyond`."""

    before: float
    beyond: str = ""

    @property
    def ref(self) -> str:
        """As an entry of the activity refers to it."""
        return f"{self.before!r} {self.beyond}".rstrip()

    @classmethod
    def of(cls, ref: str) -> Pruning:
        """Out of an entry's reference. Raises ValueError."""
        before, _, beyond = ref.partition(" ")
        return cls(float(before), beyond)

    def took(self, entry: Entry) -> bool:
        """Whether what this entry tells of may be gone because of it."""
        decided = entry.kind.value in DECIDED
        return entry.at < self.before or (decided and (entry.ref or "") <= self.beyond)


@dataclass(slots=True)
class Taking:
    """One pruning under way. It enters itself in the activity with the first rows that go."""

    at: float
    allowed: Pruning
    entered: bool = False

    async def told(self, connection: AsyncConnection, deleting: Awaitable[int]) -> int:
        """How many rows `deleting` took, in whose transaction the entry is made."""
        gone = await deleting
        if gone and not self.entered:
            since = datetime.fromtimestamp(self.allowed.before, UTC)
            summary = f"the journal forgets what is older than {since:%Y-%m-%d %H:%M:%S} UTC"
            if self.allowed.beyond:
                summary += ", and decisions that are too many"
            event = Event(self.at, Act.PRUNED, DAEMON, summary, ref=self.allowed.ref)
            await append(connection, [event])
            self.entered = True
        return gone


async def boundary(connection: AsyncConnection, keep_rows: int) -> str | None:
    """The id of the newest decision that is one too many, None when there is room."""
    d = decision.c
    wanted = select(d.id).order_by(d.id.desc()).offset(keep_rows).limit(1)
    found: str | None = (await connection.execute(wanted)).scalar()
    return found


async def decisions(connection: AsyncConnection, start: float, beyond: str | None) -> int:
    """Delete a batch of decisions older than `start`, or up to the id `beyond`."""
    d = decision.c
    # A deployment that has been calm for months still has a last word to be explained by.
    newer = decision.alias("newer")
    not_last = select(1).where(newer.c.deployment == d.deployment, newer.c.id > d.id).exists()
    old: ColumnElement[bool] = and_(d.at < start, not_last)
    if beyond is not None:
        old = or_(old, d.id <= beyond)
    return await _delete(connection, decision, old)


async def intents(connection: AsyncConnection, start: float) -> int:
    """Delete a batch of ended intents; an open one stays until it is resolved."""
    old = and_(intent.c.state != OPEN, intent.c.ended_at < start)
    return await _delete(connection, intent, old)


async def overrides(connection: AsyncConnection, start: float) -> int:
    """Delete a batch of overrides that ended before `start`; one that expired has ended."""
    return await _delete(connection, override, override.c.ended_at < start)


async def changes(connection: AsyncConnection, now: float) -> int:
    """Delete changes that no recall returns any more, of a batch of deployments that have some."""
    c, start = change.c, now - CHANGES_S
    crowded = select(c.deployment).where(c.at < start).group_by(c.deployment)
    some = crowded.having(func.count() > KEPT).limit(BATCH // 10)
    names = list((await connection.execute(some)).scalars())
    gone = 0
    for name in names:
        wanted = select(change).where(c.deployment == name)
        known = [r.change_of(row) for row in (await connection.execute(wanted)).mappings()]
        kept = {(one.at, one.foreign) for one in r.remembered(known, start)}
        stale = [(o.at, o.foreign) for o in known if (o.at, o.foreign) not in kept][:BATCH]
        if stale:
            at_fault = c.deployment == name, tuple_(c.at, c.is_foreign).in_(stale)
            gone += (await connection.execute(delete(change).where(*at_fault))).rowcount
    return gone


async def _delete(connection: AsyncConnection, table: Table, old: ColumnElement[bool]) -> int:
    (key,) = table.primary_key.columns
    batch = select(key).where(old).limit(BATCH)
    return (await connection.execute(delete(table).where(key.in_(batch)))).rowcount


async def count(connection: AsyncConnection) -> int:
    """How many decisions are kept."""
    return int((await connection.execute(select(func.count()).select_from(decision))).scalar_one())
