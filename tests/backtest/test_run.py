from __future__ import annotations

import json

import numpy as np
import pytest

from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.observation import Observation, Series
from autoscaler.core.proposal import Answer, PolicyEntry
from autoscaler.forecast import Options
from autoscaler.lab.backtest import (
    BacktestOptions,
    Ours,
    PolicySet,
    Progress,
    World,
    hpa,
    ours,
    peers,
    run_backtest,
)
from autoscaler.lab.backtest.ours import PolicyScaler
from autoscaler.lab.backtest.peers import Fixed
from autoscaler.lab.traces import Trace
from policies.forecast import Forecast
from policies.target_load import TargetLoad


def a_day(name: str = "day", days: float = 1.0, seed: int = 1) -> Trace:
    rng = np.random.default_rng(seed)
    minutes = np.arange(round(days * 1440))
    rate = 600 + 400 * np.sin(2 * np.pi * minutes / 1440)
    return Trace(name, 60.0, tuple(rng.poisson(rate).astype(float)))


def forecasting(tau: float = 0.95) -> PolicySet:
    guards = (Deadband(), Stabilise(lower_window_s=120.0), Limits())
    entry = PolicyEntry("forecast", Forecast())
    return ours("forecast", Ours((entry,), guards, Options(tau=tau)))


def test_a_result_is_json_of_traces_sets_and_measures() -> None:
    result = run_backtest([a_day("one"), a_day("two", seed=2)], [hpa(0.7), forecasting()])
    assert result.complete
    told = json.loads(json.dumps(result.as_dict()))
    assert set(told) == {"traces", "pooled"}
    assert set(told["traces"]["one"]) == {"oracle", "hpa_70%", "forecast"}
    assert told["traces"]["one"]["oracle"]["violations"] == 0
    assert told["traces"]["two"]["forecast"]["coverage"] > 0.85
    assert told["pooled"]["forecast"]["cost_pooled"] >= 1
    assert "coverage" not in told["traces"]["one"]["hpa_70%"]


def test_the_same_backtest_gives_the_same_result() -> None:
    def run() -> object:
        return run_backtest([a_day()], [hpa(0.7), forecasting()]).as_dict()

    assert run() == run()


def test_nobody_beats_the_oracle_without_falling_short() -> None:
    result = run_backtest([a_day()], peers())
    for name, measures in result.traces["day"].items():
        assert measures.cost_vs_oracle >= 1 or measures.violations > 0, name


def test_an_interrupted_backtest_tells_what_is_done() -> None:
    def stop(progress: Progress) -> None:
        if progress.trace == "two":
            raise KeyboardInterrupt

    traces = [a_day("one"), a_day("two"), a_day("three")]
    sets = [PolicySet("static", Fixed), hpa(0.7)]
    result = run_backtest(traces, sets, progress=stop)
    assert not result.complete
    assert result.finished() == ["one"]
    assert set(result.pooled()) == {"oracle", "static", "hpa_70%"}


def test_progress_counts_to_the_end() -> None:
    seen: list[Progress] = []
    run_backtest([a_day("one"), a_day("two")], [hpa(0.5), hpa(0.7)], progress=seen.append)
    assert [each.done for each in seen] == [1, 2, 3, 4]
    assert {each.total for each in seen} == {4}


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="policy set 'hpa_70%' is there twice"):
        run_backtest([a_day()], [hpa(0.7), hpa(0.7)])
    with pytest.raises(ValueError, match="trace 'day' is there twice"):
        run_backtest([a_day(), a_day()], [hpa(0.7)])


def test_a_longer_cold_start_costs_the_unprepared_more() -> None:
    def violations(cold: float) -> float:
        options = BacktestOptions(world=World(cold_start_s=cold))
        return run_backtest([a_day()], [hpa(0.8)], options).traces["day"]["hpa_80%"].violations

    assert violations(600.0) >= violations(60.0)


def test_policies_see_what_they_would_see_live() -> None:
    seen: list[Observation] = []

    class Watching(TargetLoad):
        def propose(self, observation: Observation) -> Answer:
            seen.append(observation)
            return TargetLoad.propose(self, observation)

    entry = PolicyEntry("load", Watching())
    guards = (Stabilise(), Limits())
    scaler = PolicyScaler(Ours((entry,), guards, Options(), every_s=30.0))
    run_backtest([a_day()], [PolicySet("watched", lambda: scaler)])
    one, two = seen[0], seen[1]
    assert two.at - one.at == 30.0
    assert set(two.signals) == {
        "running_jobs",
        "forecast",
        "forecast_keep",
        "forecast_ceiling",
    }
    newest = two.signal("running_jobs")
    assert getattr(newest, "last_at", None) == two.at
    for name in ("forecast", "forecast_keep", "forecast_ceiling"):
        ahead = two.signal(name)
        assert isinstance(ahead, Series)
        assert ahead.last_at > two.at
    assert seen[-1].recommended
    assert seen[-1].changes
