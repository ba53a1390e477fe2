"""Bodies made at most once a second, however many ask for them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from autoscaler.web.answers import Body, bound

FRESH_S = 1.0
# Different questions that are remembered: a page asks about five.
MOST_KEPT = 64

Make = Callable[[], Awaitable[bytes]]


@dataclass(slots=True)
class _Slot:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    body: Body | None = None
    made_at: float = 0.0


class Shelf:
    """Keeps the newest body of each question. Who comes while one is made waits for it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._slots: OrderedDict[str, _Slot] = OrderedDict()

    async def body(self, question: str, make: Make) -> Body:
        """The body of this question: a second old at the most, or made now."""
        slot = self._slots.setdefault(question, _Slot())
        self._slots.move_to_end(question)
        while len(self._slots) > MOST_KEPT:
            self._slots.popitem(last=False)
        async with slot.turn:
            if slot.body is None or self._now() - slot.made_at >= FRESH_S:
                slot.body = await bound(await make())
                slot.made_at = self._now()
            return slot.body

    def forget(self) -> None:
        """Something was changed from here: nobody shall be shown what was before."""
        self._slots.clear()
