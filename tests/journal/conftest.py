"""Real stores: a SQLite file always, a PostgreSQL database when AUTOSCALER_TEST_POSTGRES names one.

To have one: `apt-get install postgresql`, start a server, and set for instance
AUTOSCALER_TEST_POSTGRES=postgresql://postgres@127.0.0.1:5432/postgres. Each test makes a
database of its own in there and drops it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import pytest

from autoscaler.journal import SqlJournal, open_journal
from tests.fakes.world import FakeClock

POSTGRES = os.environ.get("AUTOSCALER_TEST_POSTGRES", "")
NO_POSTGRES = "set AUTOSCALER_TEST_POSTGRES to a server's URL (apt-get install postgresql)"

# In CI a missing server is a failure: `.ci/run` starts one.
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgres", marks=pytest.mark.skipif(not (POSTGRES or IN_CI), reason=NO_POSTGRES)
        ),
    ]
)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'journal.db'}"
        return
    assert POSTGRES, NO_POSTGRES
    import asyncpg  # type: ignore[import-untyped]  # it ships no types

    name = f"autoscaler_test_{token_hex(6)}"
    server = await asyncpg.connect(POSTGRES)
    await server.execute(f"CREATE DATABASE {name}")
    yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def journal(url: str, clock: FakeClock) -> AsyncIterator[SqlJournal]:
    """An open journal on an empty store."""
    opened = await open_journal(url, clock=clock)
    yield opened
    await opened.close()
