"""What goes wrong at the moment, per place: the network's faults, false answers, lies.

A spell lasts for a while and strikes a share of the exchanges. Delays keep clear of the
daemon's deadlines (3 s for metrics, 4 s for a PUT, 10 s for a GET), so that nobody has to argue
about who was first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

import orjson

from autoscaler.lab.sim.net import Answer, Fate
from autoscaler.lab.sim.world import World

NETWORK = ("delay", "slow", "lost", "reset_before", "reset_after", "lost_after", "cut")
ERRORS = ("e429", "e429_wait", "e500", "e502", "e503", "e401", "e403", "e404", "e404_bare", "e409")
BODIES = ("html", "garbage", "redirect", "login", "empty_object", "huge", "other_status")
LIES = ("nan", "inf", "huge", "negative", "stale", "future", "twice", "absent", "zero")
CLAMP, UNKNOWN_STATE, WARNINGS, NO_ROWS = "clamp", "unknown_state", "warnings", "no_rows"


@dataclass(slots=True)
class Spell:
    """One thing that goes wrong at `place` until `until`, for this share of the exchanges."""

    place: str
    kind: str
    until: float
    share: float
    method: str = ""
    """Of requests to the platform; all of them when empty."""


@dataclass(frozen=True, slots=True)
class Instead:
    """A false answer. `acts`: the server did what was asked, and then answers like this."""

    kind: str
    acts: bool = False

    def answer(self) -> Answer:
        """The answer of a server that did nothing."""
        if self.kind in ERRORS:
            return _error(self.kind)
        return _BODIES[self.kind]

    def spoil(self, answer: Answer) -> Answer:
        """What becomes of the right answer."""
        if self.kind == UNKNOWN_STATE:
            told = orjson.loads(answer.body)
            if isinstance(told, dict) and "status" in told:
                told["status"]["state"] = "HIBERNATING"
            return Answer(200, orjson.dumps(told))
        if self.kind == "garbage":
            return Answer(200, answer.body[: len(answer.body) // 2])
        return _error(self.kind) if self.kind in ERRORS else _BODIES[self.kind]


@dataclass(slots=True)
class Lie:
    """False numbers for some of the deployments."""

    kind: str
    share: float
    salt: int

    @property
    def shift_s(self) -> float:
        """How false the sample's time is."""
        return {"stale": -3600.0, "future": 300.0}.get(self.kind, 0.0)

    def strikes(self, name: str) -> bool:
        """Whether this deployment's numbers are false."""
        return _luck(self.salt, name) < self.share

    def value(self, true: float) -> float:
        """What is said instead of the truth."""
        said = {"nan": math.nan, "inf": math.inf, "huge": 1e12, "negative": -5.0, "zero": 0.0}
        return said.get(self.kind, true)


@dataclass(slots=True)
class Weather:
    """All spells, and the draws that decide whom they strike."""

    world: World
    spells: list[Spell] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = self.world.chance("weather")

    def add(self, spell: Spell) -> None:
        """Something begins to go wrong."""
        self.world.log("spell", spell.place, spell.kind, spell.method, f"{spell.share:.2f}")
        # Those that are over would be asked about at every exchange of the rest of a month.
        self.spells = [one for one in self.spells if one.until > self.world.now]
        self.spells.append(spell)

    def clear(self) -> None:
        """All is well again."""
        self.spells.clear()

    def fate(self, place: str, method: str) -> Fate:
        """What the network does to an exchange."""
        quick = self._chance.uniform(0.001, 0.03)
        kind = self._drawn(place, method, NETWORK)
        if not kind:
            return Fate(quick, quick)
        late = self._chance.uniform(12, 40)
        fates = {
            "delay": Fate(quick, self._chance.uniform(0.3, 1.5)),
            "slow": Fate(quick, late),
            "lost": Fate(None),
            "reset_before": Fate(None, reset_after_s=quick),
            "reset_after": Fate(quick, None, reset_after_s=quick * 2),
            "lost_after": Fate(late if self._chance.random() < 0.5 else quick, None),  # noqa: PLR2004 - a coin
            "cut": Fate(quick, quick, cut=True),
        }
        return fates[kind]

    def instead(self, place: str, method: str) -> Instead | None:
        """A false answer, None for the right one."""
        kind = self._drawn(place, method, (*ERRORS, *BODIES, UNKNOWN_STATE))
        if not kind:
            return None
        after = kind in {UNKNOWN_STATE, "garbage"} or (
            kind in {"e500", "e502", "html"} and self._chance.random() < 0.5  # noqa: PLR2004 - a coin
        )
        return Instead(kind, acts=after and place == "platform")

    def clamp(self) -> int | None:
        """The most replicas that the platform grants today; None for no bound of its own."""
        return 5 if self._drawn("platform", "PUT", (CLAMP,)) else None

    def lie(self, place: str) -> Lie | None:
        """The false numbers that a source tells now."""
        for spell in self.spells:
            if spell.place == place and spell.kind in LIES and spell.until > self.world.now:
                return Lie(spell.kind, spell.share, int(spell.until))
        return None

    def warned(self, place: str) -> bool:
        """Whether a source says that its answer may be partial."""
        return bool(self._drawn(place, "POST", (WARNINGS,)))

    def _drawn(self, place: str, method: str, kinds: tuple[str, ...]) -> str:
        for spell in self.spells:
            if (
                spell.place == place
                and spell.kind in kinds
                and spell.method in {"", method}
                and spell.until > self.world.now
                and self._chance.random() < spell.share
            ):
                self.struck[spell.kind] = self.struck.get(spell.kind, 0) + 1
                return spell.kind
        return ""


@lru_cache(1024)
def _luck(salt: int, name: str) -> float:
    return Random(f"{salt}/{name}").random()


_NAMES = {
    401: "Unauthorized",
    403: "ReplaceLiveDeploymentPermissionDenied",
    404: "LiveDeploymentNotFound",
    409: "LiveDeploymentSourcesCannotBeUpdatedWhileRunning",
}


def _error(kind: str) -> Answer:
    status, _, more = kind[1:].partition("_")
    code = int(status)
    headers = {"Retry-After": "20"} if more == "wait" else {}
    name = _NAMES.get(code, "Unavailable")
    body = {"errorCode": "X", "errorName": name, "errorInstanceId": "0", "parameters": {}}
    return Answer(code, b"" if more == "bare" else orjson.dumps(body), headers)


_HTML = b"<!DOCTYPE html><html><title>Sign in</title></html>"
_BODIES = {
    "html": Answer(200, _HTML, kind="text/html"),
    "login": Answer(200, _HTML, kind="application/json"),
    "garbage": Answer(200, b'{"status": "succ'),
    "redirect": Answer(302, b"", {"Location": "http://169.254.169.254/latest"}),
    "empty_object": Answer(200, b"{}"),
    "huge": Answer(200, b"[" + b"1," * 6_000_000 + b"1]"),
    "other_status": Answer(204, b""),
}
