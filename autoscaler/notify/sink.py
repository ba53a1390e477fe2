"""One receiver's worker: a bounded queue, one post after the other, retried with full jitter."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from autoscaler.notify.formats import body_of
from autoscaler.notify.message import Message
from autoscaler.notify.options import SinkOptions
from autoscaler.notify.post import Delivery, Post
from autoscaler.notify.signature import key_of, signed
from autoscaler.outbound.address import is_loopback
from autoscaler.ports import Clock

log = structlog.get_logger("autoscaler.notify")

LONGEST_QUEUE: Final = 100
ATTEMPTS: Final = 8
"""With the waits below about four minutes in the mean, a quarter of an hour at most."""
BASE_S: Final = 1.0
CAP_S: Final = 300.0


class NotifyWatch(Protocol):
    """Who is told about every message."""

    def notified(self, sink: str, outcome: str) -> None:
        """`outcome`: delivered, retried, refused (by the receiver), failed, dropped."""
        ...

    def queued(self, sink: str, messages: int) -> None:
        """So many messages wait for this sink."""
        ...


class Sink:
    """Tells one receiver. A slow or dead one delays itself and nobody else."""

    def __init__(
        self, options: SinkOptions, clock: Clock, watch: NotifyWatch, chance: random.Random
    ) -> None:
        self.options = options
        self._clock = clock
        self._watch = watch
        self._chance = chance
        self._post = Post(options)
        self._queue: deque[Message] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failing = False

    def put(self, message: Message) -> None:
        """Queue a message. A full queue drops its oldest: the newest says how things are."""
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.popleft()
            self._watch.notified(self.options.name, "dropped")
        self._queue.append(message)
        self._told()
        self._idle.clear()
        self._more.set()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            while self._queue:
                message = self._queue.popleft()
                self._told()
                await self._deliver(message)
            self._idle.set()
            self._more.clear()
            await self._more.wait()

    async def drained(self) -> None:
        """Return when nothing waits and nothing is on its way."""
        await self._idle.wait()

    async def close(self) -> None:
        """Let go of connections."""
        await self._post.close()

    async def once(self, message: Message) -> Delivery:
        """One attempt, for a test of the sink."""
        headers: dict[str, str] = {}
        options, at = self.options, self._clock.now()
        body = body_of(message, options.format, options.page)
        try:
            url = options.url()
            if options.secret is not None:
                headers = signed(message.id, at, body.content, key_of(options.secret()))
            if options.token is not None:
                check_safe(url)
                headers["Authorization"] = f"Bearer {options.token()}"
        except ValueError as problem:
            return Delivery(f"not sent: {problem}")
        return await self._post.send(url, body, headers, at)

    async def _deliver(self, message: Message) -> None:
        name = self.options.name
        for attempt in range(ATTEMPTS):
            ended = await self._guarded(message)
            if ended.delivered:
                self._works()
                self._watch.notified(name, "delivered")
                return
            if not ended.again or attempt + 1 == ATTEMPTS:
                self._watch.notified(name, "failed" if ended.again else "refused")
                self._fails(ended, message)
                return
            self._watch.notified(name, "retried")
            await self._clock.sleep(self._wait(attempt, ended))

    async def _guarded(self, message: Message) -> Delivery:
        try:
            return await self.once(message)
        except Exception as bug:
            log.exception("a bug of a notification", sink=self.options.name)
            return Delivery(f"a bug: {type(bug).__name__}")

    def _wait(self, attempt: int, ended: Delivery) -> float:
        jitter = self._chance.uniform(0.0, min(CAP_S, BASE_S * 2.0**attempt))
        # Receivers that ask for a minute are not all asked at the same second after it.
        return ended.pause_s + jitter

    def _told(self) -> None:
        self._watch.queued(self.options.name, len(self._queue))

    def _fails(self, ended: Delivery, message: Message) -> None:
        if not self._failing:
            log.warning(
                "failing",
                thing=f"sink {self.options.name}",
                why=ended.why,
                message=message.title,
            )
        self._failing = True

    def _works(self) -> None:
        if self._failing:
            log.info("works again", thing=f"sink {self.options.name}")
        self._failing = False


def check_safe(url: str) -> None:
    """Raise ValueError where a token would go over a network unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("a token is sent over https alone, or to this machine")
