"""`/api/v1/events`: what happens, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import hdrs, web

from autoscaler.web.api.parts import Parts
from autoscaler.web.params import Params
from autoscaler.web.problems import problem
from autoscaler.web.stream import Stream, rendered

HEARTBEAT_S = 15.0
AGAIN_MS = 2_000


class Events:
    """The handler of all streams."""

    def __init__(self, parts: Parts, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._parts = parts
        self._heartbeat_s = heartbeat_s

    async def get(self, request: web.Request) -> web.StreamResponse:
        """A stream that ends when either side does."""
        Params(request, ())
        hub = self._parts.hub
        if hub.full:
            return problem(503, "too many streams are open; try again", {"Retry-After": "10"})
        answer = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream"})
        # A proxy that collects before it passes on would make the page stand still.
        answer.headers["X-Accel-Buffering"] = "no"
        if request.method == hdrs.METH_HEAD:
            return answer
        stream = hub.join(lambda: _drop(request), request.headers.get("Last-Event-ID", ""))
        try:
            await answer.prepare(request)
            hello = rendered("hello", self._hello())
            await answer.write(f"retry: {AGAIN_MS}\n".encode() + hello)
            await self._pass_on(answer, stream)
        except (ConnectionError, TimeoutError):
            pass  # the reader is gone, and says so by going
        finally:
            hub.leave(stream)
        return answer

    async def _pass_on(self, answer: web.StreamResponse, stream: Stream) -> None:
        while not stream.ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await stream.news.wait()
            if not stream.ended:
                await answer.write(stream.take() or b":\n\n")

    def _hello(self) -> dict[str, Any]:
        return dict(self._parts.face.hello())


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
