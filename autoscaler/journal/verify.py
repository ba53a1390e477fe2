"""Checks the chain and what it vouches for, a page at a time, beside whoever writes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.activity import Act, Break, Entry, Verified
from autoscaler.journal import activity as a
from autoscaler.journal.chain import digest_of, flaw
from autoscaler.journal.overrides import body_of
from autoscaler.journal.prune import DECIDED, Pruning
from autoscaler.journal.schema import activity, decision, override

# Entries in one transaction, with the decisions that they tell of: about 4 MiB.
PAGE = 1000
WORDS = frozenset({Act.OVERRIDE_ADDED, Act.OVERRIDE_ENDED, Act.OVERRIDE_EXPIRED})


class Verifier:
    """Walks the chain from its old end to where it ended when the walk began."""

    def __init__(self) -> None:
        self._ends: a.Ends | None = None
        self._prunings: tuple[Pruning, ...] = ()
        self._seq = 0
        self._prev = ""
        self._count = 0

    async def step(self, connection: AsyncConnection) -> Verified | None:
        """Check the next page in one transaction; the verdict once there is one."""
        if self._ends is None:
            await self._begin(connection)
        goal = self._goal
        rows = [r for r in await a.raw(connection, self._seq, PAGE) if r["seq"] <= goal.last_seq]
        found = await self._flaw(connection, rows)
        if found is not None:
            return await self._doubt(connection, found)
        return self._verdict(None) if self._seq >= goal.last_seq else None

    @property
    def _goal(self) -> a.Ends:
        assert self._ends is not None  # noqa: S101 - set by the first step
        return self._ends

    async def _begin(self, connection: AsyncConnection) -> None:
        self._ends, self._prunings = await a.ends(connection), await _prunings(connection)
        self._seq, self._prev = self._ends.first_seq - 1, self._ends.anchor
        self._count = 0

    async def _flaw(self, connection: AsyncConnection, rows: Sequence[RowMapping]) -> Break | None:
        entries: list[Entry] = []
        broken: Break | None = None
        for row in rows:
            try:
                entry = a.entry_of(row)
            except ValueError:
                broken = Break(row["seq"], "it was changed: it is of no known kind")
                break
            broken = flaw(entry, self._seq + 1, self._prev)
            if broken is not None:
                break
            self._seq, self._prev = entry.seq, entry.hash
            entries.append(entry)
        self._count += len(entries)
        # What an earlier entry vouches for comes before a link that is broken further on.
        return await self._unlike(connection, entries) or broken or self._end(rows)

    def _end(self, rows: Sequence[RowMapping]) -> Break | None:
        goal = self._goal
        if not rows and self._seq < goal.last_seq:
            return Break(self._seq + 1, f"it is missing, and so is all up to {goal.last_seq}")
        if self._seq == goal.last_seq and self._prev != goal.head:
            return Break(self._seq, "it is not the one that was written last")
        return None

    async def _doubt(self, connection: AsyncConnection, found: Break) -> Verified | None:
        """A pruning may have taken what was about to be read: then walk again."""
        if await _prunings(connection) == self._prunings:
            return self._verdict(found)
        await self._begin(connection)
        return None

    def _verdict(self, found: Break | None) -> Verified:
        goal = self._goal
        if goal.last_seq < goal.first_seq and found is None:
            return Verified(0, None, None, goal.head, None)
        return Verified(self._count, goal.first_seq, goal.last_seq, goal.head, found)

    async def _unlike(self, connection: AsyncConnection, entries: Sequence[Entry]) -> Break | None:
        """The first entry whose decision or override is not the one that it was made of."""
        decided = [e for e in entries if e.kind.value in DECIDED and e.ref and e.digest]
        worded = [e for e in entries if e.kind in WORDS and e.ref and e.digest]
        bodies = await _bodies(connection, [e.ref or "" for e in decided])
        rows = await _rows(connection, [e.ref or "" for e in worded])
        flaws = [
            *(self._decision(e, bodies.get(e.ref or "")) for e in decided),
            *(self._word(e, rows.get(e.ref or "")) for e in worded),
        ]
        return min((f for f in flaws if f is not None), key=lambda f: f.seq, default=None)

    def _decision(self, entry: Entry, body: str | None) -> Break | None:
        if body is None:
            return self._gone(entry, "decision")
        if digest_of(body.encode()) == entry.digest:
            return None
        return Break(entry.seq, f"the decision {entry.ref} is not the one that was recorded")

    def _word(self, entry: Entry, row: RowMapping | None) -> Break | None:
        if row is None:
            return self._gone(entry, "override")
        if digest_of(body_of(row, entry.kind)) == entry.digest:
            return None
        return Break(entry.seq, f"the override {entry.ref} is not the one that was recorded")

    def _gone(self, entry: Entry, what: str) -> Break | None:
        if any(pruning.took(entry) for pruning in self._prunings):
            return None
        return Break(entry.seq, f"the {what} {entry.ref} is gone, and no pruning took it")


async def _prunings(connection: AsyncConnection) -> tuple[Pruning, ...]:
    a_, found = activity.c, []
    pruned = select(a_.ref).where(a_.kind == Act.PRUNED.value).order_by(a_.seq)
    for ref in (await connection.execute(pruned)).scalars():
        # One that cannot be read allows nothing; that it was changed shows by its hash.
        with suppress(ValueError):
            found.append(Pruning.of(ref or ""))
    return tuple(found)


async def _bodies(connection: AsyncConnection, idents: Sequence[str]) -> dict[str, str]:
    d = decision.c
    wanted = select(d.id, d.body).where(d.id.in_(list(idents)))
    return {row.id: row.body for row in await connection.execute(wanted)} if idents else {}


async def _rows(connection: AsyncConnection, idents: Sequence[str]) -> dict[str, RowMapping]:
    wanted = select(override).where(override.c.id.in_(list(idents)))
    if not idents:
        return {}
    return {row["id"]: row for row in (await connection.execute(wanted)).mappings()}
