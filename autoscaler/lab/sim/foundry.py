"""The platform of a world: configurations and states over HTTP, and the record of every PUT."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from urllib.parse import unquote

import orjson

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.errors import ApiError, deployment_not_found
from autoscaler.lab.platform.wire import Raw, Rules, read_config, shown
from autoscaler.lab.sim.fleet import Fleet
from autoscaler.lab.sim.net import Answer, Fate, Request
from autoscaler.lab.sim.record import Record
from autoscaler.lab.sim.weather import Weather
from autoscaler.lab.sim.world import World

MOST_THREADS = 40
TOKEN_S = 1800.0
_LIVE = "/api/v2/models/liveDeployments/"


@dataclass(slots=True)
class Deployment:
    """One live deployment. It starts for a while after each change that adds replicas."""

    rid: str
    raw: Raw
    settles_at: float = 0.0
    disabled: bool = False

    @property
    def envelope(self) -> Envelope:
        """The dials now."""
        raw = self.raw
        return Envelope(raw["minReplicas"], raw["maxReplicas"], raw["threadCount"])

    def state(self, now: float) -> tuple[str, bool]:
        """State and readiness."""
        if self.disabled:
            return "DISABLED", False
        return ("STARTING", False) if now < self.settles_at else ("ACTIVE", True)


@dataclass(slots=True)
class Platform:
    """Satisfies `net.Service`. `weather` says what goes wrong."""

    world: World
    fleet: Fleet
    record: Record
    weather: Weather
    deployments: dict[str, Deployment] = field(default_factory=dict)
    rules: Rules = field(default_factory=lambda: Rules(max_threads=MOST_THREADS))
    _tokens: dict[str, float] = field(default_factory=dict)
    _given: int = 0
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = self.world.chance("platform")
        for member in self.fleet.members:
            raw: Raw = {
                "minReplicas": self._chance.randint(1, 6),
                "maxReplicas": self._chance.randint(6, 8),
                "threadCount": 32,
                "sources": ["ri.magritte..source.x"],
                "environmentVariables": {"NAME": member.name, "KEY": SECRET_VALUE},
                "notYetInvented": {"of": [1, 2.5, None], "name": member.name},
            }
            self.deployments[member.rid] = Deployment(member.rid, raw)

    # --- the network's side -----------------------------------------------------------------

    def fate(self, request: Request) -> Fate:
        """What becomes of a request; PUTs and GETs are written down as they leave."""
        rid = _rid(request)
        if request.method == "PUT":
            self.record.put_left(request, rid, self._body(request))
        if rid:
            self.record.asked()
        fate = self.weather.fate("platform", request.method)
        self.world.log(request.method, rid[-8:], *fate.told())
        return fate

    def answer(self, request: Request) -> Answer:
        """Act, unless the weather answers instead."""
        try:
            instead = self.weather.instead("platform", request.method)
            if instead is not None and not instead.acts:
                answer = instead.answer()
            else:
                answer = Answer(200, orjson.dumps(self._act(request)))
                answer = answer if instead is None else instead.spoil(answer)
        except ApiError as error:
            body = orjson.dumps({**error.body(), "errorInstanceId": "0"})
            answer = Answer(error.status, body, error.headers)
        if request.method == "PUT":
            self.record.put_arrived(request, answer.status)
        self.world.log("answer", request.method, answer.status, len(answer.body))
        return answer

    def delivered(self, request: Request, answer: Answer, *, whole: bool) -> None:
        """The daemon knows by now."""
        if request.method == "PUT":
            self.record.put_answered(request, answer, whole=whole)
        elif _rid(request):
            self.record.was_told(_rid(request), answer, whole=whole)

    # --- the platform's side ----------------------------------------------------------------

    def _act(self, request: Request) -> object:
        if request.path.startswith("/multipass"):
            self._given += 1
            token, now = f"token-{self._given}", self.world.now
            self._tokens = {known: end for known, end in self._tokens.items() if end > now}
            self._tokens[token] = now + TOKEN_S
            return {"access_token": token, "expires_in": int(TOKEN_S), "token_type": "bearer"}
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0.0) <= self.world.now:
            raise ApiError(401, "Unauthorized")
        found = self.deployments.get(_rid(request))
        if found is None:
            raise deployment_not_found(_rid(request))
        if request.method == "PUT":
            self._replace(found, request)
        return self._shown(found)

    def _shown(self, found: Deployment) -> Raw:
        state, ready = found.state(self.world.now)
        model = {"modelRid": "ri.models.main.model.m", "modelVersionRid": "ri.models.main.mv.1"}
        return {
            "rid": found.rid,
            "modelVersion": model,
            "branch": "master",
            "runtimeConfiguration": shown(found.raw),
            "status": {"state": state, "isReady": ready},
        }

    def _replace(self, found: Deployment, request: Request) -> None:
        raw = self._body(request)
        config = read_config(raw, self.rules)
        before = found.envelope
        most = self.weather.clamp()
        found.raw = raw
        if most is not None:
            low = min(most, config.envelope.min_replicas)
            found.raw = {**raw, "minReplicas": low, "maxReplicas": max(low, most)}
        self.record.took_effect(request, before, found.envelope)
        grows = found.envelope.min_replicas > before.min_replicas
        if grows or found.envelope.threads != before.threads:
            found.settles_at = self.world.now + self._chance.uniform(10, 60)

    def _body(self, request: Request) -> Raw:
        raw = orjson.loads(request.body)["runtimeConfiguration"]
        assert isinstance(raw, dict)  # noqa: S101 - the client sends an object or nothing
        return raw


SECRET_VALUE = "canary-of-the-environment"  # noqa: S105 - nothing is secret in here


def _rid(request: Request) -> str:
    path = request.path.partition("?")[0]
    return unquote(path.removeprefix(_LIVE)) if path.startswith(_LIVE) else ""
