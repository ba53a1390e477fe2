"""One deployment: everything about it, its lines, its recorded decisions."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from autoscaler.core.decision import Kind
from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts, send_json
from autoscaler.web.api.recorded import listed
from autoscaler.web.face import Span, Wanted
from autoscaler.web.params import BadParameter, Params, cursor
from autoscaler.web.problems import dump

MOST_POINTS = 2_000
USUAL_POINTS = 360
MOST_DECISIONS = 200
HOURS_6 = 6 * 3600.0
LONGEST_S = 31 * 86_400.0
KINDS = tuple(kind.value for kind in Kind)


class One:
    """`/api/v1/deployments/{name}` and what is below it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """Everything about one deployment."""
        Params(request, ())
        name = request.match_info["name"]
        parts = self._parts
        if not parts.face.knows(name):
            return await parts.unknown(name)

        async def make() -> bytes:
            standing, cost = await parts.standing(), await parts.past.cost(name)

            def told() -> bytes:
                return dump(parts.face.deployment(name, standing, cost))

            return await asyncio.to_thread(told)

        return send(request, await parts.shelf.body(f"deployment {name}", make))

    async def series(self, request: web.Request) -> web.Response:
        """Its lines: load, forecasts, envelope."""
        params = Params(request, ("from", "to", "points"))
        start, end = params.span()
        points = params.whole("points", USUAL_POINTS, 1, MOST_POINTS)
        until = time.time() if end is None else end
        start = max(0.0, until - HOURS_6) if start is None else start
        if not 0 < until - start <= LONGEST_S:
            raise BadParameter("from", f"{start:g}", f"must lie 0..31 days before to ({until:g})")
        name = request.match_info["name"]
        if not self._parts.face.knows(name):
            return await self._parts.unknown(name)
        lines = await self._parts.past.series(name, Span(start, end, points))
        return await send_json(request, lines)

    async def decisions(self, request: web.Request) -> web.Response:
        """Its recorded decisions, newest first."""
        params = Params(request, ("limit", "cursor", "from", "to", "kind"))
        limit = params.whole("limit", 50, 1, MOST_DECISIONS)
        start, end = params.span()
        kinds = params.some("kind", KINDS)
        name = request.match_info["name"]
        question = [name, start, end, kinds]
        before = params.mark("decisions", question)
        if not self._parts.face.knows(name):
            return await self._parts.unknown(name)
        wanted = Wanted(name, before, limit + 1, start, end, kinds)
        found = await self._parts.records.decisions(wanted)
        rows = await asyncio.to_thread(listed, found[:limit])
        more = cursor("decisions", rows[-1]["id"], question) if len(found) > limit else None
        return await send_json(request, {"decisions": rows, "next": more})
