"""A comparison: loads times policy sets times actuators, watched, and stopped at any moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoscaler.lab.backtest import (
    Actuator,
    BacktestOptions,
    BacktestResult,
    PolicySet,
    Progress,
    Scale,
    Trace,
    demand_of,
    run_backtest,
)
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.run import scored_from
from autoscaler.lab.report.picture import MOST_BUCKETS, Picture, buckets_for, picture_of
from autoscaler.lab.report.watch import Track, watched

# Nobody writes: without the platform's own scaler nothing would ever move.
ALONE = "platform_alone"


@dataclass(frozen=True, slots=True)
class Load:
    """A trace with how its requests become replicas. `starts_at` is Unix seconds, if known."""

    trace: Trace
    scale: Scale
    starts_at: float | None = None
    note: str = ""


@dataclass(slots=True)
class Study:
    """What was found so far: results and pictures by actuator; whole or interrupted."""

    options: BacktestOptions
    actuators: tuple[Actuator, ...]
    results: dict[Actuator, BacktestResult] = field(default_factory=dict)
    pictures: dict[tuple[Actuator, str], Picture] = field(default_factory=dict)
    complete: bool = False
    buckets: int = MOST_BUCKETS

    def finished(self) -> list[str]:
        """Traces that are done under every actuator."""
        found = [self.results[each].finished() for each in self.actuators if each in self.results]
        return [name for name in found[0] if all(name in each for each in found)] if found else []


Tell = Callable[[float, str], None]


def run_study(
    loads: Sequence[Load],
    sets: Sequence[PolicySet],
    options: BacktestOptions,
    actuators: Sequence[Actuator],
    tell: Tell | None = None,
    weight: Callable[[str], float] | None = None,
) -> Study:
    """Run everything; Ctrl-C ends it early with the traces that are done.

    `tell` hears the share that is done and what is running. `weight` says how long a set takes
    in comparison with others.
    """
    study = Study(options, tuple(actuators))
    study.buckets = buckets_for(len(loads) * len(sets) * len(actuators))
    meter = _Meter(sets, len(loads) * len(actuators), tell, weight or (lambda _: 1.0))
    try:
        for load in loads:
            for actuator in actuators:
                if not _run(study, load, sets, actuator, meter):
                    return study
    except KeyboardInterrupt:
        return study
    study.complete = True
    return study


class _Meter:
    """Progress over all runs, by how much work each is."""

    def __init__(
        self,
        sets: Sequence[PolicySet],
        rounds: int,
        tell: Tell | None,
        weight: Callable[[str], float],
    ) -> None:
        self._weights = {each.name: weight(each.name) for each in sets}
        self._total = sum(self._weights.values()) * rounds
        self._done = 0.0
        self._tell = tell

    def __call__(self, progress: Progress) -> None:
        self._done += self._weights[progress.policy_set]
        if self._tell is not None:
            self._tell(self._done / self._total, f"{progress.trace}: {progress.policy_set}")


def _run(
    study: Study, load: Load, sets: Sequence[PolicySet], actuator: Actuator, meter: _Meter
) -> bool:
    tracks: list[Track] = []
    options = _options(study, load, actuator)
    direct = actuator is Actuator.DIRECT
    here = [each for each in sets if not (direct and each.name == ALONE)]
    result = run_backtest([load.trace], [watched(each, tracks) for each in here], options, meter)
    names = [each.name for each in here]
    if direct and len(here) < len(sets) and result.complete:
        alone = [each for each in sets if each.name == ALONE]
        enveloped = _options(study, load, Actuator.ENVELOPE_EVICT)
        other = run_backtest([load.trace], [watched(alone[0], tracks)], enveloped, meter)
        result.complete = other.complete
        result.traces[load.trace.name] |= other.traces[load.trace.name]
        names.append(ALONE)
    total = study.results.setdefault(actuator, BacktestResult())
    row = result.traces.get(load.trace.name, {})
    order = ("oracle", *(each.name for each in sets))
    total.traces[load.trace.name] = {name: row[name] for name in order if name in row}
    if result.complete:
        found = dict(zip(names, tracks, strict=True))
        study.pictures[actuator, load.trace.name] = _picture(load, options, found, study.buckets)
    return result.complete


def _options(study: Study, load: Load, actuator: Actuator) -> BacktestOptions:
    world = replace(study.options.world, actuator=actuator)
    return replace(study.options, world=world, scale=load.scale)


def _picture(
    load: Load, options: BacktestOptions, tracks: Mapping[str, Track], buckets: int
) -> Picture:
    start = scored_from(demand_of(load.trace, load.scale).size, options.history_days)
    begins = None if load.starts_at is None else load.starts_at + start * STEP_S
    return picture_of(tracks, start, begins, buckets)
