"""The table of the goals: what must be, what is reached for, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.lab.backtest import Measures
from autoscaler.lab.fromconfig import FORECAST
from autoscaler.lab.report.goals import (
    CALM,
    CALM_S,
    CALM_SHARE,
    CALM_TAU,
    COST_LINE,
    DEFAULT_TAU,
    HPA,
    HPA_50,
    ONE_POINT,
    RISK_LINE,
    SELDOM_TAUS,
    SHARE_OF_PLATFORM,
    SLO,
    SLOW_TAUS,
    TAUS,
    USUAL_TAU,
    Goals,
    named,
    of_platform,
)
from autoscaler.lab.report.study import ALONE


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, in sentences."""

    what: str
    must: str
    reach: str
    measured: str


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
        rows.append(
            Row(
                f"against the platform's own scaler alone, a lowered ceiling {words}",
                "both lower on most traces",
                "",
                "; ".join(
                    _against_alone(goals, condition, name, setting)
                    for name, setting in (
                        (of_platform(SHARE_OF_PLATFORM), f"slo_of_platform {SHARE_OF_PLATFORM:g}"),
                        (named(DEFAULT_TAU), f"tau {DEFAULT_TAU:g}"),
                    )
                ),
            )
        )
    return rows


def _against_alone(goals: Goals, condition: str, name: str, setting: str) -> str:
    found, traces = goals.of(condition), goals.traces(condition)
    both = [trace for trace, row in traces.items() if _lower(row[name], row[ALONE])]
    return (
        f"{setting}: {_at(found[name])} against {_at(found[ALONE])}, both lower on "
        f"{_listed(both)} of {len(traces)} ({_each(traces, name)})"
    )


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
