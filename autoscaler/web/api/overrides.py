"""What operators asked for and what holds now."""

from __future__ import annotations

from aiohttp import web

from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.params import Params
from autoscaler.web.problems import dump
from autoscaler.web.view import override_json


class Overrides:
    """`/api/v1/overrides`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """Those that are active, oldest first."""
        Params(request, ())

        async def make() -> bytes:
            standing = await self._parts.standing()
            return dump({"overrides": [override_json(one) for one in standing]})

        return send(request, await self._parts.shelf.body("overrides", make))
