"""A daemon's face over decisions made by hand: what the HTTP server and the page show in tests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autoscaler.codec import encode_decision
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
from autoscaler.web import view
from autoscaler.web.table import Table
from tests.fakes.telemetry import decided, observed, wanting


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

    def status(self) -> Mapping[str, Any]:
        if self.bug:
            raise self.bug
        now = time.time()
        groups = [{"name": "online", "interval_s": 15, "last_tick_at": now - 4}]
        return view.status(
            version="0.1.0",
            at=now,
            started_at=now - 7_300,
            decisions=self.decisions.values(),
            groups=groups,
        )

    def deployments(self) -> Sequence[Mapping[str, Any]]:
        self.listed += 1
        return self.table.rows(self.decisions.values())

    def deployment(self, name: str) -> Mapping[str, Any] | None:
        found = self.decisions.get(name)
        return None if found is None else view.detail(found)

    async def history(self, name: str, limit: int) -> Sequence[bytes]:
        return [encode_decision(self.decisions[name])] * min(limit, 3)

    def metrics(self, accept: str) -> tuple[bytes, str]:
        self.accepted.append(accept)
        return self.body, "text/plain; version=0.0.4; charset=utf-8"

    def live(self) -> tuple[bool, str]:
        return self.alive

    def ready(self) -> tuple[bool, str]:
        return self.prepared


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
