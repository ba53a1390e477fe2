"""The workers of a configuration, one for each kind of policy: asked in turn, begun again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import orjson
import structlog

from autoscaler.codec import CodecError, from_tree, to_tree
from autoscaler.codec.writing import escaped
from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Abstain, Answer, Apart, crashed
from autoscaler.core.reason import Code, because
from autoscaler.isolation.order import Order
from autoscaler.isolation.process import Worker
from autoscaler.ports import Clock, NotYet, Stopped

log = structlog.get_logger(__name__)

# The first restart is at once, then after 1, 2, 4... seconds, up to this.
LONGEST_WAIT_S = 60.0


class Asked(Protocol):
    """A worker, as far as the pool knows one."""

    async def ask(self, line: bytes, deadline_s: float) -> bytes:
        """The answer to one line. Raises Stopped."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


Start = Callable[[Order], Awaitable[Asked]]


@dataclass(slots=True)
class _Place:
    """One kind's worker, and how often it had to be stopped in a row."""

    worker: Asked | None = None
    starting: asyncio.Task[None] | None = None
    failures: int = 0
    not_before: float = float("-inf")
    why: str = ""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pool:
    """Satisfies `ports.Workers`. `order` says what a worker may use; its kind is filled in."""

    def __init__(self, order: Order, clock: Clock, start: Start = Worker.started) -> None:
        self._order = order
        self._clock = clock
        self._start = start
        self._places: dict[str, _Place] = {}
        self._closed = False

    async def ask(self, apart: Apart, seen: Observation) -> Answer:
        """What the policy answers. Raises Stopped when it had to be ended, NotYet without one."""
        place = self._places.setdefault(apart.kind, _Place())
        line = _line(apart, seen)
        async with place.turn:
            worker = await self._up(apart.kind, place)
            try:
                said = await worker.ask(line, self._order.deadline_s)
                answer = _answer(said)
            except Stopped as end:
                await self._failed(apart.kind, place, str(end))
                raise
            except BaseException:
                # Cut short: an answer that is still to come would be taken for the next one's.
                place.worker = None
                await worker.stop()
                raise
        place.failures = 0
        return answer

    def begin(self, kinds: Iterable[str]) -> None:
        """Start the workers that will be asked, so that the first tick need not wait for them."""
        for kind in kinds:
            place = self._places.setdefault(kind, _Place())
            if place.worker is None and place.starting is None:
                place.starting = asyncio.create_task(self._begin(kind, place))

    async def close(self) -> None:
        """End every worker."""
        self._closed = True
        for place in self._places.values():
            if place.starting is not None:
                place.starting.cancel()
                await asyncio.gather(place.starting, return_exceptions=True)
            if place.worker is not None:
                await place.worker.stop()
                place.worker = None

    async def _up(self, kind: str, place: _Place) -> Asked:
        if place.worker is None and place.starting is None:
            left = place.not_before - self._clock.monotonic()
            if left > 0 or self._closed:
                raise NotYet(f"its process is started again in {left:.0f} s ({place.why})")
            place.starting = asyncio.create_task(self._begin(kind, place))
        if place.starting is not None:
            # Beside the tick: a policy that loads slowly is no reason for others to wait.
            await asyncio.wait({place.starting}, timeout=self._order.deadline_s)
        if place.worker is None:
            raise NotYet(place.why or "its process is not up yet")
        return place.worker

    async def _begin(self, kind: str, place: _Place) -> None:
        try:
            place.worker = await self._start(replace(self._order, kind=kind))
            place.why = ""
        except Stopped as end:
            await self._failed(kind, place, str(end))
        finally:
            place.starting = None

    async def _failed(self, kind: str, place: _Place, why: str) -> None:
        worker, place.worker = place.worker, None
        place.failures += 1
        wait = 0.0 if place.failures == 1 else min(LONGEST_WAIT_S, 2.0 ** (place.failures - 2))
        place.not_before, place.why = self._clock.monotonic() + wait, why
        log.warning("a policy was stopped", kind=kind, why=why, again_in_s=wait)
        if worker is not None:
            await worker.stop()


def _line(apart: Apart, seen: Observation) -> bytes:
    tree = [apart.options, to_tree(Observation, seen)]
    try:
        return orjson.dumps(tree)
    except TypeError:  # lone surrogates in somebody's words
        return orjson.dumps(escaped(tree))


def _answer(line: bytes) -> Answer:
    """The answer in a worker's line, checked as untrusted input. Raises Stopped for nonsense."""
    try:
        said = orjson.loads(line)
        if not isinstance(said, dict):
            raise Stopped("its process answered nonsense")
        if "answer" in said:
            return cast("Answer", from_tree(cast("Any", Answer), said["answer"]))
        if "crashed" in said:
            error, text = said["crashed"]
            return crashed(str(error)[:100], str(text))
        return _invalid(str(said.get("invalid", "nothing"))[:400])
    except CodecError as error:
        return _invalid(str(error)[:400])
    except (ValueError, TypeError) as error:
        raise Stopped("its process answered nonsense") from error


def _invalid(fault: str) -> Abstain:
    return Abstain(because(Code.POLICY_INVALID, "the answer is not valid: {fault}", fault=fault))
