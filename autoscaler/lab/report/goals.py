"""What the forecast is held to: every condition in turn, and a table of what came of it.

`autoscaler backtest --goals --trace ...` prints it. The published figures are those of the
*check* traces, on which nothing was tuned; see docs/measures.md.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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

TAUS = (0.95, 0.96, 0.975, 0.9775, 0.98)
USUAL_TAU = 0.96
DEFAULT_TAU = ForecastSpec().tau
SLOW_TAUS = (0.96, 0.975)
SELDOM_S = 300.0
SELDOM_TAUS = (0.9, 0.93, 0.95)
SLO = 0.01
# Chosen on the tuning traces, see docs/measures.md.
SHARE_OF_PLATFORM = 0.8
CALM, CALM_TAU, CALM_S, CALM_SHARE = f"{FORECAST}_calm", 0.95, 600.0, 0.15
COST_LINE, RISK_LINE = 1.40, 0.02
ONE_POINT = 0.01
HPA, HPA_50 = "hpa_70%", "hpa_50%"
FORECASTS_WEIGH = 30.0


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


def of_platform(share: float) -> str:
    """The policy set whose risk is chosen by what the platform's own scaler would have done."""
    return f"{FORECAST}_of_platform_{share:g}"


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
    share = SHARE_OF_PLATFORM
    held = calibrated(world, name=of_platform(share), slo_of_platform=share)
    return {
        "envelope": (evict, [held, usual, *alone]),
        "lingering": (linger, [held, usual, *alone]),
        "usual": (world, [*(calibrated(world, tau=t, name=named(t)) for t in TAUS), *peers()]),
        "calm": (world, [calm]),
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
        "slo": (world, [chosen]),
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
