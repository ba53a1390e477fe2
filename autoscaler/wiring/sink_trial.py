"""`notify test`: one message to every sink, and what came back."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import Any

from autoscaler.notify.message import Message
from autoscaler.notify.news import News, Severity, State, Topic
from autoscaler.notify.options import SinkOptions
from autoscaler.notify.sink import Sink
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import load
from autoscaler.wiring.notices import sinks_of
from autoscaler.wiring.quiet import Quiet


async def run(path: Path) -> list[dict[str, Any]]:
    """How each sink answered; a single attempt each, filters aside. Raises ConfigError."""
    return [await _tried(options) for options in sinks_of(load(path))]


async def _tried(options: SinkOptions) -> dict[str, Any]:
    clock = SystemClock()
    sink = Sink(options, clock, Quiet(), random.Random())  # noqa: S311 - jitter, not secrets
    news = News(clock.now(), Topic.TEST, State.EVENT, "somebody ran `autoscaler notify test`")
    message = Message(
        f"msg_{uuid.uuid4().hex}",
        news.at,
        Topic.TEST,
        State.EVENT,
        Severity.INFO,
        1,
        (),
        (news,),
    )
    try:
        ended = await sink.once(message)
    finally:
        await sink.close()
    return {
        "sink": options.name,
        "format": options.format.value,
        "delivered": ended.delivered,
        "status": ended.status,
        "why": ended.why,
    }
