"""The three runs side by side: the present policies, the changed ones, and the platform alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autoscaler.core.observation import NativeScaling
from autoscaler.lab.backtest import Actuator, BacktestOptions, PolicySet, World, run_backtest
from autoscaler.lab.backtest.demand import STEP_S, demand_of
from autoscaler.lab.backtest.peers import PlatformAlone
from autoscaler.lab.backtest.run import Progress, scored_from
from autoscaler.lab.fromconfig import configured_set
from autoscaler.lab.history import DAY_S, Unanswered
from autoscaler.lab.report.thin import edges_of, highest, lowest, short
from autoscaler.lab.report.watch import Track, watched
from autoscaler.lab.whatif.ask import Ask
from autoscaler.lab.whatif.past import NoPastError, Past
from autoscaler.lab.whatif.verdict import By, verdict
from autoscaler.roster import Group, Managed

CURRENT, CHANGED, PLATFORM = "current", "changed", "platform"
# A point for about two pixels of a wide screen: three sets of three lines stay below 100 kB.
POINTS = 600
DEFAULT_THREADS, DEFAULT_MOST, DEFAULT_START_S = 32, 60, 120.0
LEAST_LEARNT_DAYS = 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """A deployment as one configuration has it."""

    managed: Managed
    group: Group


def compare(
    ask: Ask, now: Side, then: Side, past: Past, tell: Callable[[float], None]
) -> dict[str, Any]:
    """The result as JSON: measures, curves, verdict and warnings. Raises NoPastError."""
    world = _world(ask, now.managed)
    scale = past.demand.scale(world.threads)
    if isinstance(scale, Unanswered):
        raise NoPastError(f"{now.managed.name}: {scale.why}")
    warnings = list(past.warnings)
    sets: list[PolicySet] = []
    for name, side in ((CURRENT, now), (CHANGED, then)):
        found = configured_set(name, side.managed, side.group.interval_s, world)
        warnings += found.warnings
        sets += [replace(each, name=name) for each in found.sets]
    sets.append(PolicySet(PLATFORM, PlatformAlone))
    days = past.demand.days
    learnt = max(days - ask.days, min(LEAST_LEARNT_DAYS, days / 2))
    tracks: list[Track] = []

    def progress(one: Progress) -> None:
        tell(one.done / one.total)

    options = BacktestOptions(world, history_days=learnt, scale=scale)
    trace = past.demand.trace
    result = run_backtest([trace], [watched(each, tracks) for each in sets], options, progress)
    row = result.traces[trace.name]
    start = scored_from(demand_of(trace, scale).size, learnt)
    begins = past.demand.starts_at + start * STEP_S
    named = {each.name: track for each, track in zip(sets, tracks, strict=True)}
    measures = {name: row[name].as_dict() for name in named}
    daily = {name: _by_day(track, start) for name, track in named.items()}
    return {
        "deployment": ask.deployment,
        "from": begins,
        "to": past.demand.starts_at + past.demand.trace.duration_s,
        "sets": measures,
        "curves": _curves(named, start, begins, world.threads),
        "verdict": verdict(By(measures, daily, days - learnt)),
        "warnings": list(dict.fromkeys(warnings)),
    }


def _world(ask: Ask, managed: Managed) -> World:
    limits = managed.limits
    most = limits.max_replicas.high or ask.ceiling or DEFAULT_MOST
    least = max(1, limits.min_replicas.low)
    return World(
        cold_start_s=ask.startup_s or DEFAULT_START_S,
        least=min(least, most),
        most=max(1, most),
        threads=ask.threads or limits.threads.clamp(DEFAULT_THREADS),
        actuator=Actuator.ENVELOPE_EVICT,
        native=NativeScaling(*ask.native) if ask.native else NativeScaling(),
    )


def _by_day(track: Track, start: int) -> list[tuple[float, float]]:
    """Each day's share of requests without room, and its load in replicas."""
    load, ready = track.seen(start)
    each = max(1, round(DAY_S / STEP_S))
    found = []
    for begin in range(0, load.size, each):
        part, there = load[begin : begin + each], ready[begin : begin + each]
        work = float(part.sum())
        over = float(part[part > there].sum())
        found.append((over / work if work else 0.0, work))
    return found


def _curves(tracks: Mapping[str, Track], start: int, begins: float, threads: int) -> dict[str, Any]:
    load, _ = next(iter(tracks.values())).seen(start)
    edges = edges_of(load.size, POINTS)
    lines: dict[str, Any] = {}
    for name, track in tracks.items():
        _, ready = track.seen(start)
        floor, roof = track.envelope(start, start + ready.size)
        lines[name] = {
            "floor": lowest(floor, edges),
            "ceiling": highest(roof, edges),
            "replicas": lowest(ready, edges),
        }
    at = (begins + np.asarray(edges) * STEP_S).round().astype(int).tolist()
    busy = [short(value * threads) for value in highest(load, edges)]
    return {"at": at, "load": busy, "threads": threads, "sets": lines}
