"""Runs the migrations on the connection that the journal hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from autoscaler.journal.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
