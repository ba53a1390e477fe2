"""The last hours' load of many deployments, in a few numbers each."""

from __future__ import annotations

import asyncio

from aiohttp import web

from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.params import BadParameter, Params
from autoscaler.web.problems import dump

MOST_NAMES = 200
LONGEST = 3_900


class Sparklines:
    """`/api/v1/sparklines`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """Lines by name; unknown names have none."""
        params = Params(request, ("names",))
        text = params.text("names", LONGEST) or ""
        names = tuple(dict.fromkeys(name for name in text.split(",") if name))
        if not 1 <= len(names) <= MOST_NAMES:
            rule = f"must be 1..{MOST_NAMES} names with commas between them"
            raise BadParameter("names", text, rule)
        parts = self._parts

        async def make() -> bytes:
            known = [name for name in names if parts.face.knows(name)]
            return dump(await asyncio.to_thread(parts.past.sparklines, known))

        return send(request, await parts.shelf.body(f"sparklines {names}", make))
