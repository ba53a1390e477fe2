"""Forecasts of one deployment: demand in every tick, signals that lie ahead out.

What a forecast has learnt is stored every ten minutes and at the end, so that a restart forgets
at most that; a new forecast is filled from the source's own history, in slices between ticks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.core.observation import (
    Alone,
    ChosenRisk,
    Learned,
    Missing,
    NativeScaling,
    Series,
    Signal,
)
from autoscaler.forecast import Forecaster, Options, Quality, Sizes, budgeting, choosing
from autoscaler.forecast.persist import pack, unpack
from autoscaler.ports import Learnt
from autoscaler.roster import ForecastSpec

# A learnt start-up time replaces the configured lead when it is this different, as a share.
LEAD_CHANGE = 0.2
STORE_S = 600.0
# The last day of a past is lived through tick by tick; samples farther apart are a gap.
DENSE_S = 86_400.0
LONGEST_GAP_S = 300.0
# A risk is chosen anew after this long.
CHOICE_S = 86_400.0
# Samples of a past that are learnt in one go: a few milliseconds.
SLICE = 20


@dataclass(slots=True)
class Foresight:
    """All forecasts of a deployment that is decided every `every_s` seconds."""

    specs: Mapping[str, ForecastSpec]
    every_s: float
    forecasters: dict[str, Forecaster] = field(default_factory=dict)
    stored_at: float = 0.0
    with_past: set[str] = field(default_factory=set)
    """Those that know a past; ticks begin at once and do not wait for it."""
    taus: dict[str, float] = field(default_factory=dict)
    """Risks that replays have chosen, of those that have an SLO."""

    def observe(self, at: float, signals: dict[str, Signal], startup_s: float | None) -> None:
        """Learn from this tick's demand and put the forecasts beside it."""
        for name, spec in self.specs.items():
            forecaster = self._current(name, spec, startup_s)
            demand = signals.get(spec.of)
            forecaster.observe(at, _value(demand, at, self.every_s))
            signals.update(forecaster.signals(at))

    def recall(self, learnt: Iterable[Learnt], startup_s: float | None) -> None:
        """Go on from what was stored; what cannot be read is begun anew."""
        for one in learnt:
            spec = self.specs.get(one.forecast)
            if spec is None:
                continue
            options = self._options(one.forecast, spec, startup_s)
            try:
                self.forecasters[one.forecast] = unpack(one.body, options)
            except ValueError:
                continue
            self.with_past.add(one.forecast)
            self.stored_at = max(self.stored_at, one.at)

    def learnt(self, deployment: str, at: float) -> list[Learnt]:
        """What is to be stored now."""
        self.stored_at = at
        return [
            Learnt(deployment, name, at, pack(forecaster))
            for name, forecaster in self.forecasters.items()
        ]

    def due(self, at: float) -> bool:
        """Whether it is time to store."""
        return bool(self.forecasters) and at - self.stored_at >= STORE_S

    def empty(self) -> list[str]:
        """Forecasts that would like a past, also when they have begun to learn without one."""
        return [name for name in self.specs if name not in self.with_past]

    def fill(self, name: str, past: Series, startup_s: float | None) -> Iterable[None]:
        """Learn a past, oldest first; yields now and then, so that others get their turn.

        The older part only fills the history. The last day is lived through tick by tick, so
        that the margins are calibrated before the first real forecast: about 1 s of work.
        Ticks that come meanwhile have a forecaster of their own, which gives way at the end.
        """
        forecaster = Forecaster(self._options(name, self.specs[name], startup_s))
        dense = past.last_at - DENSE_S
        before = None
        for count, (at, value) in enumerate(zip(past.times, past.values, strict=True)):
            if at < dense:
                forecaster.history.add(at, value)
            else:
                for moment in _ticks(before, at, self.every_s):
                    forecaster.observe(moment, value)
                before = at
            if count % SLICE == 0:
                yield
        self.forecasters[name] = forecaster
        self.with_past.add(name)

    def believe(self, learned: Learned) -> None:
        """Take over the risks that were chosen before, for the same SLO."""
        for name, spec in self.specs.items():
            known = learned.risk_of(name)
            if spec.chooses and known is not None and _aims_alike(known, spec):
                self.taus[name] = known.tau

    def choice_due(self, learned: Learned, at: float) -> list[str]:
        """Forecasts with an SLO whose risk was not chosen for a day, or for another SLO."""
        return [
            name
            for name, spec in self.specs.items()
            if spec.chooses
            and name in self.forecasters
            and _outdated(learned.risk_of(name), spec, at)
        ]

    def choosing(
        self, name: str, at: float, sizes: Sizes, native: NativeScaling
    ) -> Generator[None, None, ChosenRisk | None]:
        """Choose the risk that would have kept the SLO of late; yields every 2 ms.

        A new risk is taken over with the margins that its replay has learnt. None, and all
        stays as it is, when there is too little past to score a day.
        """
        spec, known = self.specs[name], self.forecasters[name]
        past, options = known.history, known.options
        budget = yield from budgeting(
            past, options.lead_s, sizes, native, spec.slo, spec.slo_of_platform
        )
        if budget is None:
            return None
        choice = yield from choosing(past, options, sizes, budget.slo)
        # Ticks went on meanwhile, perhaps with another lead.
        known = self.forecasters.get(name, known)
        if choice is None:
            return None
        self.taus[name] = choice.tau
        if choice.tau != known.options.tau:
            self.forecasters[name] = known.with_risk_of(choice.rehearsed)
        lived, alone = choice.lived, budget.alone
        return ChosenRisk(
            forecast=name,
            tau=choice.tau,
            slo=budget.slo,
            expected=lived.violations,
            hours=lived.hours,
            met=choice.met,
            at=at,
            of_platform=spec.slo_of_platform,
            replicas=lived.replicas,
            alone=None if alone is None else Alone(alone.violations, alone.replicas),
        )

    def leads(self) -> Mapping[str, float]:
        """How far each forecast looks ahead, seconds."""
        return {name: made.options.lead_s for name, made in self.forecasters.items()}

    def risks(self) -> Mapping[str, float]:
        """For which share of the time demand should stay within each forecast."""
        return {name: made.options.tau for name, made in self.forecasters.items()}

    def quality(self) -> Mapping[str, Quality]:
        """How good each forecast has been."""
        return {name: forecaster.quality() for name, forecaster in self.forecasters.items()}

    def _current(self, name: str, spec: ForecastSpec, startup_s: float | None) -> Forecaster:
        options = self._options(name, spec, startup_s)
        known = self.forecasters.get(name)
        if known is not None and _near(known.options, options):
            return known
        # Another risk or lead: the history stays, the margins are learnt anew.
        fresh = Forecaster(options, known.history if known else None)
        self.forecasters[name] = fresh
        return fresh

    def _options(self, name: str, spec: ForecastSpec, startup_s: float | None) -> Options:
        lead = startup_s if spec.learn_lead and startup_s else spec.lead_s
        # A forecast looks at most 720 ticks ahead.
        lead = min(max(1.0, lead), 700 * self.every_s)
        risk = self.taus.get(name, spec.risk)
        return Options(
            name=name,
            tau=risk,
            ceiling_tau=max(spec.ceiling_tau, risk),
            lead_s=lead,
            every_s=self.every_s,
        )


def _outdated(known: ChosenRisk | None, spec: ForecastSpec, at: float) -> bool:
    # A clock that was put back must not keep a choice for ever.
    return known is None or not _aims_alike(known, spec) or not 0 <= at - known.at < CHOICE_S


def _aims_alike(known: ChosenRisk, spec: ForecastSpec) -> bool:
    if known.of_platform or spec.slo_of_platform:
        return known.of_platform == spec.slo_of_platform
    return known.slo == spec.slo


def _ticks(before: float | None, at: float, every_s: float) -> list[float]:
    """The ticks after `before` up to `at`: only the newest after a gap or at the beginning."""
    if before is None or at - before > LONGEST_GAP_S:
        return [at]
    count = max(1, round((at - before) / every_s))
    return [before + (at - before) * (i + 1) / count for i in range(count)]


def _near(one: Options, other: Options) -> bool:
    same = (one.tau, one.ceiling_tau, one.every_s) == (other.tau, other.ceiling_tau, other.every_s)
    return same and abs(one.lead_s - other.lead_s) <= LEAD_CHANGE * one.lead_s


def _value(demand: Signal | None, at: float, every_s: float) -> float | None:
    """The newest demand; None when it is missing, partial or older than two ticks or a minute."""
    if demand is None or isinstance(demand, Missing) or not demand.complete:
        return None
    return demand.last if at - demand.last_at <= max(60.0, 2 * every_s) else None
