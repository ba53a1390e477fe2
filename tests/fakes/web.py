"""A daemon's face over decisions made by hand: what the HTTP server and the page show in tests."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autoscaler.activity import Act, Entry
from autoscaler.codec import encode_decision
from autoscaler.core.controls import check
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Missing,
    Mode,
    Override,
    Series,
)
from autoscaler.core.reason import Code, because
from autoscaler.ports import JournalError
from autoscaler.roster import Managed
from autoscaler.web import view
from autoscaler.web.api.parts import Parts
from autoscaler.web.face import Asked, Cost, Span, Standing, UnknownScope, Wanted
from autoscaler.web.stream import Hub
from autoscaler.web.table import Table
from autoscaler.web.view import applying
from tests.fakes.telemetry import decided, observed, wanting


@dataclass(frozen=True, slots=True)
class Stands:
    """An override that stands."""

    id: str
    scope: str
    override: Override
    created_at: float


@dataclass(slots=True)
class FakeFace:
    """Answers from a dictionary of decisions; its probes are turned by hand."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    alive: tuple[bool, str] = (True, "every group ticks")
    prepared: tuple[bool, str] = (True, "the first tick is done")
    body: bytes = b"# HELP up It runs.\n# TYPE up gauge\nup 1\n"
    accepted: list[str] = field(default_factory=list)
    listed: int = 0
    bug: Exception | None = None
    table: Table = field(default_factory=Table)
    managed: dict[str, Managed] = field(default_factory=dict)
    pause_file: str | None = None

    def hello(self) -> Mapping[str, Any]:
        now = time.time()
        return {"version": "0.1.0", "started_at": now - 7_300, "at": now}

    def status(self, standing: Sequence[Standing]) -> Mapping[str, Any]:
        if self.bug:
            raise self.bug
        now = time.time()
        return view.status(
            version="0.1.0",
            at=now,
            started_at=now - 7_300,
            decisions=self.decisions.values(),
            groups=[
                {
                    "name": "online",
                    "interval_s": 15,
                    "deployments": len(self.decisions),
                    "last_tick_at": now - 4,
                    "lag_s": 0.002,
                    "took_s": 0.2,
                }
            ],
            healthy=False,
            unhealthy=["source prom does not answer (timeout)"],
            leader=True,
            decisions_per_minute=4 * len(self.decisions),
            changes_today=12,
            lateness_s=0.002,
            loop_lag_s=0.001,
            journal_up=True,
            sources={"up": 1, "total": 2},
            writes={"room": 20, "pace_per_second": 1.0, "breaker_open": False, "waiting": 1},
            budgets=[
                {"group": "online", "kind": "raised replicas per minute", "left": 3, "of": 10}
            ],
            controls={
                "active": len(standing),
                "fleet": [view.override_json(one) for one in standing if one.scope == "fleet"],
            },
            pause_file=self.pause_file,
            configuration={
                "digest": "0123456789ab",
                "loaded_at": now - 7_300,
                "reload_failed_at": None,
                "problem": None,
            },
        )

    async def health(self) -> Mapping[str, Any]:
        now = time.time()
        tick = {"group": "online", "at": now, "took_s": 0.2, "lag_s": 0.0}
        return {
            "sources": [
                {
                    "name": "prom",
                    "kind": "prometheus",
                    "up": False,
                    "last_ok_at": now - 40,
                    "last_error": "timeout",
                    "last_error_at": now - 4,
                    "outcomes": {"success": 40, "timeout": 3},
                    "p50_s": 0.012,
                }
            ],
            "platform": {
                "requests": {"get 200": 120, "replace 200": 7, "replace 429": 1},
                "retries": {"get rate_limited": 1},
                "waited_s": 3.5,
                "pace_per_second": 1.0,
                "breaker_open": False,
                "clock_skew_s": 0.02,
                "last_error": "replace 429",
                "last_error_at": now - 900,
                "last_ok_at": now - 3,
            },
            "loop": {"lag_s": 0.001, "ticks": [{**tick, "decisions": 30, "changed": 1}]},
            "journal": {"up": True, "bytes": 4_096, "decisions": 77, "place": "autoscaler.db"},
            "config": {
                "file": "autoscaler.yaml",
                "digest": "0123456789ab",
                "loaded_at": now - 7_300,
                "reload_failed_at": None,
                "problem": None,
                "changed": ["defaults.mode"],
            },
        }

    def deployments(self, standing: Sequence[Standing]) -> Sequence[Mapping[str, Any]]:
        self.listed += 1
        return self.table.rows(self.decisions.values(), self.managed, standing)

    def deployment(
        self, name: str, standing: Sequence[Standing], cost: Cost
    ) -> Mapping[str, Any] | None:
        found = self.decisions.get(name)
        if found is None:
            return None
        words = applying(standing, found.group, name)
        known = view.Known((), (), cost.today, cost.month)
        return view.detail(found, self.managed.get(name), words, None, known)

    def knows(self, name: str) -> bool:
        return name in self.decisions

    def metrics(self, accept: str) -> tuple[bytes, str]:
        self.accepted.append(accept)
        return self.body, "text/plain; version=0.0.4; charset=utf-8"

    def live(self) -> tuple[bool, str]:
        return self.alive

    def ready(self) -> tuple[bool, str]:
        return self.prepared


@dataclass(slots=True)
class FakeRecords:
    """A journal that holds each of the face's decisions three times, a minute apart."""

    face: FakeFace
    away: bool = False
    entries: list[Entry] = field(default_factory=list)

    async def decisions(self, wanted: Wanted) -> Sequence[bytes]:
        if self.away:
            raise JournalError("the disk is full")
        found = [one for one in self._all() if self._fits(one, wanted)]
        return [encode_decision(one) for one in found[: wanted.limit]]

    async def decision(self, ident: str) -> bytes | None:
        return next((encode_decision(one) for one in self._all() if one.id == ident), None)

    async def activity(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        if self.away:
            raise JournalError("the disk is full")
        found = [
            one
            for one in reversed(self.entries)
            if (before is None or one.seq < before)
            and (not asked.kinds or one.kind in asked.kinds)
            and asked.deployment in {None, one.deployment}
            and (asked.start is None or one.at >= asked.start)
            and (asked.end is None or one.at < asked.end)
        ]
        return found[:limit]

    def _all(self) -> list[Decision]:
        found = [
            replace(one, id=f"{one.id}-{3 - n}", at=one.at - 60 * n)
            for one in self.face.decisions.values()
            for n in range(3)
        ]
        return sorted(found, key=lambda one: one.id, reverse=True)

    def _fits(self, one: Decision, wanted: Wanted) -> bool:
        return (
            wanted.deployment in {None, one.deployment}
            and (wanted.before is None or one.id < wanted.before)
            and (wanted.start is None or one.at >= wanted.start)
            and (wanted.end is None or one.at <= wanted.end)
            and (not wanted.kinds or one.outcome.kind.value in wanted.kinds)
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """A cost."""

    today: float | None = 12_000.0
    month: float | None = None


class FakePast:
    """Lines that rise from 1; one point in ten is missing."""

    async def cost(self, name: str) -> Cost:
        return Spent()

    async def series(self, name: str, span: Span) -> Mapping[str, Any]:
        end = span.start + 60 if span.end is None else span.end
        step = max(60, int((end - span.start) / span.points))
        count = max(1, int((end - span.start) / step))
        line = [None if n % 10 == 3 else float(n + 1) for n in range(count)]
        whole = [None if n is None else int(n) for n in line]
        at = [span.start + step * n for n in range(count)]
        dials = {"capacity": whole, "floor": whole, "ceiling": whole, "threads": whole}
        ahead = {"forecast": line, "keep": line, "ceiling_forecast": line}
        head = {"from": span.start, "to": end, "step_s": step, "at": at}
        return {**head, "load": line, **ahead, **dials}

    def sparklines(self, names: Sequence[str]) -> Mapping[str, Any]:
        now = int(time.time() // 600) * 600
        line = [None, *(float(n) for n in range(35))]
        return {"from": now - 21_600, "to": now, "step_s": 600, "lines": dict.fromkeys(names, line)}


@dataclass(slots=True)
class FakeControls:
    """Overrides in memory."""

    stands: list[Stands] = field(default_factory=list)
    known: Container[str] = frozenset({"fleet", "group:online", "chat", "rerank"})
    looks: list[tuple[str, str, str]] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False

    async def standing(self) -> Sequence[Standing]:
        return list(self.stands)

    async def add(self, scope: str, word: Override) -> Standing:
        self._expect(scope)
        check(scope, word)
        one = Stands(f"o{len(self.stands) + 1}", scope, word, time.time())
        self.stands.append(one)
        return one

    async def end(self, ident: str, author: str) -> Standing | None:
        found = next((one for one in self.stands if one.id == ident), None)
        if found is not None:
            self.stands.remove(found)
            self.ended.append((ident, author))
        return found

    async def look(self, scope: str, author: str, why: str) -> int:
        self._expect(scope)
        self.looks.append((scope, author, why))
        return 1

    def _expect(self, scope: str) -> None:
        if self.away:
            raise JournalError("the disk is full")
        if scope not in self.known:
            raise UnknownScope(f"nothing called {scope!r} is in the configuration")


@dataclass(slots=True)
class FakeWhatIf:
    """Knows what was begun; nothing ever ends."""

    begun: list[str] = field(default_factory=list)

    async def start(self, deployment: str, policies: Mapping[str, Any], days: float) -> str:
        if not all(value is None or isinstance(value, dict) for value in policies.values()):
            raise ValueError("policies: each must be an object or null")
        self.begun.append(f"w{len(self.begun) + 1}")
        return self.begun[-1]

    def state(self, ident: str) -> Mapping[str, Any] | None:
        return {"state": "running", "progress": 0.25} if ident in self.begun else None

    async def cancel(self, ident: str) -> bool:
        known = ident in self.begun
        self.begun = [one for one in self.begun if one != ident]
        return known


def entry(seq: int, summary: str = "chat is paused by ada: incident") -> Entry:
    """One line of the audit trail."""
    kind, at = Act.OVERRIDE_ADDED, 1_000.0 + seq
    return Entry(
        seq, at, kind, "chat", None, "ada", summary, f"o{seq}", "ab" * 32, "00" * 32, "11" * 32
    )


def parts(face: FakeFace) -> Parts:
    """Everything that the server asks, over one face."""
    return Parts(face, FakeRecords(face), FakePast(), FakeControls(), Hub("run"))


NAMES = ("chat", "rerank", "embed", "scorer-master", "vision", "speech", "fraud", "search", "rank")


def busy(count: int = 30, now: float | None = None) -> FakeFace:
    """A fleet in which every kind of end and trouble is to be seen."""
    at = time.time() if now is None else now
    made = [_one(n, at) for n in range(count)]
    return FakeFace({decision.deployment: decision for decision in made})


def _one(n: int, at: float) -> Decision:
    name = NAMES[n % len(NAMES)] + ("" if n < len(NAMES) else f"-{n // len(NAMES) + 1}")
    floor = 1 + n * 7 % 9
    seen = observed(
        name,
        at=at,
        envelope=Envelope(floor, floor + 2 + n % 5, 8),
        envelope_at=at - 40,
        signals={"running_jobs": Series((at - 20, at - 6), (31.0, 5.0 * floor + n / 7))},
        changes=(Change(at - 400 * (n + 1), Envelope(1, 3, 8), Envelope(floor, floor + 2, 8)),),
    )
    kind = tuple(Kind)[n % 7]
    mode = Mode.RAISE_ONLY if n % 5 == 0 else Mode.APPLY
    if kind is Kind.RECOMMENDED:
        mode = Mode.RECOMMEND
    if n % 7 == 4:
        words = (Override(Control.PAUSE, "ada", "incident 4211", at + 3_600),)
        seen = replace(seen, overrides=words)
    if n == 11:
        gone = Missing(Absence.STALE, "older than 90 s", at - 312)
        seen = replace(
            seen, signals={"running_jobs": gone}, health=Health("STARTING", is_ready=False)
        )
    if n == 18:
        seen = replace(seen, health=Health("DEGRADED", is_ready=True))
    why = because(Code.LOAD_ABOVE_TARGET, "a peak of {peak} jobs needs more replicas", peak=41)
    votes = (wanting(floor + 2, floor + 6, why),) if kind not in {Kind.UNCHANGED, Kind.HELD} else ()
    begun = decided(name, kind, at=at, mode=mode, seen=seen, votes=votes, group="online")
    return replace(begun, outcome=_outcome(kind, n))


def _outcome(kind: Kind, n: int) -> Outcome:
    if kind is Kind.UNCHANGED:
        return Outcome(
            kind, because(Code.WITHIN_TOLERANCE, "a load of 0.68 is near the target of 0.7")
        )
    if kind is Kind.HELD:
        reason = because(Code.PAUSED, "paused by {who}: {why}", who="ada", why="incident 4211")
        return Outcome(kind, reason)
    if kind is Kind.REFUSED:
        why = because(Code.PERMISSION_DENIED, "the service user may not change it (403)")
        return Outcome(kind, why, status=403)
    if kind is Kind.DEFERRED:
        return Outcome(kind, because(Code.PACING, "waits for the pace"))
    if kind is Kind.FAILED:
        return Outcome(kind, because(Code.PLATFORM_ERROR, "the platform answered 503"), status=503)
    return Outcome(kind, because(Code.AS_PLANNED, "it is as planned"), took_s=0.4)
