"""What a user asks to be tuned, turned into histories, a place for the lines and a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.core.envelope import Range
from autoscaler.core.observation import Limits
from autoscaler.lab.backtest import Actuator, PolicySet, World
from autoscaler.lab.fromconfig import configured_set, demand_signals
from autoscaler.lab.tune.caveats import Caveat
from autoscaler.lab.tune.days import History
from autoscaler.lab.tune.enough import DAY_S, Span
from autoscaler.lab.tune.lines import Place
from autoscaler.plugins import check as checked
from autoscaler.roster import Group, Managed
from autoscaler.settings import Settings

ACTUATORS: Mapping[str, Actuator] = {
    "direct": Actuator.DIRECT,
    "evict": Actuator.ENVELOPE_EVICT,
    "linger": Actuator.ENVELOPE_LINGER,
}
# Policies that size by load, in whose place the tuned one stands.
SIZING = frozenset({"target_load", "concurrency", "forecast"})
NOW = "now"


class AskError(ValueError):
    """What was asked for cannot be tuned; the sentence names the option and the rule."""


class NoPastError(Exception):
    """A source has no past for us; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Where the history comes from and what the deployment is like; durations in seconds."""

    traces: tuple[Path, ...] = ()
    prometheus: str | None = None
    query: str | None = None
    label: str = "deployment"
    range_s: float = 14 * DAY_S
    config: Path | None = None
    group: str | None = None
    cold_start_s: float = 120.0
    interval_s: float | None = None
    threads: int = 32
    service_s: float | None = None
    replicas_p999: float = 20.0
    min_replicas: int | None = None
    max_replicas: int | None = None
    actuator: str = "evict"


@dataclass(slots=True)
class Asked:
    """What there is to search: histories of at least two days, and what is known beside them."""

    place: Place
    world: World
    histories: list[History]
    spans: list[Span]
    present: PolicySet | None = None
    caveats: list[Caveat] = field(default_factory=list)
    settings: Settings | None = None
    group: Group | None = None


def prepared(ask: Ask) -> Asked:
    """Everything but the histories. Raises AskError, ConfigError."""
    if ask.actuator not in ACTUATORS:
        known = ", ".join(ACTUATORS)
        raise AskError(f"--actuator must be one of {known}, got {ask.actuator!r}")
    settings, group = _group(ask)
    place, world = _place(ask, group), _world(ask, group)
    found = Asked(place, world, [], [], settings=settings, group=group)
    if group is not None:
        first = members_of(group)[0]
        present = configured_set(NOW, first, group.interval_s, world, (place.demand,))
        found.present = next(iter(present.sets), None)
        found.caveats += [Caveat("not_simulated", text) for text in present.warnings]
    return found


def _group(ask: Ask) -> tuple[Settings | None, Group | None]:
    if ask.config is None:
        if ask.group is not None:
            raise AskError("--group needs --config")
        return None, None
    settings, groups = checked(ask.config)
    by_name = {group.name: group for group in groups}
    names = ", ".join(by_name)
    if ask.group is None and len(groups) != 1:
        raise AskError(f"--group must name one of {names}")
    group = by_name.get(ask.group or names)
    if group is None:
        raise AskError(f"--group names no group of the configuration ({names}), got {ask.group!r}")
    return settings, group


def members_of(group: Group) -> list[Managed]:
    """Everybody of a group, the templates of discoveries last."""
    return [*group.members, *(found.template for found in group.discoveries)]


def _place(ask: Ask, group: Group | None) -> Place:
    if group is None:
        limits = Limits(Range(1), Range(1), Range(1))
        return Place(ask.interval_s or 30.0, ask.cold_start_s, limits)
    first = members_of(group)[0]
    demand = demand_signals(first)
    if not demand:
        known = ", ".join(first.signals) or "none"
        raise AskError(f"--config: which signal of {first.name} is its demand? (signals: {known})")
    sizing = [e.name for e in first.policies if _kind(e.policy) in SIZING]
    taken = {*(e.name for e in first.policies), *first.forecasts, *first.signals}
    name = next(n for n in ("tuned", *(f"tuned_{i}" for i in range(2, 99))) if n not in taken)
    return Place(
        ask.interval_s or group.interval_s,
        ask.cold_start_s,
        first.limits,
        demand[0],
        first.signals[demand[0]].window_s,
        first.guards,
        tuple(sizing),
        name,
    )


def _kind(policy: object) -> str:
    return type(policy).__module__.rpartition(".")[2]


def _world(ask: Ask, group: Group | None) -> World:
    limits = [managed.limits for managed in members_of(group)] if group is not None else []
    least = min((each.min_replicas.low for each in limits), default=1)
    tops = [each.max_replicas.high for each in limits]
    most = max((60 if top is None else top for top in tops), default=60)
    least = least if ask.min_replicas is None else ask.min_replicas
    most = most if ask.max_replicas is None else ask.max_replicas
    if least > most:
        raise AskError(f"--min-replicas {least} must be at most --max-replicas {most}")
    return World(
        cold_start_s=ask.cold_start_s,
        least=max(1, least),
        most=max(1, most),
        threads=ask.threads,
        actuator=ACTUATORS[ask.actuator],
    )
