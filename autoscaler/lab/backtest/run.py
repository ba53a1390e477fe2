"""The backtest: every trace under every policy set, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autoscaler.lab.backtest.demand import STEP_S, Scale, demand_of, history_steps
from autoscaler.lab.backtest.measures import Measures, measured
from autoscaler.lab.backtest.oracle import oracle_steps
from autoscaler.lab.backtest.ours import PolicyScaler
from autoscaler.lab.backtest.pool import against, pooled
from autoscaler.lab.backtest.sets import PolicySet
from autoscaler.lab.backtest.simulate import World, simulate
from autoscaler.lab.backtest.spans import DAY_S
from autoscaler.lab.traces import Trace

ORACLE = "oracle"


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """How requests become work and what the deployment is like.

    `history_days` None is 7 days, or half of a trace that is shorter than 14.
    """

    world: World = field(default_factory=World)
    scale: Scale = field(default_factory=Scale)
    history_days: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """One trace under one policy set is done; `done` of `total`."""

    trace: str
    policy_set: str
    done: int
    total: int


@dataclass(slots=True)
class BacktestResult:
    """Measures by trace and policy set, the oracle among the sets; whole or interrupted."""

    traces: dict[str, dict[str, Measures]] = field(default_factory=dict)
    complete: bool = False

    def of(self, policy_set: str) -> list[Measures]:
        """One set's measures on the traces that every set has finished."""
        return [self.traces[trace][policy_set] for trace in self.finished()]

    def finished(self) -> list[str]:
        """Traces on which all sets ran."""
        most = max((len(row) for row in self.traces.values()), default=0)
        return [name for name, row in self.traces.items() if len(row) == most]

    def pooled(self) -> dict[str, dict[str, float]]:
        """Every set over all finished traces."""
        names = self.finished()
        if not names:
            return {}
        ideal = [measures.replica_hours for measures in self.of(ORACLE)]
        return {each: pooled(self.of(each), ideal) for each in self.traces[names[0]]}

    def against(self, one: str, other: str) -> dict[str, float]:
        """Ratios of two sets with 90 % intervals over traces."""
        return dict(against(self.of(one), self.of(other)))

    def as_dict(self) -> dict[str, dict[str, dict[str, float] | dict[str, dict[str, float]]]]:
        """For JSON: `traces` by trace, set and measure; `pooled` by set and measure."""
        return {
            "traces": {
                trace: {name: measures.as_dict() for name, measures in row.items()}
                for trace, row in self.traces.items()
            },
            "pooled": dict(self.pooled()),
        }


def run_backtest(
    traces: Sequence[Trace],
    sets: Sequence[PolicySet],
    options: BacktestOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BacktestResult:
    """Run all `sets` over all `traces`.

    KeyboardInterrupt, from the terminal or raised by `progress`, ends it early with what is
    done; the result then says that it is not complete. Raises ValueError for two sets or
    traces of one name.
    """
    _unique("trace", [trace.name for trace in traces])
    _unique("policy set", [ORACLE, *(each.name for each in sets)])
    options = options or BacktestOptions()
    result = BacktestResult()
    total = len(traces) * len(sets)
    try:
        for trace in traces:
            _one_trace(trace, sets, options, result, total, progress)
    except KeyboardInterrupt:
        return result
    result.complete = True
    return result


def _unique(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} {name!r} is there twice")


def _one_trace(
    trace: Trace,
    sets: Sequence[PolicySet],
    options: BacktestOptions,
    result: BacktestResult,
    total: int,
    progress: Callable[[Progress], None] | None,
) -> None:
    demand = demand_of(trace, options.scale)
    start = scored_from(demand.size, options.history_days)
    scored, world = demand[start:], options.world
    paid = oracle_steps(scored, world.cold_start_s, world.least, world.most)
    row = result.traces[trace.name] = {ORACLE: ideal(paid)}
    steps = demand.tolist()
    for each in sets:
        scaler = each.make()
        run = simulate(steps, start, scaler, world)
        row[each.name] = measured(scored, run, paid, _coverage(scaler))
        if progress is not None:
            done = sum(len(other) - 1 for other in result.traces.values())
            progress(Progress(trace.name, each.name, done, total))


def scored_from(steps: int, history_days: float | None) -> int:
    """The first step that counts."""
    if history_days is None:
        return history_steps(steps)
    return min(round(history_days * DAY_S / STEP_S), steps - 1)


def ideal(paid: int) -> Measures:
    """The oracle's measures: it never falls short; what depends on its moves does not apply."""
    hours = paid * STEP_S / 3600
    nothing = math.nan
    return Measures(
        violations=0.0,
        unserved=0.0,
        late=0.0,
        time_share=0.0,
        replica_hours=hours,
        compute_seconds=nothing,
        cost_vs_oracle=1.0,
        actions_per_day=nothing,
        thread_changes_per_day=nothing,
        coverage=nothing,
        theta_u=0.0,
        theta_o=nothing,
        tau_u=0.0,
        tau_o=nothing,
        upsilon=nothing,
        deviation=nothing,
    )


def _coverage(scaler: object) -> float:
    if isinstance(scaler, PolicyScaler) and scaler.forecaster is not None:
        return scaler.coverage()
    return math.nan
