"""How loads and envelopes went, four hours of one deployment in a row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """One compact blob per deployment and four hours."""
    op.create_table(
        "load_history",
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "at"),
    )
    op.create_index("ix_load_history_at", "load_history", ["at"])
