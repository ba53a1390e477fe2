"""What the forecast is held to: every condition in turn, and a table of what came of it.

`autoscaler backtest --goals --trace ...` prints it. The published figures are those of the
*check* traces, on which nothing was tuned; see docs/measures.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autoscaler.forecast import Forecaster, Options
from autoscaler.forecast.persist import pack
from autoscaler.lab.backtest import (
    Actuator,
    BacktestOptions,
    Measures,
    PolicySet,
    World,
    demand_of,
    hpa,
    peers,
)
from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.spans import DAY_S
from autoscaler.lab.fromconfig import FORECAST, calibrated
from autoscaler.lab.report.figures import as_json, pooled_of
from autoscaler.lab.report.study import ALONE, Load, Study, Tell, run_study
from autoscaler.roster import ForecastSpec

TAUS = (0.95, 0.96, 0.975, 0.98)
USUAL_TAU = 0.96
DEFAULT_TAU = ForecastSpec().tau
SLOW_TAUS = (0.96, 0.975)
SELDOM_S = 300.0
SELDOM_TAUS = (0.9, 0.93, 0.95)
SLO = 0.01
CALM, CALM_TAU, CALM_S, CALM_SHARE = f"{FORECAST}_calm", 0.95, 600.0, 0.15
COST_LINE, RISK_LINE = 1.40, 0.02
ONE_POINT = 0.01
HPA, HPA_50 = "hpa_70%", "hpa_50%"
FORECASTS_WEIGH = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, in sentences."""

    what: str
    must: str
    reach: str
    measured: str


@dataclass(slots=True)
class Goals:
    """A study per condition; a condition that was interrupted is absent."""

    studies: dict[str, Study] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    complete: bool = False

    def of(self, condition: str) -> Mapping[str, Mapping[str, float]]:
        """All sets of a condition, pooled."""
        study = self.studies[condition]
        return pooled_of(study, study.actuators[0])

    def traces(self, condition: str) -> Mapping[str, Mapping[str, Measures]]:
        """By trace and set."""
        study = self.studies[condition]
        return study.results[study.actuators[0]].traces

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the studies by condition, as `backtest --json` writes them, and the costs."""
        found = {name: as_json(study) for name, study in self.studies.items()}
        return {"conditions": found, "costs": self.costs, "complete": self.complete}


def named(tau: float) -> str:
    """The policy set of a risk."""
    return f"{FORECAST}_{tau:g}"


def run_goals(loads: Sequence[Load], world: World, tell: Tell | None = None) -> Goals:
    """Run every condition; Ctrl-C ends it with those that are done."""
    goals = Goals(costs=costs_of(loads[0], world))
    conditions = _conditions(world)
    for place, (name, (there, sets)) in enumerate(conditions.items()):
        study = run_study(
            loads,
            sets,
            BacktestOptions(there),
            (there.actuator,),
            _part(tell, place, len(conditions)),
            lambda each: FORECASTS_WEIGH if each.startswith(FORECAST) else 1.0,
        )
        if not study.complete:
            return goals
        goals.studies[name] = study
    goals.complete = True
    return goals


def _part(tell: Tell | None, place: int, of: int) -> Tell | None:
    return None if tell is None else lambda share, text: tell((place + share) / of, text)


def _conditions(world: World) -> Mapping[str, tuple[World, list[PolicySet]]]:
    slow = replace(world, cold_start_s=300.0)
    evict = replace(world, actuator=Actuator.ENVELOPE_EVICT)
    linger = replace(world, actuator=Actuator.ENVELOPE_LINGER)
    alone = [each for each in peers() if each.name == ALONE]
    chosen = calibrated(world, name=f"{FORECAST}_slo_{SLO:g}", slo=SLO)
    calm = calibrated(world, tau=CALM_TAU, name=CALM, calm_s=CALM_S, deadband=CALM_SHARE)
    usual = calibrated(world, tau=DEFAULT_TAU, name=named(DEFAULT_TAU))
    return {
        "envelope": (evict, [usual, *alone]),
        "lingering": (linger, [usual, *alone]),
        "slo": (world, [chosen]),
        "calm": (world, [calm]),
        "usual": (world, [*(calibrated(world, tau=t, name=named(t)) for t in TAUS), *peers()]),
        "slow": (
            slow,
            [*(calibrated(slow, tau=t, name=named(t)) for t in SLOW_TAUS), hpa(0.7), hpa(0.5)],
        ),
        "seldom": (
            world,
            [
                *(calibrated(world, SELDOM_S, t, named(t)) for t in SELDOM_TAUS),
                hpa(0.7, SELDOM_S),
            ],
        ),
    }


def costs_of(load: Load, world: World) -> dict[str, float]:
    """What a forecast costs live (seconds a tick, bytes), and a backtest (seconds for a trace)."""
    demand = demand_of(load.trace, load.scale)
    forecaster = Forecaster(Options(lead_s=max(1.0, world.cold_start_s)))
    every = round(forecaster.options.every_s / STEP_S)
    ticks = [(step * STEP_S, value * world.threads) for step, value in enumerate(demand.tolist())]
    began = time.process_time()
    for at, value in ticks[::every]:
        forecaster.observe(at, value)
        forecaster.signals(at)
    took = time.process_time() - began
    began = time.process_time()
    run_study([load], [calibrated(world)], BacktestOptions(world), (world.actuator,))
    return {
        "tick_s": took / max(1, len(ticks[::every])),
        "bytes": float(len(pack(forecaster))),
        "backtest_s": time.process_time() - began,
        "days": load.trace.duration_s / DAY_S,
    }


# --- the table --------------------------------------------------------------------------------


def rows_of(goals: Goals) -> list[Row]:
    """The table, as far as its conditions are done."""
    tell: list[tuple[str, Callable[[Goals], list[Row]]]] = [
        ("usual", _frontier),
        ("slow", _slow),
        ("seldom", _seldom),
        ("usual", _calm),
        ("envelope", _envelope),
        ("slo", _slo),
    ]
    rows = [row for needs, make in tell if needs in goals.studies for row in make(goals)]
    return [*rows, *_costs(goals)]


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [f"| {r.what} | {r.must} | {r.reach} | {r.measured} |" for r in rows]
    return "\n".join(["| what | must | reach for | measured |", "|---|---|---|---|", *lines])


def _at(numbers: Mapping[str, float]) -> str:
    return f"{numbers['violations']:.1%} at {numbers['cost_pooled']:.2f} x"


def _frontier(goals: Goals) -> list[Row]:
    found = goals.of("usual")
    ours = {tau: found[named(tau)] for tau in TAUS}
    cheap = [tau for tau, each in ours.items() if each["cost_pooled"] <= COST_LINE]
    safe = [tau for tau, each in ours.items() if each["violations"] <= RISK_LINE]
    first, second = max(cheap, default=min(TAUS)), min(safe, default=max(TAUS))
    return [
        Row(
            f"violations at a pooled cost of at most {COST_LINE:.2f} x oracle",
            "3.3 %",
            "2.5 %",
            f"{_at(ours[first])} (tau {first:g}); HPA 70 % {_at(found[HPA])}",
        ),
        Row(
            f"pooled cost at violations of at most {RISK_LINE:.1%}",
            "1.50 x",
            "1.40 x",
            f"{_at(ours[second])} (tau {second:g}); HPA 40 % {_at(found['hpa_40%'])}",
        ),
    ]


def _slow(goals: Goals) -> list[Row]:
    found = goals.of("slow")
    ours = "; ".join(f"{_at(found[named(t)])} (tau {t:g})" for t in SLOW_TAUS)
    return [
        Row(
            "300 s cold start", "2.4 % at 1.53 x", "1.8 %", f"{ours}; HPA 50 % {_at(found[HPA_50])}"
        )
    ]


def _seldom(goals: Goals) -> list[Row]:
    found = goals.of("seldom")
    theirs = found[HPA]["violations"]
    ours = "; ".join(
        f"{_at(found[named(t)])} = {found[named(t)]['violations'] / theirs:.2f} of it (tau {t:g})"
        for t in SELDOM_TAUS
    )
    what = "one decision every 5 minutes, violations against HPA 70 %"
    return [Row(what, "a quarter", "a fifth", f"{ours}; HPA 70 % {_at(found[HPA])}")]


def _calm(goals: Goals) -> list[Row]:
    found, traces = goals.of("usual"), goals.traces("usual")
    off = {
        tau: sorted(abs(row[named(tau)].coverage - tau) for row in traces.values()) for tau in TAUS
    }
    near = min(sum(each <= ONE_POINT for each in one) for one in off.values())
    worst = max(one[-1] for one in off.values())
    tau = USUAL_TAU
    acts = found[named(tau)]["actions_per_day"], found[HPA]["actions_per_day"]
    return [
        Row(
            "realised coverage against tau of at least 0.95",
            "within 1 point on 6 of 7",
            "0.5 point",
            f"{near} of {len(traces)} within 1 point at every tau; at most {worst * 100:.2f} off",
        ),
        Row(
            "floor moves per day, against HPA 70 %",
            "no more",
            "half",
            f"{acts[0]:.0f} against {acts[1]:.0f} (tau {tau:g}){_calmer(goals)}",
        ),
        _worse(traces, tau),
    ]


def _calmer(goals: Goals) -> str:
    if "calm" not in goals.studies:
        return ""
    found = goals.of("calm")[CALM]
    return (
        f"; {found['actions_per_day']:.0f} with {_at(found)} when nothing is lowered before "
        f"{CALM_S / 60:.0f} min of calm nor by less than {CALM_SHARE:.0%} (tau {CALM_TAU:g})"
    )


def _worse(traces: Mapping[str, Mapping[str, Measures]], tau: float) -> Row:
    pairs = {name: (row[named(tau)], row[HPA]) for name, row in traces.items()}
    worse = [name for name, (one, other) in pairs.items() if _lower(other, one)]
    better = [name for name, (one, other) in pairs.items() if _lower(one, other)]
    return Row(
        "worse than HPA 70 % on both axes",
        "on no trace",
        "and better on both on 2",
        f"worse on {_listed(worse)}; better on {_listed(better)} (tau {tau:g})",
    )


def _envelope(goals: Goals) -> list[Row]:
    rows = []
    for condition, words in (("envelope", "evicts"), ("lingering", "does not evict")):
        if condition not in goals.studies:
            continue
        found, traces = goals.of(condition), goals.traces(condition)
        name = named(DEFAULT_TAU)
        both = [t for t, row in traces.items() if _lower(row[name], row[ALONE])]
        rows.append(
            Row(
                f"against the platform's own scaler alone, a lowered ceiling {words}",
                "both lower on most traces",
                "",
                f"{_at(found[name])} against {_at(found[ALONE])}; both lower on {_listed(both)} "
                f"of {len(traces)} (tau {DEFAULT_TAU:g}); {_each(traces, name)}",
            )
        )
    return rows


def _each(traces: Mapping[str, Mapping[str, Measures]], name: str) -> str:
    return "; ".join(
        f"{trace} {row[name].violations:.2%} / {row[name].cost_vs_oracle:.2f} against "
        f"{row[ALONE].violations:.2%} / {row[ALONE].cost_vs_oracle:.2f}"
        for trace, row in traces.items()
    )


def _slo(goals: Goals) -> list[Row]:
    name = f"{FORECAST}_slo_{SLO:g}"
    traces = goals.traces("slo")
    shares = {trace: row[name].violations for trace, row in traces.items()}
    kept = [trace for trace, share in shares.items() if share <= 2 * SLO]
    each = "; ".join(f"{trace} {share:.2%}" for trace, share in shares.items())
    return [
        Row(
            f"an SLO of {SLO:.0%} chooses the risk: within twice of it",
            "82 % of traces",
            "95 %",
            f"{len(kept)} of {len(shares)}, {_at(goals.of('slo')[name])}; {each}",
        )
    ]


def _costs(goals: Goals) -> list[Row]:
    costs = goals.costs
    return [
        Row(
            "live cost of the forecast",
            "0.2 ms a decision, 64 KiB",
            "",
            f"{costs['tick_s'] * 1e3:.2f} ms, {costs['bytes'] / 1024:.0f} KiB",
        ),
        Row(
            "backtest of one deployment, full decide every 30 s",
            "14 days in 15 s",
            "5 s",
            f"{costs['days']:.0f} days in {costs['backtest_s']:.1f} s",
        ),
    ]


def _lower(one: Measures, other: Measures) -> bool:
    return one.violations < other.violations and one.replica_hours < other.replica_hours


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"
