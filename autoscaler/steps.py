"""The steps of a tick, for whoever traces them; they cost nothing when nobody does.

A tick that is traced says so in a context variable, which asyncio hands on to everything that
the tick waits for. Whatever runs outside of such a tick, such as a reading in the background, is
no step of anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol

Fact = str | int | float | bool
"""What may be said of a step: names from the configuration, numbers, closed vocabularies."""


class Step(Protocol):
    """A step under way."""

    def say(self, **facts: Fact) -> None:
        """Add what is known by now."""
        ...


class Tracer(Protocol):
    """Where steps are told. Never waits, never raises."""

    def tick(self, group: str) -> AbstractContextManager[str]:
        """A tick of a group: its trace's id, or nothing when this one is not traced."""
        ...

    def step(self, name: str, facts: dict[str, Fact]) -> AbstractContextManager[Step]:
        """A step inside of the one that is under way."""
        ...


class Untraced:
    """Tells nobody."""

    def tick(self, group: str) -> AbstractContextManager[str]:  # noqa: ARG002 - the protocol's signature
        """Not traced."""
        return nullcontext("")

    def step(self, name: str, facts: dict[str, Fact]) -> AbstractContextManager[Step]:  # noqa: ARG002 - likewise
        """Nothing."""
        return SILENT


class _Silent:
    __slots__ = ()

    def __enter__(self) -> Step:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def say(self, **facts: Fact) -> None:
        """Nobody listens."""


SILENT = _Silent()
UNTRACED: Tracer = Untraced()
_TRACER: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


@contextmanager
def tick(tracer: Tracer, group: str) -> Iterator[str]:
    """Everything in this block is a step of one tick. Gives the trace's id, empty without one."""
    with tracer.tick(group) as trace:
        if not trace:
            yield ""
            return
        before = _TRACER.set(tracer)
        try:
            yield trace
        finally:
            _TRACER.reset(before)


def step(name: str, **facts: Fact) -> AbstractContextManager[Step]:
    """A step of the tick under way, if it is traced."""
    tracer = _TRACER.get()
    return SILENT if tracer is None else tracer.step(name, facts)
