"""A whole world in memory: clock, platform, source and journal that obey the ports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoscaler.activity import Entry, Event
from autoscaler.core.controls import Standing
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.jump import Jump
from autoscaler.core.observation import (
    Absence,
    Health,
    Missing,
    Override,
    Series,
)
from autoscaler.core.reason import Code, because
from autoscaler.ports import (
    Heard,
    Intent,
    JournalError,
    Learnt,
    Live,
    Memory,
    Note,
    Question,
    Reading,
    Sample,
    TickReport,
    Unread,
)
from tests.strategies import NOW


@dataclass
class FakeClock:
    """Time that moves when somebody sleeps or a test says so."""

    at: float = NOW
    up: float = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.up

    async def sleep(self, seconds: float) -> None:
        self.forward(max(0.0, seconds))
        await asyncio.sleep(0)

    def forward(self, seconds: float) -> None:
        self.at += seconds
        self.up += seconds


@dataclass
class FakePlatform:
    """Deployments by RID. `refuse` answers the next writes; `writes` holds all that arrived."""

    clock: FakeClock
    live: dict[str, Live] = field(default_factory=dict)
    writes: list[tuple[str, Envelope]] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    places: int = 100
    asked_for_s: float = 0.0
    """For how long room was asked for last, seconds."""
    down: bool = False
    crash: bool = False
    closed: bool = False

    def holds(self, rid: str, envelope: Envelope, state: str = "ACTIVE", **parts: object) -> None:
        ready = Health(state, is_ready=state == "ACTIVE")
        self.live[rid] = Live(rid, envelope, ready, **parts)  # type: ignore[arg-type]  # tests name the fields

    async def read(self, rid: str) -> Live | Unread:
        if self.down or rid not in self.live:
            return Unread(because(Code.API_UNAVAILABLE, "the platform is away"))
        return self.live[rid]

    async def find(self, model_rid: str, branch: str | None = None) -> Sequence[Live] | Unread:
        if self.down:
            return Unread(because(Code.API_UNAVAILABLE, "the platform is away"))
        return [live for live in self.live.values() if live.model_rid == model_rid]

    async def apply(self, rid: str, before: Envelope, after: Envelope) -> Outcome:
        await asyncio.sleep(0)
        if self.crash:
            raise KeyError("a bug of the platform room")
        if self.answers:
            return self.answers.pop(0)
        actual = self.live[rid].envelope
        if actual != before:
            drifted = because(Code.DRIFTED, "somebody else changed it")
            return Outcome(Kind.DEFERRED, drifted, actual=actual)
        self.writes.append((rid, after))
        self.live[rid] = replace(self.live[rid], envelope=after)
        return Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "as planned"), after, 200, 0.1)

    def room(self, seconds: float) -> int:
        self.asked_for_s = seconds
        return self.places

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeSource:
    """Gives every deployment the same load, or what `values` says; `failing` answers nothing."""

    clock: FakeClock
    load: float = 40.0
    values: dict[str, Sample | Missing] = field(default_factory=dict)
    past: dict[str, Series] = field(default_factory=dict)
    failing: bool = False
    crash: bool = False
    hang: bool = False
    complete: bool = True
    asked: list[str] = field(default_factory=list)
    closed: bool = False

    async def read(self, question: Question, at: float) -> Reading | Missing:
        self.asked.append(question.signal)
        if self.hang:
            await asyncio.Event().wait()
        if self.crash:
            raise RuntimeError("a bug of the source")
        if self.failing:
            return Missing(Absence.SOURCE_FAILED, "connection refused")
        names = ("chat", "rerank", "scorer-master")
        same: dict[str, Sample | Missing] = {name: Sample(at, self.load) for name in names}
        return Reading(same | self.values, self.complete)

    async def history(
        self, question: Question, start: float, end: float, step: float
    ) -> Mapping[str, Series]:
        if self.crash:
            raise RuntimeError("a bug of the source")
        return self.past

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeJournal:
    """Remembers in memory; `said` are words by scope. `broken` raises JournalError from every call."""

    memories: dict[str, Memory] = field(default_factory=dict)
    said: dict[str, tuple[Override, ...]] = field(default_factory=dict)
    intents: list[Decision] = field(default_factory=list)
    concluded: list[Decision] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    open_intents: list[Intent] = field(default_factory=list)
    resolved: list[tuple[Intent, Outcome]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    forecasts: dict[tuple[str, str], Learnt] = field(default_factory=dict)
    jumped: list[float] = field(default_factory=list)
    looks: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    broken: bool = False
    closed: bool = False

    def _check(self) -> None:
        if self.broken:
            raise JournalError("disk full")

    async def recall(self, deployments: Sequence[str]) -> Mapping[str, Memory]:
        return {name: self.memories[name] for name in deployments if name in self.memories}

    async def keep_ages(self, deployments: Sequence[str], jump: Jump) -> None:
        self._check()
        self.jumped.append(jump.by_s)

    async def intend(self, decision: Decision) -> None:
        self._check()
        self.intents.append(decision)

    async def conclude(self, decisions: Sequence[Decision]) -> None:
        self._check()
        self.concluded.extend(decisions)

    async def note(self, group: str, at: float, notes: Sequence[Note]) -> None:
        self._check()
        self.notes.extend(notes)

    async def heard(self, at: float, after_seq: int | None) -> Heard:
        self._check()
        words = tuple(
            Standing(word.id, scope, word, at) for scope, said in self.said.items() for word in said
        )
        looks, self.looks = self.looks, []
        return Heard(words, tuple(looks), 0)

    async def record(self, events: Sequence[Event]) -> None:
        self._check()
        self.events.extend(events)

    async def dangling(self) -> Sequence[Intent]:
        return self.open_intents

    async def resolve(self, intent: Intent, outcome: Outcome, at: float) -> None:
        self._check()
        self.resolved.append((intent, outcome))

    async def keep(self, learnt: Sequence[Learnt]) -> None:
        self._check()
        self.forecasts |= {(one.deployment, one.forecast): one for one in learnt}

    async def learnt(self, deployments: Sequence[str]) -> Sequence[Learnt]:
        return [one for one in self.forecasts.values() if one.deployment in deployments]

    async def leave(self, deployments: Sequence[str]) -> None:
        self._check()
        self.left.extend(deployments)

    async def history(self, deployment: str, limit: int) -> Sequence[bytes]:
        return []

    async def close(self) -> None:
        self.closed = True


@dataclass
class Ears:
    """A listener that keeps every report."""

    reports: list[TickReport] = field(default_factory=list)

    def told(self, report: TickReport) -> None:
        self.reports.append(report)


@dataclass
class Troubles:
    """A schedule watch that keeps what it is told."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def troubled(self, name: str, trouble: str) -> None:
        self.heard.append((name, trouble))
