"""What the runtime needs of the world, as small protocols declared by the one who needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autoscaler.activity import Entry, Event
from autoscaler.core.controls import Standing
from autoscaler.core.decision import Decision, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.jump import Jump
from autoscaler.core.observation import (
    Change,
    Health,
    Learned,
    Missing,
    NativeScaling,
    Observation,
    Override,
    Recommended,
    Resources,
    Series,
)
from autoscaler.core.proposal import Answer, Apart
from autoscaler.core.reason import Reason


class Clock(Protocol):
    """Time as an argument: tests and simulations bring their own."""

    def now(self) -> float:
        """Wall clock, Unix seconds. For schedules, samples and records."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back. For waiting, deadlines and backoff."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number waits not at all."""
        ...


# --- metric sources -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    """One value and the Unix time at which it was really sampled (not when it was asked for)."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Question:
    """One signal, asked for a whole group at once. Samples older than `max_age_s` are stale.

    `query` is the source's own query object; the value of `label` names the deployment.
    """

    signal: str
    query: object
    label: str
    max_age_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer for a group: by label value. A label value that is absent was not answered.

    `complete` is False when the source warned that the answer may be partial.
    """

    samples: Mapping[str, Sample | Missing]
    complete: bool = True


class Source(Protocol):
    """Where signals come from. Expected failures are values; nothing is retried in here."""

    async def read(self, question: Question, at: float) -> Reading | Missing:
        """The newest sample per label value; Missing(SOURCE_FAILED) when nobody answered.

        `at` is Unix seconds, used to judge ages.
        """
        ...

    async def history(
        self, question: Question, start: float, end: float, step: float
    ) -> Mapping[str, Series]:
        """Past samples per label value, Unix seconds; empty when the source keeps none."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class SourceWatch(Protocol):
    """Who is told about every query."""

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """`outcome` is one of success, empty, stale, partial, error, timeout."""
        ...


# --- the platform ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Live:
    """A deployment as the platform reports it. Secrets of its configuration stay behind."""

    rid: str
    envelope: Envelope
    health: Health
    model_rid: str = ""
    branch: str | None = None
    resources: Resources = Resources()
    native: NativeScaling = NativeScaling()


@dataclass(frozen=True, slots=True)
class Unread:
    """The platform did not tell, and why."""

    reason: Reason


class Platform(Protocol):
    """The platform's side of things: read, find, apply. Nothing here raises for a known failure."""

    async def read(self, rid: str) -> Live | Unread:
        """One deployment now."""
        ...

    async def find(self, model_rid: str, branch: str | None = None) -> Sequence[Live] | Unread:
        """The live deployments of a model, of one branch or of all."""
        ...

    async def apply(self, rid: str, before: Envelope, after: Envelope) -> Outcome:
        """Change the envelope if it still is `before`; tell what came of it.

        Re-reads, compares, writes, reads back. Kinds: APPLIED, UNCHANGED (it was so already),
        DEFERRED (pacing or breaker), REFUSED or FAILED.
        """
        ...

    def room(self, seconds: float) -> int:
        """How many writes fit into the next `seconds` under the present pace; 0 if stopped."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class LastWord(Protocol):
    """Who is asked right before each PUT leaves, after all waiting."""

    async def __call__(self, rid: str, before: Envelope, after: Envelope) -> Outcome | None:
        """What becomes of the write instead of being sent; None lets it go. Must be quick."""
        ...


async def granted(rid: str, before: Envelope, after: Envelope) -> None:
    """Let every PUT go."""


class PlatformWatch(Protocol):
    """Who is told about every request to the platform."""

    def requested(self, operation: str, status: str, seconds: float) -> None:
        """`operation`: token, get, list, replace. `status`: an HTTP code, timeout or connection."""
        ...

    def retried(self, operation: str, cause: str) -> None:
        """`cause`: rate_limited, unavailable, server_error, timeout, connection, unauthorized."""
        ...

    def waited(self, seconds: float) -> None:
        """A request waited for the pace."""
        ...

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """The pace or the breaker changed."""
        ...

    def skewed(self, seconds: float) -> None:
        """The platform told its time: the daemon's wall clock minus it, to half a second."""
        ...


# --- policies that are not trusted ------------------------------------------------------------


class Workers(Protocol):
    """Where policies are evaluated that are kept apart from the daemon."""

    async def ask(self, apart: Apart, seen: Observation) -> Answer:
        """What it answers. Raises Stopped when it had to be ended, NotYet while it is not up."""

    def begin(self, kinds: Iterable[str]) -> None:
        """Start those that will be asked, beside everything else."""
        ...

    async def close(self) -> None:
        """End them all."""
        ...


class Stopped(Exception):  # noqa: N818 - what happened to a policy, no error of the daemon
    """A policy was ended: it took too long, used too much or died. The text says which."""


class NotYet(Exception):  # noqa: N818 - likewise
    """A policy cannot be asked now: its process is being started, or waits for that."""


# --- the journal ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal remembers of one deployment. Everything is oldest first."""

    changes: tuple[Change, ...] = ()
    recommended: tuple[Recommended, ...] = ()
    overrides: tuple[Override, ...] = ()
    learned: Learned = Learned()
    watched_since: float | None = None
    """Unix time since which it has been observed without a gap; None if it never was."""
    last_tick: float | None = None
    """Unix time of its last recorded tick."""
    returned: Mapping[str, float | None] = field(default_factory=dict)
    """Since when the source of a signal answers again, Unix time; None while it was away."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was announced and of which no end is known."""

    decision_id: str
    at: float
    deployment: str
    rid: str
    before: Envelope
    after: Envelope


@dataclass(frozen=True, slots=True)
class Note:
    """What one tick leaves in a deployment's state row."""

    deployment: str
    recommended: tuple[Recommended, ...]
    watched_since: float
    learned: Learned
    returned: tuple[tuple[str, float | None], ...] = ()
    """Signals that are away (None), or that were and came back at that Unix time."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one forecast has learnt until `at` (Unix seconds), in bytes of its own making."""

    deployment: str
    forecast: str
    at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some hours of one deployment's history from `at` on, Unix seconds, in bytes."""

    deployment: str
    at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What operators have said: the words that stand, oldest first, and looks that were asked for.

    `seq` is the number of the last entry of the activity; ask on from there.
    """

    words: tuple[Standing, ...] = ()
    looks: tuple[Entry, ...] = ()
    seq: int = 0


class Journal(Protocol):
    """The durable record. A write to the platform needs its intent here first."""

    async def recall(self, deployments: Sequence[str]) -> Mapping[str, Memory]:
        """What is remembered, by deployment name; names never seen are absent."""
        ...

    async def intend(self, decision: Decision) -> None:
        """Record durably that this write is about to be made. Raises JournalError."""
        ...

    async def conclude(self, decisions: Sequence[Decision]) -> None:
        """Record how decisions ended. Raises JournalError."""
        ...

    async def note(self, group: str, at: float, notes: Sequence[Note]) -> None:
        """Record a tick of a group and the state rows that changed in it. Raises JournalError."""
        ...

    async def heard(self, at: float, after_seq: int | None) -> Heard:
        """What operators have said, active at `at` (Unix seconds). Raises JournalError.

        Looks are those entered after the number `after_seq`; with None there are none.
        """
        ...

    async def keep_ages(self, deployments: Sequence[str], jump: Jump) -> None:
        """The wall clock was set: changes are as old as before. Raises JournalError."""
        ...

    async def record(self, events: Sequence[Event]) -> None:
        """Enter into the activity what nothing else here tells of. Raises JournalError."""
        ...

    async def dangling(self) -> Sequence[Intent]:
        """Intents without a conclusion, oldest first."""
        ...

    async def resolve(self, intent: Intent, outcome: Outcome, at: float) -> None:
        """Conclude a dangling intent with what the platform answered."""
        ...

    async def keep(self, learnt: Sequence[Learnt]) -> None:
        """Store what forecasts have learnt. Raises JournalError."""
        ...

    async def learnt(self, deployments: Sequence[str]) -> Sequence[Learnt]:
        """What was stored of these deployments' forecasts."""
        ...

    async def leave(self, deployments: Sequence[str]) -> None:
        """Say that these are not watched any more: coming back, they count as newly seen."""
        ...

    async def history(self, deployment: str, limit: int) -> Sequence[bytes]:
        """The latest recorded decisions as JSON, newest first."""
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...


class JournalError(Exception):
    """The journal cannot record. Without a record nothing is written to the platform."""


# --- listeners and membership ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TickReport:
    """A tick in seconds: `lag_s` is how late it began, `interval_s` how long until the next."""

    group: str
    at: float
    took_s: float
    lag_s: float
    decisions: Sequence[Decision]
    interval_s: float = 60.0


class Listener(Protocol):
    """Who hears of every tick. A listener that fails does not stop the others."""

    def told(self, report: TickReport) -> None:
        """Hear of a tick, after its decisions were journalled. Must be quick."""
        ...


class Membership(Protocol):
    """Which deployments are this daemon's to write."""

    def owns(self, rid: str) -> bool:
        """Whether this daemon may write to it now."""
        ...


class Alone:
    """The only daemon: everything is its own."""

    def owns(self, rid: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Always."""
        return True
