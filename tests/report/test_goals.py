"""The published table: every condition is run, and what is told follows from the numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.lab.backtest import Actuator, Scale, World
from autoscaler.lab.report.goals import DEFAULT_TAU, HPA, TAUS, Goals, named, of_platform, run_goals
from autoscaler.lab.report.study import ALONE, Load
from autoscaler.lab.report.verdict import markdown, rows_of
from tests.fakes.traces import day

WORLD = World(most=30)


@pytest.fixture(scope="module")
def goals() -> Goals:
    return run_goals([Load(day("one", 10), Scale(6.0)), Load(day("two", 8), Scale(6.0))], WORLD)


def measured(goals: Goals, what: str) -> str:
    return next(row.measured for row in rows_of(goals) if row.what.startswith(what))


def test_every_condition_is_run_as_it_is_named(goals: Goals) -> None:
    assert goals.complete
    worlds = {name: study.options.world for name, study in goals.studies.items()}
    assert worlds["slow"] == replace(WORLD, cold_start_s=300.0)
    actuators = {name: study.actuators for name, study in goals.studies.items()}
    assert actuators["envelope"] == (Actuator.ENVELOPE_EVICT,)
    assert actuators["lingering"] == (Actuator.ENVELOPE_LINGER,)
    assert actuators["usual"] == actuators["seldom"] == actuators["slo"] == (Actuator.DIRECT,)
    assert {named(tau) for tau in TAUS} | {HPA, ALONE, "oracle"} <= set(goals.of("usual"))


def test_the_dearest_setting_within_the_line_and_the_cheapest_that_is_safe_are_told(
    goals: Goals,
) -> None:
    found = goals.of("usual")
    cheap = [tau for tau in TAUS if found[named(tau)]["cost_pooled"] <= 1.4]
    text = measured(goals, "violations at a pooled cost")
    assert f"(tau {max(cheap, default=min(TAUS)):g})" in text
    safe = [tau for tau in TAUS if found[named(tau)]["violations"] <= 0.02]
    text = measured(goals, "pooled cost at violations")
    assert f"(tau {min(safe, default=max(TAUS)):g})" in text


def test_lower_on_both_axes_is_counted_trace_by_trace(goals: Goals) -> None:
    text = measured(goals, "against the platform's own scaler")
    held, usual = text.index("slo_of_platform 0.8:"), text.index(f"tau {DEFAULT_TAU:g}:")
    assert held < usual
    for name, told in ((of_platform(0.8), text[:usual]), (named(DEFAULT_TAU), text[usual:])):
        listed = told.partition("both lower on ")[2].partition(" of 2 (")[0]
        for trace, row in goals.traces("envelope").items():
            ours, alone = row[name], row[ALONE]
            assert f"{trace} {ours.violations:.2%} / {ours.cost_vs_oracle:.2f} against" in told
            both = ours.violations < alone.violations and ours.replica_hours < alone.replica_hours
            assert (trace in listed) == both


def test_the_table_is_markdown_and_the_numbers_are_json(goals: Goals) -> None:
    lines = markdown(rows_of(goals)).splitlines()
    assert lines[1] == "|---|---|---|---|"
    assert {line.count("|") for line in lines} == {5}
    told = json.loads(json.dumps(goals.as_dict()))
    assert set(told["conditions"]) == set(goals.studies)
    assert told["costs"]["bytes"] <= 65_536


def test_a_part_of_the_conditions_gives_a_part_of_the_table(goals: Goals) -> None:
    part = Goals({"envelope": goals.studies["envelope"]}, goals.costs)
    assert [row.what.split(",")[0] for row in rows_of(part)] == [
        "against the platform's own scaler alone",
        "live cost of the forecast",
        "backtest of one deployment",
    ]


def test_the_command_prints_the_table_and_refuses_other_sets(tmp_path: Path) -> None:
    path, out = tmp_path / "wave.csv", tmp_path / "goals.json"
    rows = [f"{index * 60},{count:.3f}" for index, count in enumerate(day(hours=3).requests)]
    path.write_text("\n".join(["timestamp_s,requests", *rows]) + "\n")
    asked = ["backtest", "--goals", "--trace", str(path)]
    found = CliRunner().invoke(app, [*asked, "--json", str(out), "--replicas-p999", "4"])
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("| what | must | reach for | measured |")
    assert json.loads(out.read_text())["complete"] is True
    refused = CliRunner().invoke(app, [*asked, "--tau", "0.9"])
    assert refused.exit_code == 2
    assert "--goals has its own sets" in " ".join(refused.output.replace("│", " ").split())
