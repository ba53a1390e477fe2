"""A journal on a PostgreSQL server. Needs the `postgres` extra (asyncpg)."""

from __future__ import annotations

from sqlalchemy import URL, NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from autoscaler.journal import schema
from autoscaler.journal.errors import JournalLocked
from autoscaler.ports import JournalError

# The first eight bytes of blake2b("foundry-autoscaler journal"), as a signed number.
LOCK_KEY = -7_517_093_435_473_002_156


class Postgres:
    """A database on a server; `exclusive` holds a session lock, so that one daemon writes."""

    def __init__(self, url: URL, *, exclusive: bool, readonly: bool, deadline_s: float) -> None:
        try:
            import asyncpg  # type: ignore[import-untyped]  # it ships no types
        except ImportError as error:
            raise JournalError(
                "a postgresql journal needs asyncpg: pip install 'foundry-autoscaler[postgres]'"
            ) from error
        self.foreign: tuple[type[BaseException], ...] = (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
        )
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name, which the driver does not know
            query["ssl"] = query.pop("sslmode")
        self._url = url.set(drivername="postgresql+asyncpg", query=query)
        shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
        self.place = shown.render_as_string()
        self.secret = url.password or ""
        self.exclusive = exclusive
        self.readonly = readonly
        self.deadline_s = deadline_s

    def take(self) -> None:
        """Nothing to take here: `check` takes the lock with each session."""

    def free(self) -> None:
        """The lock ends with its session."""

    def engine(self) -> AsyncEngine:
        """One connection, made when it is needed; a black hole costs one deadline."""
        # Default deadlines of the driver are none at all: it hung for as long as it was tried.
        session = {
            "application_name": "autoscaler",
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        }
        if self.readonly:
            session["default_transaction_read_only"] = "on"
        arguments = {
            "timeout": self.deadline_s,
            "command_timeout": self.deadline_s,
            "server_settings": session,
        }
        return create_async_engine(
            self._url, poolclass=NullPool, hide_parameters=True, connect_args=arguments
        )

    async def check(self, connection: AsyncConnection) -> None:
        """It is a primary, commits are durable, and no other daemon is there."""
        if self.readonly:
            return
        if (await connection.execute(text("SELECT pg_is_in_recovery()"))).scalar():
            raise JournalError(f"the journal {self.place} is a replica; name the primary")
        # A role may have it off; anything stronger that the server asks for is kept.
        mode = (await connection.execute(text("SHOW synchronous_commit"))).scalar()
        if mode == "off":
            await connection.execute(text("SET synchronous_commit = on"))
        if self.exclusive:
            await self._lock(connection)

    async def _lock(self, connection: AsyncConnection) -> None:
        ask = text("SELECT pg_try_advisory_lock(:key)").bindparams(key=LOCK_KEY)
        if not (await connection.execute(ask)).scalar():
            raise JournalLocked(
                f"another daemon holds the journal {self.place}; "
                "two daemons must not write to the same deployments"
            )

    async def bytes_used(self, connection: AsyncConnection) -> int:
        """Our tables with their indexes."""
        ask = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        total = 0
        for table in schema.metadata.tables.values():
            quoted = f'"{table.name}"'
            total += int((await connection.execute(ask, {"name": quoted})).scalar_one())
        return total

    def advice(self, text: str) -> str:
        """What to do, by the server's own words."""
        if "does not exist" in text or "authentication failed" in text:
            return "look at journal.url and its password"
        return ""
