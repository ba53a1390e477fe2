"""What the HTTP face needs of the daemon, declared by the one who needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autoscaler.activity import Entry
from autoscaler.core.observation import Override

Json = Mapping[str, Any]


class Standing(Protocol):
    """An override that is active. `scope`: "fleet", "group:NAME" or a deployment's name."""

    @property
    def id(self) -> str | None:
        """The store's id."""
        ...

    @property
    def scope(self) -> str | None:
        """Whom it is for."""
        ...

    @property
    def override(self) -> Override:
        """The word itself."""
        ...

    @property
    def created_at(self) -> float | None:
        """Unix seconds, None when nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked of a history: Unix seconds, and at most so many points.

    Without an end it goes as far as there is something to tell: into the forecast.
    """

    start: float
    end: float | None
    points: int


class Face(Protocol):
    """Questions that the daemon answers. All are read-only, and none may contain a secret."""

    def hello(self) -> Json:
        """What a new stream begins with: version, started_at, at."""
        ...

    def status(self, standing: Sequence[Standing]) -> Json:
        """The daemon itself; see `view.status`. Called in a worker thread."""
        ...

    async def health(self) -> Json:
        """Sources, platform, loop, journal and configuration."""
        ...

    def deployments(self, standing: Sequence[Standing]) -> Sequence[Json]:
        """One row per deployment; see `table.Table`. Called in a worker thread, once a second."""
        ...

    def deployment(self, name: str, standing: Sequence[Standing], cost: Cost) -> Json | None:
        """Everything about one deployment; see `view.detail`. None for an unknown name."""
        ...

    def knows(self, name: str) -> bool:
        """Whether a deployment of this name is managed."""
        ...

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Body and content type for an Accept header. Called in a worker thread."""
        ...

    def live(self) -> tuple[bool, str]:
        """Whether the process should be left running, and a sentence."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether it does its work, and a sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions are asked for: newest first, older than the id `before`.

    `start` and `end` are Unix seconds, both included; no `kinds` means all.
    """

    deployment: str | None
    before: str | None
    limit: int
    start: float | None
    end: float | None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries of the activity are wanted; Unix seconds, both included; empty means all."""

    kinds: tuple[str, ...] = ()
    deployment: str | None = None
    start: float | None = None
    end: float | None = None


class Records(Protocol):
    """The journal's past. Raises JournalError when it cannot be read."""

    async def decisions(self, wanted: Wanted) -> Sequence[bytes]:
        """Recorded decisions as JSON, newest first."""
        ...

    async def decision(self, ident: str) -> bytes | None:
        """One recorded decision, None when there is none of this id."""
        ...

    async def activity(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        """Entries of the audit trail before the number `before`, newest first."""
        ...


class Cost(Protocol):
    """Compute-seconds; None where nothing is known."""

    @property
    def today(self) -> float | None:
        """Since midnight UTC."""
        ...

    @property
    def month(self) -> float | None:
        """Of this month, at the last week's pace."""
        ...


class Past(Protocol):
    """How loads and envelopes went."""

    async def series(self, name: str, span: Span) -> Json:
        """Lines of a managed deployment; see the API's document."""
        ...

    async def cost(self, name: str) -> Cost:
        """What the guaranteed replicas of a managed deployment cost."""
        ...

    def sparklines(self, names: Sequence[str]) -> Json:
        """The last six hours' load in a few numbers each. Called in a worker thread."""
        ...


class Controls(Protocol):
    """What operators may ask of the daemon."""

    async def standing(self) -> Sequence[Standing]:
        """What is active now, oldest first."""
        ...

    async def add(self, scope: str, word: Override) -> Standing:
        """Say a word: `scope` is "fleet", "group:NAME" or a deployment's name.

        Raises UnknownScope, ValueError with the broken rule, JournalError.
        """
        ...

    async def end(self, ident: str, author: str) -> Standing | None:
        """Take a word back; None when none of this id is active. Raises JournalError."""
        ...

    async def look(self, scope: str, author: str, why: str) -> int:
        """Look now; how many deployments that are. Raises UnknownScope, JournalError."""
        ...


class UnknownScope(Exception):  # noqa: N818 - it reads as what it is
    """Nothing of this name is managed; the text may guess what was meant."""


class WhatIf(Protocol):
    """Tries other policies on the past of a deployment, apart from the daemon."""

    async def start(self, deployment: str, policies: Json, days: float) -> str:
        """Begin; the id under which it goes on. Raises ValueError with field and rule."""
        ...

    def state(self, ident: str) -> Json | None:
        """`state`, `progress` (0..1), and `result` or `problem` at the end; None: unknown."""
        ...

    async def cancel(self, ident: str) -> bool:
        """Stop it; False when there is none of this id that could be stopped."""
        ...
