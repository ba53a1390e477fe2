"""Policies and guards as they run live: the same `decide`, the same forecast, another clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.core.decide import Guard, decide
from autoscaler.core.envelope import Envelope, Range
from autoscaler.core.observation import (
    Change,
    Health,
    Limits,
    Observation,
    Recommended,
    Series,
    Signal,
)
from autoscaler.core.proposal import PolicyEntry
from autoscaler.forecast import Forecaster, Options, Sizes, budgeting, choose, end_of
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.simulate import Sight, World

# As the runtime does: guards may look back an hour on wishes; changes of a few hours are enough.
WISHES_S = 3600.0
CHANGES_KEPT = 20
CHOICE_STEPS = round(86_400.0 / STEP_S)
SETTLED = Health("ACTIVE", is_ready=True)


@dataclass(frozen=True, slots=True)
class Ours:
    """What is configured for the simulated deployment.

    `demand` names the measured signal; with `forecast` its forecasts appear beside it under
    the forecast's own names. `window_s` is how much of the past a policy sees. With an `slo`
    (share of requests that may find no room) the risk is chosen anew every day by replay; with
    `slo_of_platform` the same for that share of what the platform's own scaler would have had.
    """

    policies: tuple[PolicyEntry, ...]
    guards: tuple[Guard, ...]
    forecast: Options | None = None
    demand: str = "running_jobs"
    every_s: float = 30.0
    window_s: float = 120.0
    slo: float = 0.0
    slo_of_platform: float = 0.0

    @property
    def chooses(self) -> bool:
        """Whether the risk is chosen every day."""
        return bool(self.slo or self.slo_of_platform)


@dataclass(slots=True)
class PolicyScaler:
    """Looks at the simulation as an `Observation` and obeys the plan."""

    ours: Ours
    forecaster: Forecaster | None = None
    _world: World = field(default_factory=World)
    _limits: Limits = field(default_factory=Limits)
    _seen: int = 0
    _chosen_at: int = 0
    _before: tuple[int, int] = (0, 0)
    _started: float = 0.0
    _envelope: Envelope = field(default_factory=lambda: Envelope(1, 1, 1))
    _changes: tuple[Change, ...] = ()
    _wishes: tuple[Recommended, ...] = ()

    @property
    def every_s(self) -> float:
        """The control interval, seconds."""
        return self.ours.every_s

    def prepare(self, past: Sequence[float], world: World) -> int:
        """Learn the past tick by tick; begin at what it ended with."""
        self._world = world
        replicas = Range(world.least, world.most)
        self._limits = Limits(replicas, replicas, Range(1))
        if self.ours.forecast is not None:
            self.forecaster = Forecaster(self.ours.forecast)
        self._learn(past, len(past))
        if self.forecaster is not None:
            self._choose_risk()
            self._before = self.forecaster.ledger.trials, self.forecaster.ledger.met
        self._started = len(past) * STEP_S
        first = min(max(round(past[-1] + 0.5) if past else 0, world.least), world.most)
        self._envelope = Envelope(first, world.most, world.threads)
        return first

    def coverage(self) -> float:
        """The realised coverage since the run began.

        NaN without a forecast of one risk, and where no window of one could be scored.
        """
        if self.forecaster is None or self.ours.chooses:
            return math.nan
        ledger = self.forecaster.ledger
        trials, met = self._before
        scored = ledger.trials - trials
        return (ledger.met - met) / scored if scored else math.nan

    def look(self, step: int, sight: Sight) -> Envelope:
        """One tick: observe, decide, remember."""
        self._learn(sight.load, step)
        if self.ours.chooses and step - self._chosen_at >= CHOICE_STEPS:
            self._choose_risk()
        at = step * STEP_S
        plan = decide(self._observation(at, sight), self.ours.policies, self.ours.guards)
        self._wished(plan.wanted, at)
        if plan.moves:
            change = Change(at, plan.before, plan.after)
            self._changes = (*self._changes[-CHANGES_KEPT:], change)
            self._envelope = plan.after
        return self._envelope

    def _choose_risk(self) -> None:
        """As the daemon does with an SLO: what would have kept it of late, once a day."""
        forecaster, world = self.forecaster, self._world
        self._chosen_at = self._seen
        if forecaster is None or not self.ours.chooses:
            return
        sizes = Sizes(world.threads, world.least, world.most)
        past, options, ours = forecaster.history, forecaster.options, self.ours
        budget = end_of(
            budgeting(past, options.lead_s, sizes, world.native, ours.slo, ours.slo_of_platform)
        )
        if budget is None:
            return
        choice = choose(past, options, sizes, budget.slo)
        if choice is not None and choice.tau != forecaster.options.tau:
            self.forecaster = forecaster.with_risk_of(choice.rehearsed)

    def _learn(self, load: Sequence[float], end: int) -> None:
        """Show the forecaster the steps that it has not seen, each at its end."""
        threads = self._world.threads
        if self.forecaster is not None:
            observe = self.forecaster.observe
            for index in range(self._seen, end):
                observe((index + 1) * STEP_S, load[index] * threads)
        self._seen = end

    def _observation(self, at: float, sight: Sight) -> Observation:
        return Observation(
            at=at,
            deployment="simulated",
            envelope=self._envelope,
            envelope_at=at,
            health=SETTLED,
            limits=self._limits,
            signals=self._signals(at, sight),
            changes=self._changes,
            recommended=self._wishes,
            watched_since=self._started,
        )

    def _signals(self, at: float, sight: Sight) -> Mapping[str, Signal]:
        steps = max(1, round(self.ours.window_s / STEP_S))
        threads, end = self._world.threads, len(sight.load)
        values = tuple(load * threads for load in sight.load[-steps:])
        times = tuple((end - len(values) + 1 + i) * STEP_S for i in range(len(values)))
        signals: dict[str, Signal] = {self.ours.demand: Series(times, values)}
        if self.forecaster is not None:
            signals.update(self.forecaster.signals(at))
        return signals

    def _wished(self, envelope: Envelope, at: float) -> None:
        """Segments of equal wishes, as the runtime keeps them."""
        past = self._wishes
        if past and past[-1].envelope == envelope:
            self._wishes = (*past[:-1], Recommended(envelope, past[-1].since, at))
            return
        if past and past[0].until < at - WISHES_S:
            past = tuple(wish for wish in past if wish.until >= at - WISHES_S)
        self._wishes = (*past, Recommended(envelope, at, at))
