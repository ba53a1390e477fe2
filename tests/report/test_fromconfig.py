"""A configuration's policies in the laboratory: fed with demand, or named and left out."""

from __future__ import annotations

from pathlib import Path

from autoscaler.lab.backtest import BacktestOptions, Scale, World, run_backtest
from autoscaler.lab.fromconfig import Configured, policy_sets
from autoscaler.plugins import check
from autoscaler.roster import Group
from tests.fakes.configuration import ENVIRON, OTHER_RID, RID, text_of, written
from tests.fakes.traces import day

DEFAULTS = """defaults:
  limits:
    min_replicas: {low: 1, high: 5}
    max_replicas: {low: 1, high: 5}
    threads: {low: 32, high: 32}
  signals:
    SIGNAL: {source: prom, query: jobs}
    errors: {source: prom, query: errors}
  policies:
    load: {kind: target_load, signal: SIGNAL, target: 0.7}
    failing: {kind: target_load, signal: errors}
"""
TWO = f"""groups:
  online:
    deployments:
      chat: {{rid: {RID}}}
      rerank: {{rid: {OTHER_RID}, policies: {{load: {{target: 0.5}}}}}}
"""


def groups(folder: Path, **sections: str) -> tuple[Group, ...]:
    return check(written(folder, text_of(**sections)), ENVIRON)[1]


def found(folder: Path, signal: str = "running_jobs", **sections: str) -> Configured:
    defaults = DEFAULTS.replace("SIGNAL", signal)
    return policy_sets(groups(folder, defaults=defaults, **sections), World())


def test_what_reads_other_signals_is_left_out_by_name(tmp_path: Path) -> None:
    told = found(tmp_path)
    assert [each.name for each in told.sets] == ["config"]
    assert told.warnings == ("config: policy failing is left out: it reads errors",)


def test_deployments_that_differ_are_told_apart(tmp_path: Path) -> None:
    names = [each.name for each in found(tmp_path, groups=TWO).sets]
    assert names == ["config:online/chat", "config:online/rerank"]


def test_an_unknown_demand_is_asked_for(tmp_path: Path) -> None:
    told = found(tmp_path, signal="weird")
    assert told.sets == ()
    assert "which signal is the demand? (signals: weird, errors)" in told.warnings[0]


def test_the_user_names_the_demand(tmp_path: Path) -> None:
    defaults = DEFAULTS.replace("SIGNAL", "weird")
    told = policy_sets(groups(tmp_path, defaults=defaults), World(), ["weird"])
    assert [each.name for each in told.sets] == ["config"]


def test_the_configured_limits_hold_in_the_laboratory(tmp_path: Path) -> None:
    sets = found(tmp_path).sets
    options = BacktestOptions(World(most=30), Scale(20.0))
    row = run_backtest([day(hours=8)], sets, options).traces["day"]
    most = 5 * 4.0  # five replicas for the four hours that are scored
    assert row["config"].replica_hours <= most + 1e-6
    assert row["config"].violations > 0.3


def test_a_configured_forecast_is_fed(tmp_path: Path) -> None:
    defaults = (
        DEFAULTS.replace("SIGNAL", "in_flight")
        .replace("    load: {kind: target_load, signal: in_flight, target: 0.7}\n", "")
        .replace("    failing: {kind: target_load, signal: errors}\n", "")
        .replace("  policies:\n", "  policies:\n    ahead: {kind: forecast, demand: in_flight}\n")
        + "  forecasts:\n    forecast: {of: in_flight, tau: 0.9}\n"
    )
    told = policy_sets(groups(tmp_path, defaults=defaults), World(most=5))
    assert told.warnings == ()
    row = run_backtest([day(hours=8)], told.sets, BacktestOptions(World(most=5), Scale(4.0)))
    assert 0.5 < row.traces["day"]["config"].coverage <= 1.0
