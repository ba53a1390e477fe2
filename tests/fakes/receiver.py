"""A receiver of webhooks on loopback, and ears for what happens to messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from autoscaler.notify.formats import Format
from autoscaler.notify.message import Message
from autoscaler.notify.news import News, Severity, State, Topic
from autoscaler.notify.options import SinkOptions
from tests.strategies import NOW

# 32 bytes of nothing: a secret of the right shape that protects nothing.
WEBHOOK_SECRET = "whsec_" + "A" * 43 + "="


@dataclass(frozen=True)
class Post:
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with `answers` one after the other, then with 204; keeps what it was sent."""

    url: str = ""
    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.posts.append(Post(dict(request.headers), await request.read()))
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def receiver(
    answers: Sequence[tuple[int, Mapping[str, str]]] = (),
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None,
) -> AsyncIterator[Receiver]:
    made = Receiver(answers=list(answers))
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler or made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        made.url = f"http://{host}:{port}/hook"
        yield made
    finally:
        await runner.cleanup()


@dataclass
class Counts:
    """A NotifyWatch that counts."""

    ends: Counter[str] = field(default_factory=Counter)
    longest: int = 0

    def notified(self, sink: str, outcome: str) -> None:
        self.ends[outcome] += 1

    def queued(self, sink: str, messages: int) -> None:
        self.longest = max(self.longest, messages)


def told(
    topic: Topic = Topic.FAILING,
    state: State = State.FIRING,
    name: str = "chat",
    at: float = NOW,
    text: str = "the platform answers 503",
    group: str = "online",
) -> News:
    return News(at, topic, state, text, name, group, f"decision-of-{name}" if name else "")


def message(*news: News, ident: str = "msg_1") -> Message:
    items = news or (told(),)
    first = items[0]
    groups = tuple(sorted({one.group for one in items if one.group}))
    return Message(
        ident, first.at, first.topic, first.state, first.severity, len(items), groups, items
    )


def sink_at(url: str, **more: object) -> SinkOptions:
    plain = SinkOptions("oncall", Format.JSON, lambda: url, timeout_s=5.0)
    return replace(plain, **more)  # type: ignore[arg-type]  # tests name the fields


__all__ = [
    "WEBHOOK_SECRET",
    "Counts",
    "Post",
    "Receiver",
    "Severity",
    "message",
    "receiver",
    "sink_at",
    "told",
]
