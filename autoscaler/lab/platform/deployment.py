"""A simulated deployment: its JSON, its model, its untouched twin, its callers and its gateway."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Resources
from autoscaler.lab.platform.gateway import Gateway
from autoscaler.lab.platform.load import Load, Steady
from autoscaler.lab.platform.metering import GPU_RATES
from autoscaler.lab.platform.model import ANY_RESOURCES, NATIVE, Config, DeploymentModel
from autoscaler.lab.platform.scaler import Scaling
from autoscaler.lab.platform.wire import Raw, Rules, read_config, shown, written

START = Envelope(1, 10, 32)
STEP_S = 5.0  # of the model: a twelfth of the shortest delay by default (1 min)
NO_LOAD = Steady()
_NAMESPACE = uuid.UUID("6f0c7c1e-6a43-4d0e-9d0e-0f1d2c3b4a59")


def rid_of(kind: str, name: str) -> str:
    """A valid RID, the same for the same name on every run. `kind`: deployment, model, version."""
    service, noun = {
        "deployment": ("foundry-ml-live", "live-deployment"),
        "model": ("models", "model"),
        "version": ("models", "model-version"),
    }[kind]
    return f"ri.{service}.main.{noun}.{uuid.uuid5(_NAMESPACE, f'{kind}/{name}')}"


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """A deployment to simulate. Seconds are simulated; `service_s` is the length of one request.

    `model_rid` and `rid` are made from the name when left out. An `unsupported` one answers get
    and replace with UnsupportedLiveDeployment, as deployments of other kinds do.
    """

    name: str
    envelope: Envelope = START
    load: Load = NO_LOAD
    cold_start_s: float = 60.0
    service_s: float = 1.0
    drain_s: float = 10.0
    scaling: Scaling = NATIVE
    resources: Resources = ANY_RESOURCES
    rid: str = ""
    model_rid: str = ""
    branch: str = "master"
    environment: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    unsupported: bool = False
    gpu_rates: Mapping[str, float] = field(default_factory=lambda: GPU_RATES)


class SimulatedDeployment:
    """A deployment under load, and beside it the same one that nobody ever touches.

    `at_s` is the simulated monotonic second at which it, and its load, begin. `raw` is the
    configuration that a create request brought; it begins with no replica ready.
    """

    def __init__(
        self, spec: DeploymentSpec, rules: Rules, at_s: float, raw: Raw | None = None
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.rid = spec.rid or rid_of("deployment", spec.name)
        self.model_rid = spec.model_rid or rid_of("model", spec.name)
        self.version = 1
        start = Config(spec.envelope, spec.scaling, spec.resources)
        self.raw = written(start, spec.environment, spec.sources) if raw is None else raw
        self.gateway = Gateway()
        self.calls = 0
        """Requests over HTTP that are waiting or in work."""
        self.serving = 0
        """Those of them that a replica works on."""
        self._config = read_config(self.raw, rules, self.model_rid)
        self._began = self._at = at_s
        self.model = self._new_model(cold=raw is not None)
        self.twin = self._new_model(cold=raw is not None)

    # --- figures ----------------------------------------------------------------------------

    @property
    def envelope(self) -> Envelope:
        """The dials as configured now."""
        return self._config.envelope

    @property
    def overload_share(self) -> float:
        """Share of the work so far that found no room."""
        return self.model.tally.overload_share

    @property
    def overload_share_platform_alone(self) -> float:
        """The same for the twin: same load, starting envelope, never touched."""
        return self.twin.tally.overload_share

    @property
    def compute_seconds(self) -> float | None:
        """Compute-seconds so far; None when a GPU has no known rate."""
        return self.model.tally.compute_s

    @property
    def compute_seconds_platform_alone(self) -> float | None:
        """The same for the twin."""
        return self.twin.tally.compute_s

    def answer(self) -> Raw:
        """The LiveDeployment object of the API."""
        health = self.model.health
        version = rid_of("version", f"{self.name}/{self.version}")
        return {
            "rid": self.rid,
            "modelVersion": {"modelRid": self.model_rid, "modelVersionRid": version},
            "branch": self.spec.branch,
            "runtimeConfiguration": shown(self.raw),
            "status": {"state": health.state, "isReady": health.is_ready},
        }

    # --- what happens to it -----------------------------------------------------------------

    def configure(self, raw: Raw, config: Config) -> None:
        """Take a new configuration that was found legal."""
        self.raw, self._config = raw, config
        self.model.replace(self._versioned(config))

    def release(self) -> None:
        """Publish a new model version: the deployment upgrades itself, and so does its twin."""
        self.version += 1
        self.model.replace(self._versioned(self.model.config))
        self.twin.replace(self._versioned(self.twin.config))

    def advance(self, now_s: float) -> None:
        """Let time pass until `now_s`, simulated monotonic seconds, in steps of at most 5 s."""
        while self._at < now_s:
            dt_s = min(STEP_S, now_s - self._at)
            self._step(dt_s, self.spec.load.at(self._at + dt_s / 2 - self._began))
            self._at = now_s if dt_s < STEP_S else self._at + dt_s

    def _step(self, dt_s: float, load: float) -> None:
        demand = load + self.calls
        self.model.step(dt_s, demand)
        self.twin.step(dt_s, demand)
        self.gateway.running, self.gateway.queued = self.model.running, self.model.queued
        self._flow(dt_s, load, demand)

    def has_room(self) -> bool:
        """Whether a replica takes one more of the waiting HTTP requests.

        When there is more work than room, they get their fair share of it, at least one place.
        """
        room = self.model.capacity
        demand = self.model.running + self.model.queued
        if room <= 0 or demand <= room:
            return self.serving < room
        return self.serving < max(1, math.floor(room * self.calls / demand))

    def _flow(self, dt_s: float, load: float, demand: float) -> None:
        """Count the finished requests of the load; HTTP requests are counted one by one."""
        if load <= 0:
            return
        service_s = self.spec.service_s
        if self.model.disabled:
            self.gateway.flow("400", load * dt_s / service_s, 0.0)
        elif self.model.running > 0:
            # Little's law: time in the system = jobs in it / jobs finished a second.
            done = self.model.running * (load / demand) * dt_s / service_s
            self.gateway.flow("200", done, service_s * demand / self.model.running)

    def _versioned(self, config: Config) -> Config:
        build = config.build.partition("@")[0]
        return replace(config, build=f"{build}@{self.version}")

    def _new_model(self, *, cold: bool) -> DeploymentModel:
        spec = self.spec
        model = DeploymentModel(
            self._versioned(self._config),
            cold_start_s=spec.cold_start_s,
            drain_s=spec.drain_s,
            ready=0 if cold else None,
            gpu_rates=spec.gpu_rates,
        )
        if cold:
            model.launch()
        return model
