"""The pace towards one host: a bucket of requests, a limit on those under way, a breaker.

A turn is the right to send some requests one after the other. Its requests are paid for
together, so that a write does not wait between its own reading and its own PUT: whoever
else changes the deployment has milliseconds for it, not seconds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from autoscaler.foundry.backoff import full_jitter
from autoscaler.foundry.breaker import Breaker
from autoscaler.foundry.bucket import AdaptiveRate, Bucket
from autoscaler.foundry.errors import (
    ErrorAnswer,
    FoundryError,
    NoAnswer,
    PaceExhausted,
    Redirected,
    ServerError,
    TooManyRequests,
    Unavailable,
)
from autoscaler.foundry.options import PacingOptions
from autoscaler.ports import Clock, PlatformWatch

# GET, PUT, GET.
REQUESTS_PER_WRITE = 3
# Turns that may stand in line for a place under the concurrency limit.
LONGEST_LINE = 200


class Pace:
    """Who may ask the platform, and when."""

    def __init__(
        self, options: PacingOptions, clock: Clock, rng: random.Random, watch: PlatformWatch
    ) -> None:
        self.options = options
        self.bucket = Bucket(AdaptiveRate(options.requests_per_second), options.burst, clock)
        self.breaker = Breaker(options.breaker_failures, options.breaker_open_s, clock)
        self._clock = clock
        self._rng = rng
        self._watch = watch
        self._places = asyncio.Semaphore(options.concurrency)
        self._line = 0
        self._told = (options.requests_per_second, False)

    @asynccontextmanager
    async def turn(self, requests: int = 1) -> AsyncIterator[Turn]:
        """A turn of so many requests. Raises PaceExhausted or BreakerOpen instead of waiting long.

        What a turn does not use it gives back.
        """
        self.breaker.check()
        if self._line >= LONGEST_LINE:
            raise PaceExhausted(f"{self._line} requests stand in line already", 1.0)
        self._line += 1
        try:
            await self._wait(requests)
            turn = Turn(self, requests)
            try:
                async with self._places:
                    yield turn
            finally:
                self.bucket.give_back(turn.paid)
        finally:
            self._line -= 1

    def room(self, seconds: float) -> int:
        """How many writes of three requests fit into the next `seconds`; one while half open."""
        usable = seconds - self.breaker.opens_in()
        if usable < 0:
            return 0
        writes = int(self.bucket.within(usable) // REQUESTS_PER_WRITE)
        return min(writes, 1) if self.breaker.is_open else writes

    def backoff_s(self, attempt: int, error: FoundryError) -> float | None:
        """Seconds before asking again after failure number `attempt` (from 0); None: not now.

        A `Retry-After` beyond the cap is not slept through: the caller hears of it instead.
        """
        asked = error.facts.retry_after_s if isinstance(error, ErrorAnswer) else None
        options = self.options
        if asked is not None and asked > options.backoff_cap_s:
            return None
        wait = full_jitter(attempt, options.backoff_base_s, options.backoff_cap_s, self._rng)
        return max(wait, asked or 0.0)

    def tell(self) -> None:
        """Tell the watch when the pace or the breaker changed by something worth showing."""
        rate = self.bucket.rate
        now = rate.at(self._clock.monotonic()), self.breaker.is_open
        told, was_open = self._told
        full = now[0] >= rate.top > told
        if full or now[1] != was_open or abs(now[0] - told) >= rate.top / 20:
            self._told = now
            self._watch.paced(now[0], breaker_open=now[1])

    async def _wait(self, requests: int) -> None:
        waited = await self.bucket.take(requests, self.options.max_wait_s)
        if waited > 0:
            self._watch.waited(waited)

    def learn(self, error: FoundryError | None, *, probe: bool) -> None:
        """Hear how a request ended."""
        if isinstance(error, TooManyRequests | Unavailable):
            self.bucket.rate.cut(self._clock.monotonic())
            self.bucket.shut(error.facts.retry_after_s or 0.0)
        if isinstance(error, NoAnswer | ServerError | Redirected):
            self.breaker.failed(probe=probe)
        else:
            self.breaker.succeeded()
        self.tell()


class Turn:
    """The right to send requests, one after the other. `paid` is how many are paid for."""

    __slots__ = ("_pace", "_probe", "_under_way", "paid")

    def __init__(self, pace: Pace, paid: int) -> None:
        self._pace = pace
        self._probe = False
        self._under_way = False
        self.paid = paid

    async def afford(self, requests: int) -> None:
        """Pay until so many requests may follow without a wait. Raises PaceExhausted."""
        if self.paid < requests:
            await self._pace._wait(requests - self.paid)  # noqa: SLF001 - a turn is a part of its pace
            self.paid = requests

    async def start(self) -> None:
        """Before each request. Raises PaceExhausted or BreakerOpen."""
        if self.paid:
            self.paid -= 1
        else:
            await self._pace._wait(1)  # noqa: SLF001 - a turn is a part of its pace
        self._probe = self._pace.breaker.admit()
        self._under_way = True

    def ended(self, error: FoundryError | None) -> None:
        """After each request that was answered, well or not, or got no answer."""
        self._under_way = False
        self._pace.learn(error, probe=self._probe)

    def abandoned(self) -> None:
        """After each request, however it went: one that was cut short frees the breaker's probe."""
        if self._under_way:
            self._under_way = False
            self._pace.breaker.abandoned(probe=self._probe)
