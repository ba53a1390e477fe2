"""What happened, as a chain of hashes; and overrides that set a mode."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

# What stands before the first entry: 64 zeros.
_NOTHING = "0" * 64


def upgrade() -> None:
    """A column, the chain, and the row that holds its two ends."""
    op.add_column("override", sa.Column("mode", sa.Text()))
    op.create_table(
        "activity",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("deployment", sa.Text()),
        sa.Column("group_name", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_activity_deployment_seq", "activity", ["deployment", "seq"])
    op.create_index("ix_activity_kind_seq", "activity", ["kind", "seq"])
    ends = op.create_table(
        "activity_ends",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    row = {"id": 1, "first_seq": 1, "anchor": _NOTHING, "last_seq": 0, "head": _NOTHING}
    op.bulk_insert(ends, [row])
