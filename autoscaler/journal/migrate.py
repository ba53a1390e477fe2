"""Brings a store to the newest schema at open, in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from autoscaler.journal.schema import HEAD
from autoscaler.ports import JournalError

MIGRATIONS = Path(__file__).parent / "migrations"
# Two first starts on one server take turns: any constant will do, as long as it is the same.
_TURN = 7_205_911_358_260_021


def revision(connection: Connection) -> str | None:
    """The store's revision, None for an empty store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(connection: Connection, place: str, *, alone: bool) -> None:
    """Migrate to the newest revision. `alone` False never changes a store that others may use.

    Raises JournalError for a store that a newer version of the daemon has written.
    """
    if connection.dialect.name == "postgresql":
        turn = text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_TURN)
        connection.execute(turn)
    found = revision(connection)
    if found == HEAD:
        return
    _usable(found, place, ready=not alone and found is not None)
    # Imported late: 0.1 s that an ordinary start does not need.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def expect(connection: Connection, place: str) -> None:
    """Raise JournalError unless the store has exactly the revision of this version."""
    _usable(revision(connection), place, ready=True)


def _usable(found: str | None, place: str, *, ready: bool) -> None:
    """Raise JournalError for a revision from the future, or, if it must be `ready`, the past."""
    if found == HEAD:
        return
    if found is not None and found not in known():
        raise JournalError(
            f"the journal {place} was written by a newer version (revision {found}, this one "
            f"knows up to {HEAD}); install that version, or name another journal"
        )
    if ready:
        raise JournalError(
            f"the journal {place} has revision {found}, this version needs {HEAD}; "
            "start the daemon once, it brings the journal up to date"
        )


def known() -> frozenset[str]:
    """Every revision that this version can start from."""
    from alembic.script import ScriptDirectory

    return frozenset(r.revision for r in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
