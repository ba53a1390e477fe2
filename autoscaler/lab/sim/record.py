"""What really happened: every PUT, every answer that the daemon got, every word of an operator."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.wire import Raw
from autoscaler.lab.sim.net import Answer, Request
from autoscaler.lab.sim.world import World

# A tick of a large group ends once the last of its writes was read back: 30 s until it begins, and
# its turns of the pace, with a disk that is slow for each commit.
LAST_TICK_S = 180.0
# No answer is later than this, and so many PUTs are remembered without looking at their age.
LATE_S, WAITING = 600.0, 64
DIALS = ("minReplicas", "maxReplicas", "threadCount")


@dataclass(slots=True)
class Served:
    """One answer of a source to one half of a question: the values or their ages."""

    signal: str
    group: str
    part: str
    asked: float
    delivered: bool = False
    sensible: bool = False
    """The answer was one that can be read."""
    partial: bool = False
    wrong: set[str] = field(default_factory=set)
    """The deployments of which it told nothing that can be used."""
    lied: set[str] = field(default_factory=set)
    """Those of which it told a lie that looks like the truth."""

    def lies(self, name: str) -> bool:
        """Whether it told a lie about a deployment that looks like the truth."""
        return name in self.lied

    def tells(self, name: str) -> bool:
        """Whether the daemon learnt the truth about a deployment from it."""
        return self.delivered and self.sensible and name not in self.wrong


@dataclass(slots=True)
class Put:
    """A PUT as it left the daemon. `status` is None until the platform has acted."""

    rid: str
    raw: Raw
    left: float
    told: Raw | None
    """The configuration in the last answer that the daemon got before."""
    state: str
    intent: str = ""
    status: int | None = None
    known: int | None = None
    """The status that the daemon got to see."""
    maximum: int | None = None
    """The most threads, when the answer told them."""
    effect: tuple[Envelope, Envelope] | None = None

    @property
    def after(self) -> Envelope:
        """The dials that it asked for."""
        return envelope_of(self.raw)


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's pause or brake: from when it was acknowledged until its end."""

    scope: str
    since: float
    until: float = float("inf")
    brake: bool = False
    """Nothing is lowered, anything may be raised."""
    ends: float = float("inf")
    """The same end by the daemon's wall clock, which may be put forward to it."""
    id: str = ""


@dataclass(slots=True)
class Record:
    """Kept by the world, not by the daemon."""

    world: World
    puts: int = 0
    """How many have left."""
    by_request: dict[int, Put] = field(default_factory=dict)
    served: dict[tuple[str, str, str], deque[Served]] = field(default_factory=dict)
    told: dict[str, tuple[Raw, str, float]] = field(default_factory=dict)
    pauses: list[Pause] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Words of operators that others ended, by their id."""
    refused: dict[str, float] = field(default_factory=dict)
    """By RID, when the platform last refused something about it."""
    handed: dict[str, float] = field(default_factory=dict)
    """By RID, when a human last turned its dials."""
    threads: dict[str, int] = field(default_factory=dict)
    """By RID, the maximum of threads that the daemon was told."""
    threads_at: dict[str, float] = field(default_factory=dict)
    """When it was told, by a clock that sleeps with the machine."""
    since: float = 0.0
    """When the process began, by the same clock."""
    on_put: Callable[[Put], None] = lambda _: None
    on_effect: Callable[[Put], None] = lambda _: None
    on_request: Callable[[], None] = lambda: None
    after_put: Callable[[], None] = lambda: None
    pace: Callable[[], None] = lambda: None

    def clock_set(self) -> None:
        """The wall clock was set: what ends by it may have ended."""
        now = self.world.now
        self.pauses = [
            replace(one, until=min(one.until, now)) if self._over(one) else one
            for one in self.pauses
        ]

    def _over(self, pause: Pause) -> bool:
        """Whether the clock reads its end, or did so right before it was set."""
        world = self.world
        was = pause.since < world.wall_set_at and pause.ends <= world.wall_before + 1
        return was or pause.ends <= world.wall + 1

    def word_ended(self, ident: str) -> None:
        """Somebody ended an operator's word, whether or not it was entered here already."""
        self.ended.add(ident)
        now = self.world.now
        self.pauses = [
            replace(one, until=min(one.until, now)) if one.id == ident else one
            for one in self.pauses
        ]

    def forget(self, before: float) -> None:
        """Let go of pauses that ended before `before`, and let no list grow for a month."""
        self.pauses = [one for one in self.pauses if one.until > before]
        self.ended.clear()

    def asked(self) -> None:
        """A request about a deployment left the daemon."""
        self.pace()
        self.on_request()

    def question(self, served: Served) -> Served:
        """A source was asked."""
        kept = self.served.setdefault((served.signal, served.group, served.part), deque(maxlen=120))
        kept.append(served)
        return served

    def put_left(self, request: Request, rid: str, raw: Raw) -> None:
        """A PUT left the daemon: this is the moment at which it is judged."""
        told, state, _ = self.told.get(rid, (None, "", 0.0))
        put = Put(rid, raw, self.world.now, told, state)
        self.puts += 1
        if len(self.by_request) > WAITING:  # those that never got their answer
            start = self.world.now - LATE_S
            self.by_request = {n: p for n, p in self.by_request.items() if p.left > start}
        self.by_request[request.number] = put
        self.on_put(put)
        self.after_put()

    def died(self) -> None:
        """The process ended: what it was told in its last tick may not be in the journal.

        Nor what it was told in all its life, when the disk was full or slow at its end.
        """
        world = self.world
        ill = world.now - world.store_ill_at < LAST_TICK_S
        start = self.since if ill else world.loop_time - LAST_TICK_S
        for rid, told_at in list(self.threads_at.items()):
            if told_at > start:
                del self.threads_at[rid], self.threads[rid]

    def took_effect(self, request: Request, before: Envelope, after: Envelope) -> None:
        """The platform did it."""
        put = self.by_request[request.number]
        put.effect = before, after
        self.on_effect(put)

    def put_arrived(self, request: Request, status: int) -> None:
        """The platform has answered it."""
        self.by_request[request.number].status = status

    def put_answered(self, request: Request, answer: Answer, *, whole: bool) -> None:
        """The daemon heard of it."""
        put = self.by_request.pop(request.number)
        put.known = answer.status
        told = _object(answer.body) if whole else {}
        name = told.get("errorName")
        if name == "ThreadCountTooHigh":
            put.maximum = self.threads[put.rid] = told["parameters"]["maxThreadCount"]
            self.threads_at[put.rid] = self.world.loop_time
        elif 400 <= answer.status < 500:  # noqa: PLR2004 - the class of refusals
            self.refused[put.rid] = self.world.now
        configuration = told.get("runtimeConfiguration")
        if answer.status == 200 and isinstance(configuration, dict):  # noqa: PLR2004 - HTTP OK
            self.told[put.rid] = configuration, told["status"]["state"], self.world.now

    def was_told(self, rid: str, answer: Answer, *, whole: bool) -> None:
        """The daemon got the answer to a GET."""
        told = _object(answer.body) if whole else {}
        if answer.status == 200 and "runtimeConfiguration" in told:  # noqa: PLR2004 - HTTP OK
            state = told["status"]["state"]
            self.told[rid] = told["runtimeConfiguration"], state, self.world.now
        elif 400 <= answer.status < 500:  # noqa: PLR2004 - the class of refusals
            self.refused[rid] = self.world.now

    def stopped(self, name: str, group: str, now: float, *, brake: bool) -> Pause | None:
        """The acknowledged pause, or brake, that holds for a deployment now, the oldest first."""
        scopes, wall = {"fleet", f"group:{group}", name}, self.world.wall
        for pause in self.pauses:
            holds = pause.since <= now < pause.until and wall < pause.ends
            if holds and pause.brake == brake and pause.scope in scopes:
                return pause
        return None


def envelope_of(raw: Raw) -> Envelope:
    """The dials of a configuration. Raises ValueError for illegal ones."""
    return Envelope(raw["minReplicas"], raw["maxReplicas"], raw["threadCount"])


def rest_of(raw: Raw) -> Raw:
    """Everything that is not the daemon's to change."""
    return {key: value for key, value in raw.items() if key not in DIALS}


def _object(body: bytes) -> Raw:
    if not body.startswith(b"{"):  # as 12 MB of something else, again and again
        return {}
    try:
        found = orjson.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
