"""When the source of a signal answered again, so that a restart does not end its grace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Signal by signal as a JSON object; null while it is away."""
    column = sa.Column("returned", sa.Text(), nullable=False, server_default="{}")
    op.add_column("deployment", column)
