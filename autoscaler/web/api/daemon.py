"""The daemon itself: in short, and its health in full."""

from __future__ import annotations

import asyncio

from aiohttp import web

from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.params import Params
from autoscaler.web.problems import dump


class Itself:
    """`/api/v1/status` and `/api/v1/health`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def status(self, request: web.Request) -> web.Response:
        """The daemon in short."""
        Params(request, ())
        parts = self._parts

        async def make() -> bytes:
            standing = await parts.standing()
            return dump(await asyncio.to_thread(parts.face.status, standing))

        return send(request, await parts.shelf.body("status", make))

    async def health(self, request: web.Request) -> web.Response:
        """Sources, platform, loop, journal, configuration."""
        Params(request, ())
        parts = self._parts

        async def make() -> bytes:
            return dump(await parts.face.health())

        return send(request, await parts.shelf.body("health", make))
