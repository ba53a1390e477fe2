"""Which token to send: decisions only. The one token request is handed in as `fetch`.

A token serves until a newer one works. It is renewed at 75..80 % of its life, by one request
however many callers wait, in the background while the old one still holds. After a 401 one
renewal is forced; a platform that refuses fresh tokens too is not asked for more of them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from autoscaler.foundry.backoff import full_jitter
from autoscaler.foundry.errors import NoToken, SecretUnreadable, TokenUnavailable
from autoscaler.foundry.secret import Secret, SecretSource
from autoscaler.ports import Clock

RENEW_FROM, RENEW_TO = 0.75, 0.80
# Between two renewals that a 401 forces; a refused fresh token is not cured by a fresher one.
FORCE_EVERY_S = 10.0
# Between failed token requests: 1 s at least, a jittered doubling on top, up to a minute.
RETRY_LEAST_S, RETRY_MOST_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as the platform gave it; it lives for `expires_in_s` seconds from now."""

    token: Secret
    expires_in_s: float


class Auth(Protocol):
    """Where the client gets its token."""

    async def token(self) -> Secret:
        """A token that should work now. Raises NoToken."""
        ...

    async def renew(self, rejected: Secret) -> bool:
        """After a 401: whether there is another token than the one rejected."""
        ...

    async def close(self) -> None:
        """Stop renewing."""
        ...


class StaticToken:
    """A token as it is written, read again when its file changes."""

    def __init__(self, source: SecretSource) -> None:
        self._source = source
        self._last: Secret | None = None

    async def token(self) -> Secret:
        """The token; the last one while its file cannot be read. Raises SecretUnreadable."""
        try:
            self._last = self._source.read()
        except SecretUnreadable:
            if self._last is None:
                raise
        return self._last

    async def renew(self, rejected: Secret) -> bool:
        """Whether the source holds another token by now."""
        try:
            self._last = self._source.read(fresh=True)
        except SecretUnreadable:
            return False
        return self._last != rejected

    async def close(self) -> None:
        """Nothing to stop."""


@dataclass(frozen=True, slots=True)
class _Held:
    token: Secret
    renew_at: float
    expires_at: float


class ClientCredentials:
    """Tokens of a service user, one request at a time."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Grant]], clock: Clock, rng: random.Random
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._rng = rng
        self._held: _Held | None = None
        self._task: asyncio.Task[None] | None = None
        self._fault: NoToken | None = None
        self._failures = 0
        self._retry_at = float("-inf")
        self._forced_at = float("-inf")

    async def token(self) -> Secret:
        """The token held, or a new one when it has expired. Raises NoToken."""
        held, now = self._held, self._clock.monotonic()
        if held is not None and now < held.expires_at:
            if now >= max(held.renew_at, self._retry_at):
                _ = self._begin()
            return held.token
        return await self._wait_for_new(now)

    async def renew(self, rejected: Secret) -> bool:
        """Whether there is another token, after one forced renewal at most every 10 s."""
        if self._held is not None and self._held.token is not rejected:
            return True
        now = self._clock.monotonic()
        if self._task is None and now < self._forced_at + FORCE_EVERY_S:
            return False
        self._forced_at = now
        await asyncio.shield(self._begin())
        return self._held is not None and self._held.token is not rejected

    async def close(self) -> None:
        """Stop a renewal that is under way."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _wait_for_new(self, now: float) -> Secret:
        if self._task is None and now < self._retry_at and self._fault is not None:
            raise self._fault.with_traceback(None)
        # Shielded: one caller that gives up does not take the token from the others.
        await asyncio.shield(self._begin())
        if self._fault is not None:
            raise self._fault.with_traceback(None)
        if self._held is None:
            raise TokenUnavailable("the token request was stopped")
        return self._held.token

    def _begin(self) -> asyncio.Task[None]:
        if self._task is None:
            self._task = asyncio.create_task(self._renewal())
        return self._task

    async def _renewal(self) -> None:
        try:
            self._take(await self._fetch())
        except NoToken as fault:
            self._fault = fault
            jitter = full_jitter(self._failures, RETRY_LEAST_S, RETRY_MOST_S, self._rng)
            self._failures += 1
            self._retry_at = self._clock.monotonic() + max(RETRY_LEAST_S, jitter)
        finally:
            self._task = None

    def _take(self, grant: Grant) -> None:
        now = self._clock.monotonic()
        share = self._rng.uniform(RENEW_FROM, RENEW_TO)
        life = grant.expires_in_s
        self._held = _Held(grant.token, now + share * life, now + life)
        self._fault, self._failures, self._retry_at = None, 0, float("-inf")
