"""One server for a test, and questions to it in one line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from autoscaler.web.api.parts import Parts
from autoscaler.web.server import Server, serve
from tests.fakes.web import FakeFace, busy, parts


class Asker:
    """A client of one server."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The JSON of an answer with this status."""
        async with self.session.get(path, headers=headers) as answer:
            body = await answer.read()
            assert answer.status == status, body
            return orjson.loads(body) if body else None


@pytest.fixture
def fleet() -> FakeFace:
    return busy(30)


@pytest.fixture
def asked(fleet: FakeFace) -> Parts:
    return parts(fleet)


@pytest.fixture
async def site(asked: Parts) -> AsyncIterator[Server]:
    running = await serve(asked, "127.0.0.1:0")
    yield running
    await running.close()


@pytest.fixture
async def ask(site: Server) -> AsyncIterator[Asker]:
    async with ClientSession(site.url) as session:
        yield Asker(session)
