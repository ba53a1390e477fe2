"""The seven verbs of live deployments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform import errors
from autoscaler.lab.platform.answers import Call
from autoscaler.lab.platform.deployment import DeploymentSpec, SimulatedDeployment, rid_of
from autoscaler.lab.platform.errors import ApiError
from autoscaler.lab.platform.wire import Raw, Rules, read_config
from autoscaler.ports import Clock

INFERENCE_TIMEOUT_S = 300.0
_WAIT_S = 0.25  # simulated seconds between two looks for room


@dataclass(frozen=True, slots=True)
class Put:
    """A replace request that reached a deployment. `after` equals `before` when refused.

    `at` is simulated Unix seconds; `status` the HTTP status of the verb itself.
    """

    at: float
    rid: str
    before: Envelope
    after: Envelope
    status: int


class World(Protocol):
    """What the verbs need of the platform around them."""

    rules: Rules
    clock: Clock
    puts: list[Put]

    def by_rid(self, rid: str) -> SimulatedDeployment | None:
        """The deployment with this RID."""
        ...

    def of_model(self, model_rid: str) -> list[SimulatedDeployment] | None:
        """A model's deployments; None when there is no such model."""
        ...

    def add(self, spec: DeploymentSpec, raw: Raw | None = None) -> SimulatedDeployment:
        """Make a new deployment that starts cold with the configuration `raw`."""
        ...


class Verbs:
    """create, list, get, replace, start, disable and transformJson."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, call: Call) -> Raw:
        """A new direct deployment, which starts at once."""
        body = _object(call.body)
        target = _object(body.get("deploymentType"))
        if target.get("type") != "direct":
            raise errors.invalid("deploymentType.type", 'must be "direct"', target.get("type"))
        model_rid, branch = str(target.get("modelRid")), str(target.get("branch"))
        siblings = self._world.of_model(model_rid)
        if siblings is None:
            raise errors.model_not_found(model_rid)
        raw = body.get("runtimeConfiguration")
        config = read_config(raw, self._world.rules, model_rid)
        if any(one.spec.branch == branch for one in siblings):
            raise errors.invalid("deploymentType.branch", "must have no deployment yet", branch)
        name = f"{siblings[0].name}-{branch}"
        spec = DeploymentSpec(
            name,
            envelope=config.envelope,
            scaling=config.scaling,
            resources=config.resources,
            rid=rid_of("deployment", name),
            model_rid=model_rid,
            branch=branch,
        )
        return self._world.add(spec, _object(raw)).answer()

    async def list(self, call: Call) -> Raw:
        """A model's direct deployments."""
        model_rid = call.query.get("modelRid")
        if not model_rid:
            raise errors.invalid("modelRid", "is required", model_rid)
        found = self._world.of_model(model_rid)
        if found is None:
            raise errors.model_not_found(model_rid)
        branch = call.query.get("branch")
        chosen = [d for d in found if not d.spec.unsupported and branch in {None, d.spec.branch}]
        for one in chosen:
            one.advance(self._world.clock.monotonic())
        return {"data": [one.answer() for one in chosen]}

    async def get(self, call: Call) -> Raw:
        """One deployment."""
        return self._find(call, supported=True).answer()

    async def replace(self, call: Call) -> Raw:
        """Replace the whole runtime configuration."""
        found = self._find(call, supported=True)
        before = found.envelope

        def log(status: int) -> None:
            at = self._world.clock.now()
            self._world.puts.append(Put(at, found.rid, before, found.envelope, status))

        try:
            self._replace(found, call)
        except ApiError as error:
            log(error.status)
            raise
        log(200)
        return found.answer()

    async def start(self, call: Call) -> None:
        """Start; no effect when started already."""
        self._find(call).model.launch()

    async def disable(self, call: Call) -> None:
        """Remove the replicas and keep the configuration."""
        self._find(call).model.disable()

    async def transform(self, call: Call) -> Raw:
        """Answer with the input, after the service time, once a replica has room."""
        found = self._find(call)
        given = call.body.get("input") if isinstance(call.body, dict) else None
        asked = self._world.clock.now()

        def done(code: int) -> None:
            found.gateway.call(str(code), self._world.clock.now() - asked)

        try:
            await self._infer(found, given)
        except ApiError as error:
            done(error.status)
            raise
        done(200)
        return {"output": given}

    async def _infer(self, found: SimulatedDeployment, given: Any) -> None:
        rid = {"liveDeploymentRid": found.rid}
        if not isinstance(given, dict):
            problem = {"type": "requiredValueMissing", "fieldName": "input"}
            raise ApiError(400, "InferenceInvalidInput", {**rid, "errorType": problem})
        if found.model.disabled:
            message = "The live deployment is disabled."
            raise ApiError(400, "InferenceFailure", {**rid, "errorMessage": message})
        with _counted(found):
            await self._room(found)
            found.serving += 1
            try:
                await self._world.clock.sleep(found.spec.service_s)
                found.advance(self._world.clock.monotonic())
            finally:
                found.serving -= 1

    async def _room(self, found: SimulatedDeployment) -> None:
        clock = self._world.clock
        until = clock.monotonic() + INFERENCE_TIMEOUT_S
        while not found.has_room():
            if clock.monotonic() >= until:
                raise ApiError(504, "InferenceTimeout", {"liveDeploymentRid": found.rid})
            await clock.sleep(_WAIT_S)
            found.advance(clock.monotonic())

    def _find(self, call: Call, *, supported: bool = False) -> SimulatedDeployment:
        rid = call.rid or ""
        found = self._world.by_rid(rid)
        if found is None:
            raise errors.deployment_not_found(rid)
        if supported and found.spec.unsupported:
            raise ApiError(400, "UnsupportedLiveDeployment")
        found.advance(self._world.clock.monotonic())
        return found

    def _replace(self, found: SimulatedDeployment, call: Call) -> None:
        raw = _object(_object(call.body).get("runtimeConfiguration"), "runtimeConfiguration")
        most = call.clamp()
        if most is not None:
            raw = _clamped(raw, most)
        config = read_config(raw, self._world.rules, found.model_rid)
        differ = set(raw.get("sources") or []) != set(found.raw.get("sources") or [])
        if differ and not found.model.disabled:
            name = "LiveDeploymentSourcesCannotBeUpdatedWhileRunning"
            raise ApiError(409, name, {"liveDeploymentRid": found.rid})
        found.configure(raw, config)


class _counted:  # noqa: N801 - reads as a statement
    """Counts a request as present while it is."""

    def __init__(self, found: SimulatedDeployment) -> None:
        self._found = found

    def __enter__(self) -> None:
        self._found.calls += 1

    def __exit__(self, *_: object) -> None:
        self._found.calls -= 1


def _object(value: object, name: str = "body") -> Raw:
    if not isinstance(value, dict):
        raise errors.invalid(name, "must be an object", value)
    return value


def _clamped(raw: Raw, most: int) -> Raw:
    """A copy whose replicas stay at or below `most`; what is no number stays as it is."""
    cap: Callable[[object], object] = lambda n: min(n, most) if isinstance(n, int) else n  # noqa: E731 - two uses, one line
    return {**raw, **{k: cap(raw[k]) for k in ("minReplicas", "maxReplicas") if k in raw}}
