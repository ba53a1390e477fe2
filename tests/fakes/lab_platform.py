"""A clock that a test turns by hand, and a caller of the simulated platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.server import BASE, SimulatedPlatform

TOKEN = "static-test-token"
EXAMPLE = {
    "minReplicas": 1,
    "maxReplicas": 3,
    "cpu": 1.0,
    "memory": "256MiB",
    "threadCount": 32,
}
"""The runtime configuration of the vendor's own example request."""


@dataclass
class HandClock:
    """Stands still until `forward`; sleepers wake when their time has come."""

    at: float = 1_780_000_000.0
    up: float = 500.0
    _sleepers: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.up

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.up + seconds, woken))
        await woken

    def forward(self, seconds: float) -> None:
        self.at += seconds
        self.up += seconds
        due = [one for until, one in self._sleepers if until <= self.up]
        self._sleepers = [(until, one) for until, one in self._sleepers if until > self.up]
        for one in due:
            if not one.done():
                one.set_result(None)


class Caller:
    """Sends requests as a client would; answers are (status, JSON or text)."""

    def __init__(self, platform: SimulatedPlatform, session: aiohttp.ClientSession) -> None:
        self.platform = platform
        self.session = session
        self.headers = {"Authorization": f"Bearer {TOKEN}"}
        self.rid = next(iter(platform.deployments.values())).rid

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> tuple[int, Any]:
        url = self.platform.url + BASE + path
        query = {"preview": "true"} | params
        async with self.session.request(
            method, url, json=body, params=query, headers=self.headers
        ) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()

    async def get(self) -> tuple[int, Any]:
        return await self.ask("GET", f"/{self.rid}")

    async def put(self, **configuration: Any) -> tuple[int, Any]:
        return await self.ask("PUT", f"/{self.rid}", {"runtimeConfiguration": configuration})

    async def page(self, path: str) -> str:
        async with self.session.get(self.platform.url + path) as answer:
            return await answer.text()


@asynccontextmanager
async def running(*specs: DeploymentSpec, **settings: Any) -> AsyncIterator[Caller]:
    """A platform that listens, with a caller; one deployment called chat unless told otherwise."""
    chosen = specs or (DeploymentSpec("chat", Envelope(1, 3, 32)),)
    async with (
        SimulatedPlatform(chosen, token=TOKEN, **settings) as platform,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(platform, session)
