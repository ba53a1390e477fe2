"""Get, list and replace as the platform documents them: paced, logged in, retried where safe.

A read is asked again after a passing failure. A PUT is sent once: how an unclear end is
resolved is the caller's to decide, by reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from yarl import URL

from autoscaler.foundry.answers import error_of
from autoscaler.foundry.auth import Auth
from autoscaler.foundry.body import Object, decode, encode
from autoscaler.foundry.door import Answer, Door, Request
from autoscaler.foundry.endpoints import Endpoints
from autoscaler.foundry.errors import (
    FoundryError,
    InvalidAnswer,
    NoAnswer,
    TimedOut,
    TokenRenewed,
    TooLate,
    Unauthorized,
    retry_cause,
)
from autoscaler.foundry.fence import Fence
from autoscaler.foundry.options import FoundryOptions
from autoscaler.foundry.pacing import Pace, Turn
from autoscaler.foundry.secret import Secret
from autoscaler.foundry.skew import skew_s
from autoscaler.foundry.wire import CONFIGURATION
from autoscaler.ports import Clock, PlatformWatch

Leave = Callable[[], Awaitable[None]]
"""Asked right before a request leaves; raises to keep it back."""


class Client:
    """The platform's endpoints as three methods. All of them raise FoundryError only."""

    def __init__(
        self,
        options: FoundryOptions,
        endpoints: Endpoints,
        auth: Auth,
        pace: Pace,
        door: Door,
        clock: Clock,
        watch: PlatformWatch,
        fence: Fence,
    ) -> None:
        self._options = options
        self._endpoints = endpoints
        self._auth = auth
        self._pace = pace
        self._door = door
        self._clock = clock
        self._watch = watch
        self._fence = fence

    async def get(self, rid: str, turn: Turn) -> Object:
        """One live deployment as raw JSON."""
        return await self._read("get", self._endpoints.deployment(rid), turn)

    async def list(self, model_rid: str, branch: str | None, turn: Turn) -> Sequence[Object]:
        """The live deployments of a model as raw JSON."""
        found = await self._read("list", self._endpoints.deployments(model_rid, branch), turn)
        data = found.get("data")
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise InvalidAnswer("data of the answer must be a list of objects")
        if found.get("nextPageToken"):
            # Half a list would look as if the other deployments were gone.
            raise InvalidAnswer("the list came in pages, which is not documented for it")
        return data

    async def replace(self, rid: str, configuration: Object, turn: Turn, leave: Leave) -> Object:
        """Replace the whole runtime configuration, sent once; the platform's new view of it.

        `leave` is awaited when everything else is done and waited for; what it raises is raised
        here, and then nothing was sent. It and the PUT share one deadline, and a process that
        sleeps past that does not send it (`fence.py`).
        Raises TokenRenewed after a 401 that a newer token may cure: by then the configuration
        is too old to be sent again unread.
        """
        url = self._endpoints.deployment(rid)
        token = await self._auth.token()
        request = self._request(url, token, encode({CONFIGURATION: configuration}))
        try:
            answer = await self._once("replace", request, token, turn, leave)
        except Unauthorized as error:
            if not await self._auth.renew(token):
                raise
            facts = error.facts
        else:
            return decode(answer.body)
        self._watch.retried("replace", "unauthorized")
        raise TokenRenewed(facts)

    async def _read(self, operation: str, url: URL, turn: Turn) -> dict[str, Any]:
        attempt = 0
        while True:
            answer, wait = await self._try(operation, url, turn, attempt)
            if answer is not None:
                return decode(answer.body)
            await self._clock.sleep(wait)
            attempt += 1

    async def _try(
        self, operation: str, url: URL, turn: Turn, attempt: int
    ) -> tuple[Answer | None, float]:
        try:
            return await self._ask(operation, url, turn), 0.0
        except FoundryError as error:
            cause = retry_cause(error)
            if not cause or attempt + 1 >= self._pace.options.attempts:
                raise
            wait = self._pace.backoff_s(attempt, error)
            if wait is None:
                raise
            self._watch.retried(operation, cause)
            return None, wait

    async def _ask(self, operation: str, url: URL, turn: Turn) -> Answer:
        token = await self._auth.token()
        try:
            return await self._once(operation, self._request(url, token), token, turn)
        except Unauthorized:
            if not await self._auth.renew(token):
                raise
        self._watch.retried(operation, "unauthorized")
        token = await self._auth.token()
        return await self._once(operation, self._request(url, token), token, turn)

    def _request(self, url: URL, token: Secret, body: bytes | None = None) -> Request:
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        if body is None:
            return Request("GET", url, self._options.read_timeout_s, headers)
        headers["Content-Type"] = "application/json"
        return Request("PUT", url, self._options.write_timeout_s, headers, body)

    async def _once(
        self,
        operation: str,
        request: Request,
        token: Secret,
        turn: Turn,
        leave: Leave | None = None,
    ) -> Answer:
        await turn.start()
        try:
            answer = await self._leave(operation, request, leave)
            # A PUT's body holds the environment; an answer may echo it, so it is not quoted.
            quote = request.method != "PUT"
            error = error_of(answer, self._clock.now(), (token.reveal(),), quote=quote)
            if error is not None:
                raise error
            turn.ended(None)
        except TooLate:
            raise  # that says nothing about the platform
        except FoundryError as error:
            turn.ended(error)
            raise
        finally:
            turn.abandoned()
        return answer

    async def _leave(self, operation: str, request: Request, leave: Leave | None) -> Answer:
        if leave is None:
            return await observed(operation, request, self._door, self._clock, self._watch)
        with self._fence.departure(self._clock, request.deadline_s) as departure:
            await leave()
            leaving = replace(request, departure=departure)
            return await observed(operation, leaving, self._door, self._clock, self._watch)


async def observed(
    operation: str, request: Request, door: Door, clock: Clock, watch: PlatformWatch
) -> Answer:
    """Send once and tell the watch how it went."""
    started, sent, status = clock.monotonic(), clock.now(), "connection"
    try:
        answer = await door.send(request)
        status = str(answer.status)
        skew = skew_s(answer.headers.get("Date", ""), sent, clock.now())
        if skew is not None:
            watch.skewed(skew)
    except (TimedOut, TooLate):
        status = "timeout"
        raise
    except InvalidAnswer:
        status = "200"
        raise
    except NoAnswer:
        raise
    finally:
        watch.requested(operation, status, clock.monotonic() - started)
    return answer
