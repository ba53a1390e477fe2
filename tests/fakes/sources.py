"""A metrics server on loopback that answers as told, and ears for what a source tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Ears:
    """A SourceWatch that remembers."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.heard.append((source, outcome))

    @property
    def outcomes(self) -> list[str]:
        return [outcome for _, outcome in self.heard]


class StillClock:
    """A clock at which it is always the same moment."""

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return


class MetricsServer:
    """Answers every request with `handler`; remembers paths, headers and forms."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.paths: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.forms: list[Mapping[str, str]] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        if request.method == "POST":
            form = await request.post()
            self.forms.append({key: str(value) for key, value in form.items()})
        return await self.handler(request)


def vector(*series: tuple[Mapping[str, str], float, str], **more: object) -> bytes:
    """An instant answer: labels, evaluation time, value as Prometheus writes it."""
    result = [{"metric": labels, "value": [at, value]} for labels, at, value in series]
    return success("vector", result, **more)


def matrix(*series: tuple[Mapping[str, str], list[tuple[float, str]]], **more: object) -> bytes:
    """A range answer."""
    result = [{"metric": labels, "values": values} for labels, values in series]
    return success("matrix", result, **more)


def success(kind: str, result: object, **more: object) -> bytes:
    data = {"resultType": kind, "result": result}
    return orjson.dumps({"status": "success", "data": data, **more})


def answering(
    body: bytes,
    status: int = 200,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Handler:
    """Always the same answer."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(
            body=body, status=status, headers={"Content-Type": media_type, **(headers or {})}
        )

    return handle


def instants(values: bytes, ages: bytes) -> Handler:
    """`values` for the query itself, `ages` for the question of the samples' age."""

    async def handle(request: web.Request) -> web.Response:
        form = await request.post()
        body = ages if "timestamp(" in str(form["query"]) else values
        return web.Response(body=body, content_type="application/json")

    return handle
