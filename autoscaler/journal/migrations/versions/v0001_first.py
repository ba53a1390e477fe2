"""The first schema: decisions, intents, changes, state, ticks and overrides."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def _dials(when: str) -> list[sa.Column[int]]:
    names = ("min_replicas", "max_replicas", "threads")
    return [sa.Column(f"{when}_{name}", sa.Integer(), nullable=False) for name in names]


def upgrade() -> None:
    """Make everything."""
    _decisions()
    _state()
    op.create_table(
        "override",
        _text("id"),
        _text("scope"),
        _text("control"),
        sa.Column("dial", sa.Text()),
        sa.Column("value", sa.Integer()),
        _text("author"),
        _text("why"),
        _time("created_at"),
        sa.Column("expires_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_override_ended_at", "override", ["ended_at"])


def _decisions() -> None:
    texts = ("deployment", "rid", "group_name", "kind", "code", "planned", "body")
    op.create_table(
        "decision",
        _text("id"),
        _time("at"),
        *[_text(name) for name in texts],
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_decision_deployment_id", "decision", ["deployment", "id"])
    op.create_index("ix_decision_at", "decision", ["at"])
    op.create_table(
        "intent",
        _text("decision_id"),
        _time("at"),
        _text("deployment"),
        _text("rid"),
        *_dials("before"),
        *_dials("after"),
        _text("state"),
        sa.Column("ended_at", sa.Double()),
        sa.Column("body", sa.Text()),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("ix_intent_state_at", "intent", ["state", "at"])


def _state() -> None:
    op.create_table(
        "change",
        _text("deployment"),
        _time("at"),
        sa.Column("is_foreign", sa.Boolean(), nullable=False),
        *_dials("before"),
        *_dials("after"),
        sa.PrimaryKeyConstraint("deployment", "at", "is_foreign"),
    )
    op.create_index("ix_change_at", "change", ["at"])
    op.create_table(
        "deployment",
        _text("name"),
        _text("group_name"),
        _text("recommended"),
        _time("watched_since"),
        _text("learned"),
        _time("noted_at"),
        _text("session"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "group_tick",
        _text("group_name"),
        _time("at"),
        _text("session"),
        sa.PrimaryKeyConstraint("group_name"),
    )


def downgrade() -> None:
    """Nothing goes back: a journal is a record. Restore a copy instead."""
    raise RuntimeError("a journal does not go back: restore a copy of it instead")
