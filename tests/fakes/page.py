"""A daemon for the page's sake: the real web server over a fleet of any size, steerable.

`python -m tests.fakes.page 2000` serves one until it is ended; the figures are measured on it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autoscaler.activity import Act, Entry
from autoscaler.core.controls import Standing as Stands
from autoscaler.core.controls import check, told
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import Range
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.guards.step import Step
from autoscaler.core.observation import Limits, Mode, Override
from autoscaler.core.proposal import PolicyEntry
from autoscaler.roster import ForecastSpec, Managed
from autoscaler.web import view
from autoscaler.web.access import Access, Gate, Role, Token, Tokens
from autoscaler.web.api.parts import Parts
from autoscaler.web.face import Asked, Cost, Span, Standing, UnknownScope
from autoscaler.web.server import Server, serve
from autoscaler.web.stream import Hub
from autoscaler.web.view import applying, override_json
from policies.target_load import TargetLoad
from tests.fakes.web import FakeFace, FakeRecords, Spent, busy

OPERATOR = "fas_operator-for-the-browser-tests"
VIEWER = "fas_viewer-for-the-browser-tests"
LEAD_S = 600.0
SPARKS = 36


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


TOKENS = Tokens(
    (
        Token("ada", Role.OPERATOR, digest(OPERATOR)),
        Token("vera", Role.VIEWER, digest(VIEWER)),
    )
)


@dataclass(slots=True)
class PageFace(FakeFace):
    """As FakeFace, with policies, guards, a forecast and cold starts to look at."""

    started_at: float = field(default_factory=lambda: time.time() - 7_300)

    def hello(self) -> Mapping[str, Any]:
        return {"version": "0.1.0", "started_at": self.started_at, "at": time.time()}

    def deployment(
        self, name: str, standing: Sequence[Standing], cost: Cost
    ) -> Mapping[str, Any] | None:
        found = self.decisions.get(name)
        if found is None:
            return None
        words = applying(standing, found.group, name)
        starts = [{"at": found.at - 3_000 * n, "took_s": 71.0 + 9 * n} for n in range(1, 4)]
        forecast = {"name": "forecast", "tau": 0.95, "coverage": 0.957, "loss_ratio": 0.61}
        forecast |= {"bias": -0.02, "lead_s": 120.0, "trials": 1_440}
        known = view.Known([forecast], starts, cost.today, cost.month)
        return view.detail(found, self.managed.get(name), words, None, known)

    def age(self, seconds: float) -> None:
        """Decide everything anew: the same ends, `seconds` later."""
        self.decisions = {
            name: replace(one, id=f"{one.at + seconds:.0f}-{name}", at=one.at + seconds)
            for name, one in self.decisions.items()
        }


class PagePast:
    """A day's wave for everybody, with a gap, steps of the envelope, and a forecast ahead."""

    def __init__(self, face: FakeFace) -> None:
        self._face = face

    async def series(self, name: str, span: Span) -> Mapping[str, Any]:
        now = time.time()
        end = now + LEAD_S if span.end is None else span.end
        step = max(60, math.ceil((end - span.start) / span.points / 60) * 60)
        first = int(span.start // step) * step
        at = list(range(first, int(end) + 1, step))
        loads = [self._load(name, t) for t in at]
        floors = [max(1, math.ceil(self._load(name, t - t % 900 + 450) / 6)) for t in at]
        past = [t <= now for t in at]
        known = [
            load if then and (t // step) % 97 else None
            for load, then, t in zip(loads, past, at, strict=True)
        ]
        head = {"from": span.start, "to": end, "step_s": step, "at": at, "load": known}
        ahead = {
            "forecast": [1.1 * load + 2 for load in loads],
            "keep": [0.95 * load for load in loads],
            "ceiling_forecast": [1.35 * load + 4 for load in loads],
        }
        dials = {
            "capacity": [
                8 * floor if then else None for floor, then in zip(floors, past, strict=True)
            ],
            "floor": [floor if then else None for floor, then in zip(floors, past, strict=True)],
            "ceiling": [
                floor + 4 if then else None for floor, then in zip(floors, past, strict=True)
            ],
            "threads": [8 if then else None for then in past],
        }
        return {**head, **ahead, **dials}

    async def cost(self, name: str) -> Cost:
        return Spent(12_000.0, 390_000.0)

    def _load(self, name: str, at: float) -> float:
        phase = sum(map(ord, name)) * 977
        day = 1 + math.sin((at + phase) / 86_400 * 2 * math.pi)
        return 18 + 14 * day + 4 * math.sin((at + phase) / 1_700) + 2 * math.sin(at / 311)

    def sparklines(self, names: Sequence[str]) -> Mapping[str, Any]:
        now = int(time.time() // 600) * 600
        start = now - 600 * SPARKS
        times = [start + 600 * n for n in range(SPARKS)]
        lines = {
            name: [None if n == 7 else self._load(name, t) for n, t in enumerate(times)]
            for name in names
            if self._face.knows(name)
        }
        return {"from": start, "to": now, "step_s": 600, "lines": lines}


@dataclass(slots=True)
class PageRecords(FakeRecords):
    """Decisions as FakeRecords has them, and a book of what happened."""

    book: list[Entry] = field(default_factory=list)

    async def activity(self, asked: Asked, before: int | None, limit: int) -> Sequence[Entry]:
        found = [one for one in reversed(self.book) if _fits(one, asked)]
        return [one for one in found if before is None or one.seq < before][:limit]

    def enter(
        self,
        kind: Act,
        summary: str,
        *,
        at: float,
        deployment: str | None = None,
        group: str | None = None,
        actor: str = "daemon",
        ref: str | None = None,
    ) -> Entry:
        """Write it down."""
        seq, prev = len(self.book) + 1, self.book[-1].hash if self.book else "0" * 64
        mark = hashlib.sha256(f"{prev}{seq}{summary}".encode()).hexdigest()
        entry = Entry(seq, at, kind, deployment, group, actor, summary, ref, None, prev, mark)
        self.book.append(entry)
        return entry


def _fits(one: Entry, asked: Asked) -> bool:
    return (
        (not asked.kinds or one.kind.value in asked.kinds)
        and asked.deployment in {None, one.deployment}
        and (asked.start is None or one.at >= asked.start)
        and (asked.end is None or one.at <= asked.end)
    )


@dataclass(slots=True)
class PageControls:
    """Overrides in memory; whatever is said is entered in the book and told to open pages."""

    face: FakeFace
    records: PageRecords
    hub: Hub
    stands: list[Stands] = field(default_factory=list)
    looks: list[tuple[str, str, str]] = field(default_factory=list)

    async def standing(self) -> Sequence[Standing]:
        now = time.time()
        return [one for one in self.stands if one.override.active(now)]

    async def add(self, scope: str, word: Override) -> Standing:
        check(scope, word)
        self._count(scope)
        ident = f"o{len(self.records.book) + 1}"
        one = Stands(ident, scope, word, time.time())
        self.stands.append(one)
        self._tell(Act.OVERRIDE_ADDED, "added", one, word.author)
        return one

    async def end(self, ident: str, author: str) -> Standing | None:
        found = next((one for one in self.stands if one.id == ident), None)
        if found is not None:
            self.stands.remove(found)
            self._tell(Act.OVERRIDE_ENDED, "ended", found, author)
        return found

    async def look(self, scope: str, author: str, why: str) -> int:
        count = self._count(scope)
        self.looks.append((scope, author, why))
        self.records.enter(Act.LOOK, f"look at {scope}: {why}", at=time.time(), actor=author)
        return count

    def _count(self, scope: str) -> int:
        fleet = self.face.decisions.values()
        names = [
            one.deployment
            for one in fleet
            if scope in {"fleet", f"group:{one.group}", one.deployment}
        ]
        if not names:
            raise UnknownScope(f"nothing is called {scope!r} here")
        return len(names)

    def _tell(self, kind: Act, action: str, one: Stands, author: str) -> None:
        text = f"{action}: {told(one.override)} for {one.scope}, {one.override.why}"
        entry = self.records.enter(kind, text, at=time.time(), actor=author, ref=one.id)
        self.hub.publish("override", {"action": action, "override": override_json(one)})
        self.hub.publish("activity", entry_json(entry))


@dataclass(slots=True)
class PageWhatIf:
    """Replays nothing: a job goes on by one step each time that it is asked for."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any], float]] = field(default_factory=list)
    steps: int = 3

    async def start(self, deployment: str, policies: Mapping[str, Any], days: float) -> str:
        for name, options in policies.items():
            if isinstance(options, dict) and float(options.get("target") or 0) > 1:
                raise ValueError(f"policies.{name}.target must be in 0..1, got {options['target']}")
        self.asked.append((deployment, policies, days))
        ident = f"w{len(self.asked)}"
        self.jobs[ident] = {"state": "queued", "progress": 0.0, "deployment": deployment}
        return ident

    def state(self, ident: str) -> Mapping[str, Any] | None:
        job = self.jobs.get(ident)
        if job is not None and job["state"] in {"queued", "running"}:
            done = min(1.0, job["progress"] + 1 / self.steps)
            job |= {"state": "running" if done < 1 else "done", "progress": done}
            if done >= 1:
                job["result"] = _result(job["deployment"])
        return job

    async def cancel(self, ident: str) -> bool:
        job = self.jobs.get(ident)
        if job is None:
            return False
        job["state"] = "cancelled"
        return True


def _result(deployment: str) -> dict[str, Any]:
    now = int(time.time())
    at = [now - 86_400 + 300 * n for n in range(288)]
    load = [3 + 2 * math.sin(n / 40) for n in range(288)]
    floor = [math.ceil(value) for value in load]

    def curves(more: int) -> dict[str, Any]:
        floors = [n + more for n in floor]
        return {"floor": floors, "ceiling": [n + 4 for n in floors], "replicas": floors}

    def measures(late: float, hours: float) -> dict[str, float]:
        return {
            "violations": late,
            "unserved": late / 4,
            "replica_hours": hours,
            "actions_per_day": 14.0,
        }

    return {
        "deployment": deployment,
        "from": at[0],
        "to": at[-1],
        "sets": {
            "current": measures(0.011, 91.0),
            "changed": measures(0.004, 99.0),
            "platform": measures(0.06, 70.0),
        },
        "curves": {
            "at": at,
            "load": [8 * value for value in load],
            "threads": 8,
            "sets": {"current": curves(0), "changed": curves(1), "platform": curves(-1)},
        },
        "verdict": "The changed set leaves 64 % fewer requests without room for 9 % more replica-hours.",
        "warnings": ["2 gaps of 18 min in the load were left out"],
    }


def entry_json(one: Entry) -> dict[str, Any]:
    names = (
        "seq",
        "at",
        "kind",
        "deployment",
        "group",
        "actor",
        "summary",
        "ref",
        "digest",
        "prev",
        "hash",
    )
    return {name: getattr(one, name) for name in names}


@dataclass(slots=True)
class Site:
    """One server with everything behind it."""

    face: PageFace
    records: PageRecords
    controls: PageControls
    what_if: PageWhatIf
    hub: Hub
    gate: Gate
    server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url

    async def open(self, listen: str = "127.0.0.1:0") -> None:
        """Listen; the hub of a server that was closed is replaced, as a restart would."""
        if self.server is not None:
            self.hub = self.controls.hub = Hub(f"run{time.monotonic_ns():x}")
            self.face.started_at = time.time()
        past = PagePast(self.face)
        parts = Parts(
            self.face, self.records, past, self.controls, self.hub, self.gate, self.what_if
        )
        self.server = await serve(parts, listen)

    async def close(self) -> None:
        """Be away, as a daemon that has ended."""
        assert self.server is not None
        await self.server.close()

    async def again(self) -> None:
        """Come back at the same address."""
        await self.open(self.url.removeprefix("http://"))

    def tick(self, seconds: float = 15.0) -> None:
        """Decide everything anew and tell open pages."""
        self.face.age(seconds)
        count = len(self.face.decisions)
        self.hub.publish(
            "tick",
            {
                "group": "online",
                "at": time.time(),
                "took_s": 0.2,
                "lag_s": 0.0,
                "decisions": count,
                "changed": 1,
            },
        )


def site(count: int = 30, *, write_enabled: bool = True, token_to_read: bool = False) -> Site:
    """A site of so many deployments, not yet open."""
    made = busy(count)
    managed = {name: _managed(one) for name, one in made.decisions.items()}
    face = PageFace(decisions=made.decisions, managed=managed)
    records, hub = PageRecords(face), Hub("run1")
    _history(records)
    access = Access(TOKENS, write_enabled=write_enabled, token_to_read=token_to_read)
    controls = PageControls(face, records, hub)
    return Site(face, records, controls, PageWhatIf(), hub, Gate(access))


def _managed(one: Decision) -> Managed:
    load = PolicyEntry("load", TargetLoad(signal="running_jobs", target=0.7))
    bolder = PolicyEntry("bolder", TargetLoad(signal="running_jobs", target=0.85), shadow=True)
    limits = Limits(Range(1, 20), Range(1, 20), Range(1, 32))
    return Managed(
        one.deployment,
        one.rid,
        one.group,
        one.deployment,
        Mode.APPLY,
        limits,
        (load, bolder),
        (Step(), LimitsGuard()),
        {},
        forecasts={"forecast": ForecastSpec()},
    )


def _history(records: PageRecords) -> None:
    """More than one page of activity, of several kinds, over the last hours."""
    now, fleet = time.time(), list(records.face.decisions.values())
    kinds = (Act.APPLIED, Act.APPLIED, Act.REFUSED, Act.HELD, Act.DRIFT, Act.FAILED)
    for n in range(240):
        one, kind = fleet[n % len(fleet)], kinds[n % len(kinds)]
        text = f"{kind.value}: {one.headline()}"
        at = now - 60 * (240 - n)
        records.enter(
            kind, text, at=at, deployment=one.deployment, group=one.group, ref=f"{one.id}-3"
        )
    records.enter(Act.RELOAD, "the configuration was taken over: defaults.mode", at=now - 30)


async def main(count: int) -> None:
    """Serve until ended; everything is decided anew each two seconds."""
    shown = site(count)
    await shown.open()
    print(shown.url, flush=True)  # noqa: T201 - whoever started it reads where
    while True:
        await asyncio.sleep(2)
        shown.tick(2)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
