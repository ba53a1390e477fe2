"""What is known beside the daemon: the journal as another process reads it, and own moves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autoscaler.core.controls import Standing
from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Override
from autoscaler.journal import SqlJournal
from autoscaler.lab.sim.fleet import Fleet, Member
from autoscaler.lab.sim.record import DIALS, Put, Record
from autoscaler.lab.sim.world import World

# What a deployment with far too much to do must have at the end, unless its limit is lower.
ENOUGH = 25
HOUR_S, NOTICED_S, DAY_S = 3600.0, 1800.0, 86_400.0
KEPT = frozenset({Kind.APPLIED, Kind.REFUSED, Kind.FAILED})

Row = dict[str, Any]


@dataclass(slots=True)
class Lives:
    """When the daemon began to run, last."""

    since: float = 0.0


@dataclass(slots=True)
class Said:
    """What a configuration said of one deployment, and until when that held."""

    member: Member
    until: float = float("inf")


@dataclass(slots=True)
class Witness:
    """Remembers, and compares with the journal. `lives` is kept by whoever starts the daemon."""

    world: World
    fleet: Fleet
    record: Record
    place: Path
    lives: Lives = field(default_factory=Lives)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Rows that the journal has confirmed: their id and their table."""
    said: dict[str, list[Said]] = field(default_factory=dict)
    """By name, what configurations said that may be in force."""
    moved: dict[tuple[str, str], float] = field(default_factory=dict)
    """By RID and dial, when an own PUT moved it last."""
    _reader: sqlite3.Connection | None = None

    def rows(self, query: str, *values: object) -> list[Row]:
        """What another process would read."""
        if self._reader is None:
            self._reader = sqlite3.connect(self.place, timeout=0)
            self._reader.row_factory = sqlite3.Row
        return [dict(row) for row in self._reader.execute(query, values)]

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def configured(self) -> None:
        """A good configuration was written: it may be in force from now on."""
        for member in self.fleet.members:
            said = Said(replace(member))
            self.said.setdefault(member.name, []).append(said)

    def loaded(self) -> None:
        """The configuration that was written last is in force: no other is any more."""
        for history in self.said.values():
            for old in history[:-1]:
                old.until = min(old.until, self.world.now)
            del history[:-5]

    def took_effect(self, put: Put) -> None:
        """The platform did what a PUT asked for."""
        if put.effect is None:
            return
        before, after = put.effect
        for dial in DIALS:
            if of(before, dial) != of(after, dial):
                self.moved[put.rid, dial] = self.world.now

    # --- the journal ------------------------------------------------------------------------

    def listen(self, journal: SqlJournal) -> None:
        """Hear what it confirms."""
        intend, conclude, add = journal.intend, journal.conclude, journal.add_override

        async def intended(decision: Decision) -> None:
            await intend(decision)
            self.acknowledged[decision.id] = "intent"

        async def concluded(decisions: Sequence[Decision]) -> None:
            await conclude(decisions)
            for one in decisions:
                if one.outcome.kind in KEPT:
                    self.acknowledged[f"{one.id}"] = "decision"

        async def added(scope: str, override: Override) -> Standing:
            standing = await add(scope, override)
            self.acknowledged[standing.id] = "override"
            return standing

        journal.intend = intended  # type: ignore[method-assign]  # it hears, and changes nothing
        journal.conclude = concluded  # type: ignore[method-assign]  # likewise
        journal.add_override = added  # type: ignore[method-assign]  # likewise

    def journal(self) -> None:
        """No row that was confirmed is gone, unless it was so old that it had to."""
        if self.fleet.keep_s is not None:
            # Ids begin with the moment, in milliseconds and as twelve hexadecimal digits.
            old = f"{int((self.world.wall - self.fleet.keep_s + DAY_S) * 1000):012x}"
            self.acknowledged = {i: kind for i, kind in self.acknowledged.items() if i > old}
        for table, key in (("intent", "decision_id"), ("decision", "id"), ("override", "id")):
            wanted = {one for one, kind in self.acknowledged.items() if kind == table}
            if not wanted:
                continue
            held = {row[key] for row in self.rows(f"SELECT {key} FROM {table}")}  # noqa: S608 - names of our own
            lost = sorted(wanted - held)
            if lost:
                self.world.found("lost", f"{len(lost)} confirmed rows of {table}: {lost[0]}")

    def unsettled(self, refused: dict[str, float]) -> Iterator[tuple[str, str]]:
        """What is not as it must be at the end: the invariant that does not hold, and how.

        Every intent has its end, and whoever has too much to do was raised.
        """
        managed = {member.rid for member in self.fleet.members if member.managed}
        for row in self.rows("SELECT decision_id, rid FROM intent WHERE state = 'open'"):
            # One that left the configuration is nobody's to look at until it comes back.
            if row["rid"] in managed:
                yield "dangling", f"the intent {row['decision_id']} has no end"
        # A refusal and a hand count for an hour, from when the daemon noticed them.
        start = self.world.now - HOUR_S - NOTICED_S
        for member in self.fleet.members:
            late = max(refused.get(member.rid, 0.0), self.record.handed.get(member.rid, 0.0))
            if not member.managed or member.mode == "recommend" or late > start:
                continue
            told = self.record.told.get(member.rid)
            floor = told[0]["minReplicas"] if told else -1
            if floor < min(ENOUGH, member.replicas[1]):
                yield "resumes", f"{member.name} has {floor} of {member.replicas[1]}"


def of(envelope: Envelope, dial: str) -> int:
    """One dial by the platform's name of it."""
    return {
        "minReplicas": envelope.min_replicas,
        "maxReplicas": envelope.max_replicas,
        "threadCount": envelope.threads,
    }[dial]
