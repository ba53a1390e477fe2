"""An OTLP collector on loopback that reads what it is sent."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """Keeps every span; `status` is what it answers."""

    url: str = ""
    status: int = 200
    spans: list[Span] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.status == 200:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for attribute in resource.resource.attributes:
                    if attribute.key == "service.name":
                        self.services.add(attribute.value.string_value)
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        return web.Response(status=self.status, content_type="application/x-protobuf")


@asynccontextmanager
async def collector(status: int = 200) -> AsyncIterator[Collector]:
    made = Collector(status=status)
    app = web.Application()
    app.router.add_post("/v1/traces", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        made.url = f"http://{host}:{port}/v1/traces"
        yield made
    finally:
        await runner.cleanup()
