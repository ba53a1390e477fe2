"""A bundled trace replayed through `decide` against the model of the platform."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Change, Observation, Recommended, Series, Signal
from autoscaler.core.plan import Plan
from autoscaler.lab.docs.examples import START, Example
from autoscaler.lab.docs.feeds import Sight, value_of
from autoscaler.lab.platform.load import TraceLoad
from autoscaler.lab.platform.model import Config, DeploymentModel
from autoscaler.lab.traces import bundled
from autoscaler.roster import Managed

PEAK_REPLICAS = 7
"""The busiest thousandth of the trace fills so many replicas of 32 threads."""
WARM_UP_TICKS = 60
"""Ticks before the first decision, so that windows are full from the beginning."""
STEPS_PER_TICK = 3
COLD_START_S = 60.0
KEPT = 400


@dataclass(frozen=True, slots=True)
class Moment:
    """What stood at `t_s` seconds; `load` is in replicas that the demand would fill."""

    t_s: float
    load: float
    floor: int
    ceiling: int
    threads: int
    ready: int


def replay(example: Example, deployment: Managed) -> tuple[Moment, ...]:
    """Every tick of the example's replay, oldest first."""
    stage = _Stage(example, deployment)
    for tick in range(-WARM_UP_TICKS, round(example.hours * 3600 / example.tick_s) + 1):
        stage.pass_time(tick)
        if tick >= 0:
            stage.decide(tick)
    return tuple(stage.moments)


@dataclass(slots=True)
class _Stage:
    example: Example
    deployment: Managed
    moments: list[Moment] = field(default_factory=list)
    _changes: tuple[Change, ...] = ()
    _wishes: tuple[Recommended, ...] = ()
    _samples: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    _load: TraceLoad = field(init=False)
    _model: DeploymentModel = field(init=False)

    def __post_init__(self) -> None:
        trace = bundled(self.example.trace)
        self._load = TraceLoad.filling(trace, replicas=PEAK_REPLICAS, threads=START.threads)
        config = Config(START, resources=self.example.resources)
        self._model = DeploymentModel(config, cold_start_s=COLD_START_S)

    def pass_time(self, tick: int) -> None:
        """Let one tick pass and sample every signal at its end."""
        step_s = self.example.tick_s / STEPS_PER_TICK
        for step in range(1, STEPS_PER_TICK + 1):
            self._model.step(step_s, self._demand((tick - 1) * self.example.tick_s + step * step_s))
        sight = Sight(tick * self.example.tick_s, self._model, self._load)
        for name, feed in self.example.feeds.items():
            if not feed.startswith("ahead"):
                times, values = self._samples.setdefault(name, ([], []))
                times.append(self._at(tick))
                values.append(value_of(feed, sight))

    def decide(self, tick: int) -> None:
        """One tick of the daemon."""
        plan = decide(self._seen(tick), self.deployment.policies, self.deployment.guards)
        self._remember(plan, self._at(tick))
        if plan.moves:
            after = Config(plan.after, resources=self.example.resources)
            self._model.replace(after)
        self.moments.append(self._moment(tick))

    def _demand(self, t_s: float) -> float:
        """The jobs present: with the feed `nights` there are none while it says none."""
        sight = Sight(t_s, self._model, self._load)
        asleep = "nights" in self.example.feeds.values() and not value_of("nights", sight)
        return 0.0 if asleep else self._load.at(t_s)

    def _at(self, tick: int) -> float:
        return self.example.start.timestamp() + tick * self.example.tick_s

    def _seen(self, tick: int) -> Observation:
        at = self._at(tick)
        return Observation(
            at=at,
            deployment=self.deployment.name,
            envelope=self._model.config.envelope,
            envelope_at=at,
            health=self._model.health,
            limits=self.deployment.limits,
            signals=self._signals(tick),
            changes=self._changes,
            recommended=self._wishes,
            mode=self.deployment.mode,
            resources=self.example.resources,
            watched_since=at - 86_400,
        )

    def _signals(self, tick: int) -> Mapping[str, Signal]:
        found: dict[str, Signal] = {}
        for name, feed in self.example.feeds.items():
            if feed.startswith("ahead"):
                found[name] = self._ahead(tick, float(feed.split()[1]))
                continue
            times, values = self._samples[name]
            window_s = self.deployment.signals[name].window_s
            first = bisect_left(times, times[-1] - window_s)
            found[name] = Series(tuple(times[first:]), tuple(values[first:]))
        return found

    def _ahead(self, tick: int, span_s: float) -> Series:
        steps = range(1, max(1, round(span_s / self.example.tick_s)) + 1)
        times = tuple(self._at(tick + step) for step in steps)
        return Series(
            times, tuple(self._load.at((tick + step) * self.example.tick_s) for step in steps)
        )

    def _remember(self, plan: Plan, at: float) -> None:
        past = self._wishes
        if past and past[-1].envelope == plan.wanted:
            self._wishes = (*past[:-1], Recommended(plan.wanted, past[-1].since, at))
        else:
            self._wishes = (*past[-KEPT:], Recommended(plan.wanted, at, at))
        if plan.moves:
            self._changes = (*self._changes[-KEPT:], Change(at, plan.before, plan.after))

    def _moment(self, tick: int) -> Moment:
        t_s = tick * self.example.tick_s
        now: Envelope = self._model.config.envelope
        return Moment(
            t_s=t_s,
            load=self._demand(t_s) / now.threads,
            floor=now.min_replicas,
            ceiling=now.max_replicas,
            threads=now.threads,
            ready=self._model.ready,
        )
