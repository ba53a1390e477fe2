"""Probes and metrics: answered to everybody who may reach the port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from autoscaler.web.answers import JSON, bound, send
from autoscaler.web.face import Face
from autoscaler.web.problems import dump


def probe(ask: Callable[[], tuple[bool, str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers 200 or 503 with a sentence."""

    async def answer(_: web.Request) -> web.Response:
        ok, detail = ask()
        body = dump({"ok": ok, "detail": detail})
        return web.Response(body=body, status=200 if ok else 503, content_type=JSON)

    return answer


class Scrape:
    """`/metrics`, one scrape at a time: two would only take turns at the interpreter."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._turn = asyncio.Lock()

    async def get(self, request: web.Request) -> web.Response:
        """Metrics in the format that the scraper prefers."""
        accept = request.headers.get(hdrs.ACCEPT, "")
        async with self._turn:
            data, kind = await asyncio.to_thread(self._face.metrics, accept)
            return send(request, await bound(data, kind))
