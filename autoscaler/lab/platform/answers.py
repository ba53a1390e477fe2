"""How one request is answered: faults, rights and error bodies around a verb."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from autoscaler.lab.platform import errors
from autoscaler.lab.platform.errors import ApiError
from autoscaler.lab.platform.faults import Fault, FaultBook, FaultKind
from autoscaler.lab.platform.tokens import TokenBooth
from autoscaler.ports import Clock

MAX_BODY_BYTES = 50 * 1024**2  # the platform takes requests of up to 50 MB by default
_SCOPE_OF = {"create": "write", "replace": "write", "start": "write", "disable": "write"} | {
    "list": "read",
    "get": "read",
    "transform": "execute",
}
_HTML = "<html><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one verb."""

    operation: str
    rid: str | None
    query: Mapping[str, str]
    body: Any
    fault: Fault | None

    def clamp(self) -> int | None:
        """The replica maximum that a `clamped` fault allows."""
        if self.fault is not None and self.fault.kind is FaultKind.CLAMPED:
            return self.fault.max_replicas
        return None


Verb = Callable[[Call], Awaitable[Any]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Wraps verbs into request handlers. `clock` is the callers' clock, not the simulated one."""

    def __init__(self, faults: FaultBook, tokens: TokenBooth, clock: Clock) -> None:
        self.faults = faults
        self.tokens = tokens
        self.clock = clock

    def api(self, operation: str, verb: Verb) -> Answer:
        """A handler for a verb of the platform's API."""

        async def handle(request: web.Request) -> web.StreamResponse:
            rid = request.match_info.get("rid")
            fault = self.faults.take(operation, rid)
            return await self._guarded(request, fault, operation, verb)

        return handle

    def plain(self, operation: str, page: Answer) -> Answer:
        """A handler for a page without rights: the token endpoint, the metrics."""

        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self.faults.take(operation, None)
            try:
                early = await self._before(request, fault, operation)
                answer = early or await page(request)
            except ApiError as error:
                return _error(error)
            return await self._after(request, fault, answer)

        return handle

    async def _guarded(
        self, request: web.Request, fault: Fault | None, operation: str, verb: Verb
    ) -> web.StreamResponse:
        try:
            early = await self._before(request, fault, operation)
            if early is not None:
                return early
            self._check_rights(request, operation)
            rid = request.match_info.get("rid")
            if fault is not None and fault.kind is FaultKind.PERMISSION_DENIED:
                raise errors.permission_denied(operation, rid)
            call = Call(operation, rid, request.query, await _body(request), fault)
            answer = await verb(call)
        except ApiError as error:
            return _error(error)
        if answer is None:
            return await self._after(request, fault, web.Response(status=204))
        return await self._after(request, fault, web.json_response(_reshaped(answer, fault)))

    def _check_rights(self, request: web.Request, operation: str) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise ApiError(401, "MissingCredentials")
        scopes = self.tokens.scopes(token.strip(), self.clock.now())
        if scopes is None:
            raise ApiError(401, "InvalidCredentials")
        needed = f"api:models-{_SCOPE_OF[operation]}"
        if needed not in scopes:
            raise ApiError(403, "ApiUsageDenied", {"missingScope": needed})
        if request.query.get("preview", "").lower() != "true":
            raise ApiError(400, "ApiFeaturePreviewUsageOnly")

    async def _before(
        self, request: web.Request, fault: Fault | None, operation: str
    ) -> web.StreamResponse | None:
        """What a fault does instead of the verb; None lets the verb go ahead."""
        if fault is None:
            return None
        if fault.kind is FaultKind.SLOW:
            await request.read()  # all of it arrived: it is worked on even if its sender leaves
            await self.clock.sleep(fault.delay_s)
        elif fault.kind is FaultKind.RESET_BEFORE:
            return _reset(request)
        elif fault.kind is FaultKind.API_MISSING:
            return web.Response(status=404)
        elif fault.kind is FaultKind.SERVER_ERROR:
            return _page(fault.status)
        elif fault.kind in _REFUSALS:
            raise _refusal(fault)
        elif fault.kind is FaultKind.PERMISSION_DENIED and operation in {"token", "metrics"}:
            raise ApiError(403, "ApiUsageDenied")
        return None

    async def _after(
        self, request: web.Request, fault: Fault | None, answer: web.StreamResponse
    ) -> web.StreamResponse:
        """What a fault does to an answer whose work is done."""
        if fault is None:
            return answer
        if fault.kind is FaultKind.RESET_AFTER:
            return _reset(request)
        if fault.kind is FaultKind.SKEWED:
            answer.headers["Date"] = formatdate(self.clock.now() + fault.skew_s, usegmt=True)
        if fault.kind is FaultKind.SLOW_AFTER:
            await self.clock.sleep(fault.delay_s)
        if fault.kind is FaultKind.GARBAGE:
            return web.Response(text='{"rid": ', content_type="application/json")
        return answer


_REFUSALS = {
    FaultKind.RATE_LIMITED: (429, "RateLimitExceeded"),
    FaultKind.UNAVAILABLE: (503, "ServiceUnavailable"),
    FaultKind.UNAUTHORIZED: (401, "InvalidCredentials"),
    FaultKind.NAMED_ERROR: (0, ""),
}


def _refusal(fault: Fault) -> ApiError:
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    if fault.do_not_retry:
        headers["QoS-Retry-Hint"] = "do-not-retry"
    status, name = _REFUSALS[fault.kind]
    if fault.kind is FaultKind.NAMED_ERROR:
        return ApiError(fault.status, fault.error_name, fault.parameters, headers=headers)
    return ApiError(status, name, headers=headers)


def _error(error: ApiError) -> web.Response:
    return web.json_response(error.body(), status=error.status, headers=error.headers)


def _page(status: int) -> web.Response:
    return web.Response(status=status, text=_HTML, content_type="text/html")


def _reset(request: web.Request) -> web.Response:
    """Cut the connection, so that the peer gets a reset (RST) and not an orderly end."""
    transport = request.transport
    if isinstance(transport, asyncio.Transport):
        peer: socket.socket = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)  # goes nowhere


def _reshaped(answer: Any, fault: Fault | None) -> Any:
    """The answer as an older or a newer platform would give it."""
    if fault is None or fault.kind not in {FaultKind.OLD_SHAPE, FaultKind.UNKNOWN_STATE}:
        return answer
    for one in answer.get("data", [answer]):
        if fault.kind is FaultKind.UNKNOWN_STATE and "status" in one:
            one["status"]["state"] = fault.state
        if fault.kind is FaultKind.OLD_SHAPE and "runtimeConfiguration" in one:
            for name in fault.fields:
                one["runtimeConfiguration"].pop(name, None)
    return answer


async def _body(request: web.Request) -> Any:
    try:
        text = await request.text()
        return json.loads(text) if text else None
    except web.HTTPRequestEntityTooLarge as problem:
        raise ApiError(413, "RequestEntityTooLarge") from problem
    except (JSONDecodeError, UnicodeDecodeError) as problem:
        raise errors.invalid("body", "must be JSON", "(not JSON)") from problem
