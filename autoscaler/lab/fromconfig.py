"""A configuration's own policies and guards, fed with the demand of a backtest.

The lab knows one thing of a deployment: its demand, and what is forecast of it. Policies and
guards that read anything else cannot be judged there; they are left out and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autoscaler.core.decide import Guard
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.observation import Limits, Missing, Observation
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Answer, Condition, Policy, PolicyEntry
from autoscaler.forecast import Options
from autoscaler.lab.backtest import Ours, PolicySet, World, ours
from autoscaler.plugins import policy_types
from autoscaler.roster import FORECAST_SIGNALS, ForecastSpec, Group, Managed

DEMAND = "running_jobs"
CONFIGURED = "config"
FORECAST = "forecast"

# What the published figures were made with: nothing is let go before two minutes of calm.
CALM_S = 120.0

# Names under which users keep the demand, for configurations that do not say it elsewhere.
USUAL = ("running_jobs", "in_flight", "inflight", "concurrency", "active_requests", "demand")


@dataclass(frozen=True, slots=True)
class Configured:
    """The policy sets of a configuration, and what of it could not be fed."""

    sets: tuple[PolicySet, ...]
    warnings: tuple[str, ...]


def calibrated(
    world: World,
    interval_s: float = 30.0,
    tau: float = 0.95,
    name: str = FORECAST,
    slo: float = 0.0,
    slo_of_platform: float = 0.0,
    calm_s: float = CALM_S,
    deadband: float = Deadband().lower_share,
) -> PolicySet:
    """Our forecast with calibrated margins, for a cold start as the world has it.

    `tau` is the share of the time that demand stays within the forecast, 0.5..0.9999. With an
    `slo`, the share of requests that may find no room, or with it as a share of what the
    platform's own scaler would have had, the risk is chosen every day instead.
    Nothing is lowered before `calm_s` seconds of calm, nor by less than the share `deadband`.
    """
    tau = ForecastSpec(tau=tau, slo=slo, slo_of_platform=slo_of_platform).risk
    policy = policy_types()["forecast"]()
    options = Options(tau=tau, lead_s=max(1.0, world.cold_start_s), every_s=interval_s)
    guards = (Deadband(lower_share=deadband), Stabilise(lower_window_s=calm_s))
    entry = PolicyEntry("forecast", policy)
    configured = Ours(
        (entry,), guards, options, every_s=interval_s, slo=slo, slo_of_platform=slo_of_platform
    )
    return ours(name, configured)


def demand_signals(managed: Managed, said: Sequence[str] = ()) -> tuple[str, ...]:
    """The names under which a deployment's policies read its demand, best known first.

    `said` comes from the user and settles it; else what is forecast is demand, else the usual
    names, else the only signal there is. Empty when it cannot be told.
    """
    if said:
        return tuple(name for name in said if name in managed.signals)
    forecast = tuple(dict.fromkeys(spec.of for spec in managed.forecasts.values()))
    usual = tuple(name for name in USUAL if name in managed.signals)
    found = tuple(dict.fromkeys((*forecast, *usual)))
    return found or (tuple(managed.signals) if len(managed.signals) == 1 else ())


def policy_sets(groups: Sequence[Group], world: World, said: Sequence[str] = ()) -> Configured:
    """One policy set for all deployments that are configured alike.

    It is called `config` when there is one, else `config:` and the group, or the group and the
    first deployment that has it.
    """
    found: dict[tuple[object, ...], list[Managed]] = {}
    intervals: dict[tuple[object, ...], float] = {}
    for group in groups:
        members = [*group.members, *(each.template for each in group.discoveries)]
        for managed in members:
            key = _likeness(managed, group.interval_s)
            found.setdefault(key, []).append(managed)
            intervals[key] = group.interval_s
    alone = len(found) == 1
    sets: list[PolicySet] = []
    warnings: list[str] = []
    for key, alike in found.items():
        name = CONFIGURED if alone else _name(alike, list(found.values()))
        one = configured_set(name, alike[0], intervals[key], world, said)
        sets += one.sets
        warnings += one.warnings
    return Configured(tuple(sets), tuple(warnings))


def configured_set(
    name: str, managed: Managed, interval_s: float, world: World, said: Sequence[str] = ()
) -> Configured:
    """One deployment's policies and guards as a policy set; none when nothing can be fed."""
    demand = demand_signals(managed, said)
    if not demand:
        known = ", ".join(managed.signals) or "none"
        return Configured((), (f"{name}: which signal is the demand? (signals: {known})",))
    ahead = _forecast(managed, demand)
    fed = {*demand, *(f"{ahead}{part}" for part in FORECAST_SIGNALS if ahead)}
    policies, warnings = _fed(name, managed.policies, fed)
    guards = [guard for guard in managed.guards if _reads(guard) <= fed]
    left = {type(g).__name__.lower() for g in managed.guards if not _reads(g) <= fed}
    warnings += [f"{name}: guard {each} is left out: it reads other signals" for each in left]
    if not policies:
        return Configured((), (*warnings, f"{name}: no policy reads the demand alone"))
    configured = Ours(
        policies=tuple(_entry(entry, demand) for entry in policies),
        guards=tuple(Within(guard, managed.limits, demand) for guard in guards),
        forecast=_options(ahead, managed.forecasts[ahead], world, interval_s) if ahead else None,
        demand=demand[0],
        every_s=interval_s,
        window_s=max(120.0, managed.signals[demand[0]].window_s),
        slo=managed.forecasts[ahead].slo if ahead else 0.0,
        slo_of_platform=managed.forecasts[ahead].slo_of_platform if ahead else 0.0,
    )
    return Configured((ours(name, configured),), tuple(warnings))


@dataclass(frozen=True, slots=True)
class Within:
    """A guard that is shown the configured limits and the demand under all its names."""

    guard: Guard
    limits: Limits
    names: tuple[str, ...]

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan as the guard shapes it inside the configured limits."""
        return self.guard.shape(plan, replace(_renamed(seen, self.names), limits=self.limits))


@dataclass(frozen=True, slots=True)
class Renamed:
    """A policy that finds the demand under each of the names that it is configured with."""

    policy: Policy
    names: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The policy's own needs."""
        return self.policy.needs

    def propose(self, seen: Observation) -> Answer:
        """The policy's own answer."""
        return self.policy.propose(_renamed(seen, self.names))


@dataclass(frozen=True, slots=True)
class RenamedWhen:
    """The same for a condition."""

    condition: Condition
    names: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The condition's own needs."""
        return self.condition.needs

    def holds(self, seen: Observation) -> bool | Missing:
        """The condition's own answer."""
        return self.condition.holds(_renamed(seen, self.names))


def _renamed(seen: Observation, names: tuple[str, ...]) -> Observation:
    if len(names) == 1:
        return seen
    demand = seen.signal(names[0])
    return replace(seen, signals={**seen.signals, **dict.fromkeys(names[1:], demand)})


def _entry(entry: PolicyEntry, names: tuple[str, ...]) -> PolicyEntry:
    if len(names) == 1:
        return entry
    when = None if entry.when is None else RenamedWhen(entry.when, names)
    return replace(entry, policy=Renamed(entry.policy, names), when=when)


def _likeness(managed: Managed, interval_s: float) -> tuple[object, ...]:
    """Equal options share their built objects, so identity tells who is configured alike."""
    return (
        id(managed.policies),
        id(managed.guards),
        id(managed.forecasts),
        managed.limits,
        interval_s,
    )


def _name(alike: Sequence[Managed], everybody: Sequence[Sequence[Managed]]) -> str:
    group = alike[0].group
    alone = sum(1 for each in everybody if each[0].group == group) == 1
    return f"{CONFIGURED}:{group}" if alone else f"{CONFIGURED}:{group}/{alike[0].name}"


def _forecast(managed: Managed, demand: Iterable[str]) -> str:
    """The forecast that can be made here: the first of the demand; empty when there is none."""
    known = set(demand)
    return next((name for name, spec in managed.forecasts.items() if spec.of in known), "")


def _options(name: str, spec: ForecastSpec, world: World, interval_s: float) -> Options:
    lead = world.cold_start_s if spec.learn_lead else spec.lead_s
    return Options(
        name=name,
        tau=spec.risk,
        ceiling_tau=max(spec.ceiling_tau, spec.risk),
        lead_s=max(1.0, lead),
        every_s=interval_s,
    )


def _fed(
    name: str, entries: Sequence[PolicyEntry], fed: set[str]
) -> tuple[list[PolicyEntry], list[str]]:
    """The entries that read nothing but what is fed, and a warning for each of the others."""
    kept, warnings = [], []
    for entry in entries:
        needs = {*entry.policy.needs, *(entry.when.needs if entry.when else ())}
        if needs <= fed:
            kept.append(entry)
            continue
        others = ", ".join(sorted(needs - fed))
        warnings.append(f"{name}: policy {entry.name} is left out: it reads {others}")
    return kept, warnings


def _reads(guard: Guard) -> set[str]:
    """The signals that a guard names in its options; most name none."""
    lines = getattr(guard, "lines", None)
    signal = getattr(guard, "signal", "")
    named = set(lines) if isinstance(lines, Mapping) else set()
    return named | ({signal} if isinstance(signal, str) and signal else set())
