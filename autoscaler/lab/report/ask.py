"""What a user asks to be compared, turned into loads, policy sets and a world."""

from __future__ import annotations

import asyncio
import fnmatch
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoscaler.core.observation import Series
from autoscaler.lab.backtest import (
    Actuator,
    BacktestOptions,
    PolicySet,
    Scale,
    World,
    peers,
    read_trace,
)
from autoscaler.lab.fromconfig import (
    FORECAST,
    Configured,
    calibrated,
    demand_signals,
    policy_sets,
)
from autoscaler.lab.history import (
    DAY_S,
    STEP_S,
    Demand,
    Outcomes,
    Unanswered,
    demand_from,
    read_past,
    why_nothing,
)
from autoscaler.lab.report.goals import Goals, of_platform, run_goals
from autoscaler.lab.report.study import Load, Study, Tell, run_study
from autoscaler.lab.traces import TraceError
from autoscaler.plugins import check
from autoscaler.ports import Question
from autoscaler.roster import Group, Managed
from autoscaler.runtime.clock import SystemClock
from autoscaler.sources.prometheus import PrometheusOptions, Query, build

ACTUATORS: Mapping[str, tuple[Actuator, ...]] = {
    "direct": (Actuator.DIRECT,),
    "envelope": (Actuator.ENVELOPE_EVICT, Actuator.ENVELOPE_LINGER),
    "both": tuple(Actuator),
}
DEFAULT_LEAST, DEFAULT_MOST = 1, 60
# Our policies forecast and decide in full; a peer is a few lines of arithmetic.
OURS_WEIGH = 30.0


class AskError(ValueError):
    """What was asked for makes no comparison; the sentence says which option and why."""


class NoPastError(Exception):
    """A source has no past for us; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The options of `autoscaler backtest`; durations in seconds."""

    config: Path | None = None
    traces: tuple[Path, ...] = ()
    prometheus: str | None = None
    query: str | None = None
    label: str = "deployment"
    range_s: float = 14 * DAY_S
    policy_sets: tuple[str, ...] = ()
    demand: tuple[str, ...] = ()
    taus: tuple[float, ...] = ()
    slos: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    cold_start_s: float = 120.0
    interval_s: float = 30.0
    replicas_p999: float = 20.0
    threads: int = 32
    min_replicas: int | None = None
    max_replicas: int | None = None
    history_s: float | None = None
    actuator: str = "both"


def study_of(ask: Ask, tell: Tell | None = None) -> tuple[Study, list[str]]:
    """Run what was asked for; the study and what the user should be warned of.

    Raises AskError, NoPastError, ConfigError.
    """
    if ask.actuator not in ACTUATORS:
        known = ", ".join(ACTUATORS)
        raise AskError(f"--actuator must be one of {known}, got {ask.actuator!r}")
    groups = check(ask.config)[1] if ask.config is not None else ()
    world = _world(ask, groups)
    configured = policy_sets(groups, world, ask.demand)
    sets = _chosen(_sets(ask, world, configured), ask.policy_sets)
    loads, warnings = _loads(ask, groups)
    days = None if ask.history_s is None else ask.history_s / DAY_S
    options = BacktestOptions(world, history_days=days)
    heavy = {each.name for each in configured.sets}
    study = run_study(
        loads,
        sets,
        options,
        ACTUATORS[ask.actuator],
        tell,
        lambda name: OURS_WEIGH if name in heavy or name.startswith(FORECAST) else 1.0,
    )
    return study, [*configured.warnings, *warnings]


def goals_of(ask: Ask, tell: Tell | None = None) -> tuple[Goals, list[str]]:
    """The published table over the loads that were asked for; as `study_of`."""
    if ask.config is not None or ask.policy_sets or ask.taus or ask.slos or ask.shares:
        raise AskError("--goals has its own sets: leave --config, --policy-set and risks out")
    world = _world(ask, ())
    loads, warnings = _loads(ask, ())
    return run_goals(loads, world, tell), warnings


def _world(ask: Ask, groups: Sequence[Group]) -> World:
    limits = [managed.limits for managed in managed_of(groups)]
    least = min((each.min_replicas.low for each in limits), default=DEFAULT_LEAST)
    tops = [each.max_replicas.high for each in limits]
    most = max((DEFAULT_MOST if top is None else top for top in tops), default=DEFAULT_MOST)
    least = least if ask.min_replicas is None else ask.min_replicas
    most = most if ask.max_replicas is None else ask.max_replicas
    if least > most:
        raise AskError(f"--min-replicas {least} must be at most --max-replicas {most}")
    return World(
        cold_start_s=ask.cold_start_s, least=max(1, least), most=max(1, most), threads=ask.threads
    )


def managed_of(groups: Sequence[Group]) -> list[Managed]:
    """Everybody of a configuration, templates of discoveries included."""
    return [
        managed
        for group in groups
        for managed in (*group.members, *(each.template for each in group.discoveries))
    ]


def _sets(ask: Ask, world: World, configured: Configured) -> list[PolicySet]:
    try:
        forecasts = [calibrated(world, ask.interval_s)]
        forecasts += [
            calibrated(world, ask.interval_s, tau, f"{FORECAST}_{tau:g}") for tau in ask.taus
        ]
        forecasts += [
            calibrated(world, ask.interval_s, name=f"{FORECAST}_slo_{slo:g}", slo=slo)
            for slo in ask.slos
        ]
        forecasts += [
            calibrated(world, ask.interval_s, name=of_platform(share), slo_of_platform=share)
            for share in ask.shares
        ]
    except ValueError as error:
        raise AskError(str(error)) from error
    return [*configured.sets, *forecasts, *peers()]


def _chosen(sets: list[PolicySet], patterns: Sequence[str]) -> list[PolicySet]:
    known = ", ".join(each.name for each in sets)
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(each.name, pattern) for each in sets):
            raise AskError(f"--policy-set {pattern!r} names no policy set ({known})")
    if not patterns:
        return sets
    return [s for s in sets if any(fnmatch.fnmatchcase(s.name, each) for each in patterns)]


def _loads(ask: Ask, groups: Sequence[Group]) -> tuple[list[Load], list[str]]:
    if ask.traces and ask.prometheus:
        raise AskError("--trace and --prometheus exclude each other")
    if ask.prometheus:
        return asyncio.run(_from_server(ask, groups))
    if not ask.traces:
        raise AskError("give a load: --trace FILE, or --prometheus URL")
    scale = Scale(peak_replicas=ask.replicas_p999)
    try:
        loads = [Load(read_trace(path), scale) for path in ask.traces]
    except (TraceError, OSError) as error:
        raise AskError(str(error)) from error
    names = [load.trace.name for load in loads]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AskError(f"--trace {twice!r} is there twice")
    return loads, []


async def _from_server(ask: Ask, groups: Sequence[Group]) -> tuple[list[Load], list[str]]:
    """The past of everything that a query finds, or of the configured deployments."""
    questions = _questions(ask, groups)
    watch, clock = Outcomes(), SystemClock()
    try:
        source = build("prometheus", PrometheusOptions(ask.prometheus or ""), watch, clock)
    except ValueError as error:
        raise AskError(f"--prometheus: {error}") from error
    end = time.time() // STEP_S * STEP_S
    loads: list[Load] = []
    warnings: list[str] = []
    try:
        for question, wanted in questions.items():
            past = await read_past(source, question, end - ask.range_s, end)
            if not past:
                why = await why_nothing(source, question, end)
                raise NoPastError(f"{ask.prometheus}: {question.signal}: {why}")
            _take(ask, past, wanted, loads, warnings)
    finally:
        await source.close()
    if not loads:
        raise NoPastError("; ".join(warnings) or "no deployment has a past")
    return loads, warnings


def _questions(ask: Ask, groups: Sequence[Group]) -> dict[Question, list[Managed]]:
    if ask.query is not None:
        return {_question("demand", ask.query, ask.label): []}
    if not groups:
        raise AskError("--prometheus needs --query, or --config with the demand's query")
    found: dict[Question, list[Managed]] = {}
    for managed in managed_of(groups):
        for name in demand_signals(managed, ask.demand)[:1]:
            question = managed.signals[name].question
            if isinstance(question.query, Query):
                found.setdefault(question, []).append(managed)
    if not found:
        raise AskError("--config has no deployment whose demand is a PromQL query; give --query")
    return found


def _question(signal: str, text: str, label: str) -> Question:
    try:
        return Question(signal, Query.parse(text), label, STEP_S)
    except ValueError as error:
        raise AskError(f"--query: {error}") from error


def _take(
    ask: Ask,
    past: Mapping[str, Series],
    wanted: Sequence[Managed],
    loads: list[Load],
    warnings: list[str],
) -> None:
    names = {managed.match: managed.name for managed in wanted} or {each: each for each in past}
    zero = {m.match for m in wanted for s in m.signals.values() if s.empty_is_zero}
    for match, name in names.items():
        series = past.get(match)
        found: Demand | Unanswered = (
            Unanswered(f"no series is labelled {match!r}")
            if series is None
            else demand_from(name, series, gaps_are_zero=match in zero)
        )
        scale = found if isinstance(found, Unanswered) else found.scale(ask.threads)
        if isinstance(found, Unanswered) or isinstance(scale, Unanswered):
            warnings.append(f"{name} is left out: {_why(found, scale)}")
            continue
        note = f"{found.gap_share:.1%} of the samples are missing" if found.gap_share else ""
        if found.gap_share > LARGE_GAP:
            warnings.append(f"{name}: {note}; lines between their neighbours stand in")
        loads.append(Load(found.trace, scale, found.starts_at, note))


LARGE_GAP = 0.02


def _why(*found: object) -> str:
    return next(each.why for each in found if isinstance(each, Unanswered))
