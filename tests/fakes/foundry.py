"""A small Foundry on a loopback port that records what arrives and misbehaves on request."""

from __future__ import annotations

import asyncio
import copy
import heapq
import json
import random
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from autoscaler.foundry import FixedSecret, FoundryOptions, FoundryPlatform, TokenLogin
from autoscaler.foundry.options import Login, PacingOptions

RID = "ri.foundry-ml-live.main.live-deployment.f351c142-0e4c-4b12-adc2-6e1539737ae9"
MODEL = "ri.models.main.model.f351c142-0e4c-4b12-adc2-6e1539737ae9"
TOKEN = "canary-token-5f2a91c0"

# The response of the vendor's page for the replace endpoint, as it stands there.
EXAMPLE_ANSWER: dict[str, Any] = {
    "runtimeConfiguration": {
        "minReplicas": 1,
        "maxReplicas": 3,
        "cpu": 1,
        "memory": "256MiB",
        "threadCount": 32,
    },
    "modelVersion": {
        "modelRid": MODEL,
        "modelVersionRid": "ri.models.main.model-version.adf94926-c3ac-41ea-beb2-4946699d08ee",
    },
    "rid": RID,
    "branch": "master",
    "status": {"state": "ACTIVE", "isReady": True},
}
# The body of its request.
EXAMPLE_REQUEST = (
    '{"runtimeConfiguration":{"minReplicas":1,"maxReplicas":3,"cpu":1.0,"memory":"256MiB",'
    '"threadCount":32}}'
)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    token: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """A scripted answer. `stores` says that a PUT is carried out all the same."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    resets: bool = False
    hangs: bool = False
    stores: bool = False


RESET = Reply(resets=True)
HANG = Reply(hangs=True)


def error(status: int, name: str, code: str = "INVALID_ARGUMENT", /, **parameters: object) -> Reply:
    """An error in the platform's own shape."""
    said = {
        "errorCode": code,
        "errorName": name,
        "errorInstanceId": "7e8f1d52-0000-4000-8000-000000000001",
        "parameters": parameters,
    }
    return Reply(status, json.dumps(said).encode())


class Stack:
    """Deployments by RID as raw JSON, a token endpoint, and a script of misbehaviour."""

    def __init__(self) -> None:
        self.deployments: dict[str, dict[str, Any]] = {RID: copy.deepcopy(EXAMPLE_ANSWER)}
        self.requests: list[Seen] = []
        self.script: dict[str, deque[Reply]] = defaultdict(deque)
        self.accepts: set[str] | None = None
        self.tokens = 0
        self.expires_in: object = 3600
        self.clamp: Callable[[dict[str, Any]], dict[str, Any]] = lambda configuration: configuration
        self.after_get: Callable[[], None] = lambda: None
        self.url = ""
        self.hanging = asyncio.Event()
        self._over = asyncio.Event()

    def next(self, method: str, *replies: Reply) -> None:
        """Script the answers to the next requests of a method."""
        self.script[method].extend(replies)

    def methods(self) -> list[str]:
        return [seen.method for seen in self.requests]

    def configuration(self, rid: str = RID) -> dict[str, Any]:
        found: dict[str, Any] = self.deployments[rid]["runtimeConfiguration"]
        return found

    def end(self) -> None:
        self._over.set()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        seen = Seen(
            request.method,
            request.raw_path,
            dict(request.headers),
            await request.read(),
            request.headers.get("Authorization", "").removeprefix("Bearer "),
        )
        self.requests.append(seen)
        script = self.script[seen.method]
        if script:
            return await self._scripted(request, script.popleft(), seen)
        if seen.method == "POST":
            return self._grant()
        if self.accepts is not None and seen.token not in self.accepts:
            return web.Response(status=401)
        return self._served(seen)

    async def _scripted(
        self, request: web.BaseRequest, reply: Reply, seen: Seen
    ) -> web.StreamResponse:
        if reply.stores:
            self._served(seen)
        if reply.hangs:
            self.hanging.set()
            await self._over.wait()
        if reply.resets and request.transport is not None:
            request.transport.abort()
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    def _grant(self) -> web.Response:
        self.tokens += 1
        grant = {"access_token": f"token-{self.tokens}", "token_type": "bearer"}
        return web.json_response(grant | {"expires_in": self.expires_in})

    def _served(self, seen: Seen) -> web.Response:
        path = seen.path.split("?", 1)[0]
        if path.endswith("/liveDeployments"):
            return web.json_response({"data": list(self.deployments.values())})
        rid = path.rsplit("/", 1)[-1]
        if rid not in self.deployments:
            missing = error(404, "LiveDeploymentNotFound", "NOT_FOUND", liveDeploymentRid=rid)
            return web.Response(status=404, body=missing.body)
        if seen.method == "PUT":
            self.deployments[rid]["runtimeConfiguration"] = self.clamp(
                seen.json["runtimeConfiguration"]
            )
        answer = web.json_response(self.deployments[rid])
        if seen.method == "GET":
            self.after_get()
        return answer


@asynccontextmanager
async def foundry(tls: ssl.SSLContext | None = None) -> AsyncIterator[Stack]:
    """A running stack on 127.0.0.1."""
    stack = Stack()
    runner = web.ServerRunner(web.Server(stack.serve), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    stack.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stack
    finally:
        stack.end()
        await runner.cleanup()


class VirtualClock:
    """Time that jumps to the next sleeper when nobody else has anything to do."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at
        self.up = 5000.0
        self._wakes: list[float] = []

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.up

    def forward(self, seconds: float) -> None:
        self.at += seconds
        self.up += seconds

    async def sleep(self, seconds: float) -> None:
        wake = self.up + seconds
        heapq.heappush(self._wakes, wake)
        try:
            while self.up < wake:
                for _ in range(5):
                    await asyncio.sleep(0)
                if self._wakes[0] == wake and self.up < wake:
                    self.at += wake - self.up
                    self.up = wake
        finally:
            self._wakes.remove(wake)
            heapq.heapify(self._wakes)


@dataclass
class Watch:
    """Remembers what the platform's watch was told."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    retries: list[tuple[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    paces: list[tuple[float, bool]] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)

    def requested(self, operation: str, status: str, seconds: float) -> None:
        self.requests.append((operation, status))

    def retried(self, operation: str, cause: str) -> None:
        self.retries.append((operation, cause))

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        self.paces.append((requests_per_second, breaker_open))

    def skewed(self, seconds: float) -> None:
        self.skews.append(seconds)


BRISK = PacingOptions(requests_per_second=1000, burst=1000, concurrency=4)


@dataclass
class Bench:
    """A platform beside the stack that it talks to."""

    stack: Stack
    platform: FoundryPlatform
    clock: VirtualClock
    watch: Watch


@asynccontextmanager
async def bench(
    login: Login | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Bench]:
    """A platform and its stack; `options` are those of FoundryOptions."""
    async with foundry(tls) as stack:
        clock, watch = VirtualClock(), Watch()
        given = FoundryOptions(url=stack.url, pacing=BRISK, read_timeout_s=5)
        platform = FoundryPlatform(
            replace(given, **options),
            login or TokenLogin(FixedSecret(TOKEN)),
            clock,
            random.Random(7),  # noqa: S311 - jitter is no secret
            watch,
        )
        try:
            yield Bench(stack, platform, clock, watch)
        finally:
            await platform.close()
