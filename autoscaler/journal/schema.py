"""The tables, the same in SQLite and PostgreSQL.

`decision` and `activity` are append-only: rows are inserted once, never updated, and deleted by
age alone.
Times are Unix seconds, bodies are JSON text that a person can read with the database's own tools.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

# The newest migration. A start whose store is already there needs no migration tool at all.
HEAD = "0005"

# A state of an intent; the others are the kinds of outcomes.
OPEN = "open"
SUPERSEDED = "superseded"

metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _dials(when: str) -> list[Column[int]]:
    return [
        Column(f"{when}_{dial}", Integer, nullable=False)
        for dial in ("min_replicas", "max_replicas", "threads")
    ]


decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    _text("deployment"),
    _text("rid"),
    _text("group_name"),
    _text("kind"),
    _text("code"),
    _text("planned"),
    _text("body"),
    Index("ix_decision_deployment_id", "deployment", "id"),
    Index("ix_decision_at", "at"),
)

intent = Table(
    "intent",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    _text("deployment"),
    _text("rid"),
    *_dials("before"),
    *_dials("after"),
    _text("state"),
    Column("ended_at", Double),
    Column("body", Text),
    Index("ix_intent_state_at", "state", "at"),
)

change = Table(
    "change",
    metadata,
    Column("deployment", Text, primary_key=True),
    Column("at", Double, primary_key=True),
    Column("is_foreign", Boolean, primary_key=True),
    *_dials("before"),
    *_dials("after"),
    Index("ix_change_at", "at"),
)

deployment = Table(
    "deployment",
    metadata,
    Column("name", Text, primary_key=True),
    _text("group_name"),
    _text("recommended"),
    Column("watched_since", Double, nullable=False),
    _text("learned"),
    Column("returned", Text, nullable=False, server_default="{}"),
    Column("noted_at", Double, nullable=False),
    _text("session"),
)

group_tick = Table(
    "group_tick",
    metadata,
    Column("group_name", Text, primary_key=True),
    Column("at", Double, nullable=False),
    _text("session"),
)

forecast = Table(
    "forecast",
    metadata,
    Column("deployment", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

load_history = Table(
    "load_history",
    metadata,
    Column("deployment", Text, primary_key=True),
    Column("at", Double, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Index("ix_load_history_at", "at"),
)

override = Table(
    "override",
    metadata,
    Column("id", Text, primary_key=True),
    _text("scope"),
    _text("control"),
    Column("dial", Text),
    Column("value", Integer),
    Column("mode", Text),
    _text("author"),
    _text("why"),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("ended_at", Double),
    Column("ended_by", Text),
    Index("ix_override_ended_at", "ended_at"),
)

activity = Table(
    "activity",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    _text("kind"),
    Column("deployment", Text),
    Column("group_name", Text),
    _text("actor"),
    _text("summary"),
    Column("ref", Text),
    Column("digest", Text),
    _text("prev"),
    _text("hash"),
    Index("ix_activity_deployment_seq", "deployment", "seq"),
    Index("ix_activity_kind_seq", "kind", "seq"),
)

# One row: the ends of the chain. Who writes to the chain holds it, so that writers take turns.
activity_ends = Table(
    "activity_ends",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    _text("anchor"),
    Column("last_seq", BigInteger, nullable=False),
    _text("head"),
)
