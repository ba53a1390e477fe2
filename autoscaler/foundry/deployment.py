"""The platform as the runtime sees it: read, find, apply. Known failures are values."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code, Reason, because
from autoscaler.foundry.auth import Auth, ClientCredentials, StaticToken
from autoscaler.foundry.client import Client, observed
from autoscaler.foundry.door import Answer, Door, Request
from autoscaler.foundry.endpoints import Endpoints, endpoints
from autoscaler.foundry.errors import FoundryError
from autoscaler.foundry.fence import UNFENCED, Fence
from autoscaler.foundry.options import FoundryOptions, Login, TokenLogin
from autoscaler.foundry.pacing import REQUESTS_PER_WRITE, Pace
from autoscaler.foundry.parking import Parking
from autoscaler.foundry.token import TokenEndpoint
from autoscaler.foundry.verdict import Scope, judge
from autoscaler.foundry.wire import live_of
from autoscaler.foundry.writing import Change, Ending, Writer, refused
from autoscaler.ports import Clock, LastWord, Live, PlatformWatch, Unread, granted


class FoundryPlatform:
    """Palantir Foundry's live deployments. Satisfies `ports.Platform`.

    `last_word` is asked right before each PUT leaves, after all waiting; `fence` ends the process
    when it sleeps in between. Raises ValueError for a URL or a CA file that cannot be used; nothing
    is asked of the platform yet.
    """

    def __init__(
        self,
        options: FoundryOptions,
        login: Login,
        clock: Clock,
        rng: random.Random,
        watch: PlatformWatch,
        last_word: LastWord = granted,
        fence: Fence = UNFENCED,
    ) -> None:
        places = endpoints(options.url, preview=options.preview)
        self._clock = clock
        self._door = Door(options)
        self._pace = Pace(options.pacing, clock, rng, watch)
        self._auth = self._login(login, places, options, rng, watch)
        self._client = Client(
            options, places, self._auth, self._pace, self._door, clock, watch, fence
        )
        self._writer = Writer(self._client, clock, last_word)
        self._parking = Parking(clock)
        self._busy: set[str] = set()

    async def read(self, rid: str) -> Live | Unread:
        """One deployment now."""
        try:
            async with self._pace.turn() as turn:
                _, live = await self._writer.reading(rid, turn)
        except FoundryError as error:
            return self._unread(error, rid)
        self._parking.was_read(rid)
        return live

    async def find(self, model_rid: str, branch: str | None = None) -> Sequence[Live] | Unread:
        """The direct live deployments of a model, of one branch or of all; all or none."""
        try:
            async with self._pace.turn() as turn:
                found = await self._client.list(model_rid, branch, turn)
            return tuple(map(live_of, found))
        except FoundryError as error:
            return self._unread(error, model_rid)

    async def apply(self, rid: str, before: Envelope, after: Envelope) -> Outcome:
        """Change the envelope if it still is `before`; tell what came of it."""
        started = self._clock.monotonic()
        reason = self._parking.stopped() or self._parking.parked(rid, after)
        if reason is not None:
            return Outcome(Kind.REFUSED, reason)
        if rid in self._busy:
            return Outcome(Kind.DEFERRED, _BUSY)
        self._busy.add(rid)
        try:
            ending = await self._write(Change(rid, before, after))
        finally:
            self._busy.discard(rid)
        if ending.refusal is not None:
            self._parking.park(ending.refusal, rid, after)
        return replace(ending.outcome, took_s=self._clock.monotonic() - started)

    def room(self, seconds: float) -> int:
        """How many writes fit into the next `seconds`; 0 while the platform is not to be asked."""
        return 0 if self._parking.stopped() else self._pace.room(seconds)

    async def close(self) -> None:
        """Let go of connections."""
        await self._auth.close()
        await self._door.close()

    async def _write(self, change: Change) -> Ending:
        try:
            async with self._pace.turn(REQUESTS_PER_WRITE) as turn:
                return await self._writer.write(change, turn)
        except FoundryError as error:
            return refused(change, error)

    def _unread(self, error: FoundryError, rid: str) -> Unread:
        verdict = judge(error)
        if verdict.scope is Scope.PLATFORM:
            self._parking.park(verdict, rid)
        return Unread(verdict.reason)

    def _login(
        self,
        login: Login,
        places: Endpoints,
        options: FoundryOptions,
        rng: random.Random,
        watch: PlatformWatch,
    ) -> Auth:
        if isinstance(login, TokenLogin):
            return StaticToken(login.token)

        async def send(request: Request) -> Answer:
            return await observed("token", request, self._door, self._clock, watch)

        endpoint = TokenEndpoint(login, places.token(), options.read_timeout_s, send)
        return ClientCredentials(endpoint.fetch, self._clock, rng)


_BUSY: Reason = because(Code.PACING, "another write to it is under way")
