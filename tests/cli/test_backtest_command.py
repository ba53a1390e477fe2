"""`autoscaler backtest` from its options to its exit code."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from autoscaler.cli.backtest import INTERRUPTED, _hand_out
from autoscaler.lab.backtest import Actuator, BacktestOptions, Scale, hpa
from autoscaler.lab.report.study import Load, run_study
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.traces import day

MEASURES = {
    *("violations", "unserved", "late", "time_share", "replica_hours", "compute_seconds"),
    *("cost_vs_oracle", "actions_per_day", "thread_changes_per_day"),
}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "wave.csv"
    rows = [f"{index * 60},{count:.3f}" for index, count in enumerate(day(hours=8).requests)]
    path.write_text("\n".join(["timestamp_s,requests", *rows]) + "\n")
    return path


def backtest(*arguments: object, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)], env=env or {})


def told(result: Result) -> str:
    """Without the frame and the line breaks of an error box."""
    return " ".join(result.output.replace("│", " ").split())


def test_a_trace_is_replayed_under_everybody(trace: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "report.html"
    found = backtest("--trace", trace, "--json", out, "--html", page, "--replicas-p999", 6)
    assert found.exit_code == 0, found.output
    document: dict[str, Any] = json.loads(out.read_text())
    sets = document["pooled"]
    peers = {"static_peak", "platform_alone", "hpa_70%", "kpa_70%", "aws_both_70%", "oracle"}
    assert {"forecast", "forecast@envelope_evict", "forecast@envelope_linger"} | peers <= set(sets)
    assert set(sets["hpa_70%"]) >= MEASURES
    assert 0.5 < document["traces"]["wave"]["forecast"]["coverage"] <= 1
    assert page.read_text().startswith("<!doctype html>")
    assert "direct: the size asked for is the size; 1 trace" in found.stdout


def test_the_configuration_is_one_of_the_sets(trace: Path, tmp_path: Path) -> None:
    config = written(tmp_path, text_of())
    options = ("--config", config, "--policy-set", "config", "--actuator", "direct")
    found = backtest("--trace", trace, *options, env=dict(ENVIRON))
    assert found.exit_code == 0, found.output
    assert "config" in found.stdout
    assert "forecast" not in found.stdout


def test_further_risks_are_further_sets(trace: Path) -> None:
    options = ("--tau", 0.9, "--policy-set", "forecast*", "--actuator", "direct")
    found = backtest("--trace", trace, *options)
    assert "forecast_0.9" in found.stdout


def test_several_traces_may_follow_one_another(trace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(trace.read_text())
    found = backtest("--policy-set", "hpa_70%", "--actuator", "direct", "--trace", trace, other)
    assert found.exit_code == 0, found.output
    assert "2 traces" in found.stdout


def test_two_traces_of_one_name_are_refused(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    other = tmp_path / "again" / trace.name
    other.write_text(trace.read_text())
    found = backtest("--trace", trace, other)
    assert found.exit_code == 2
    assert "'wave' is there twice" in told(found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give a load: --trace FILE, or --prometheus URL"),
        (("--prometheus", "http://127.0.0.1:1"), "--prometheus needs --query"),
        (("--prometheus", "ftp://x", "--query", "up"), "url must be http"),
        (("--prometheus", "http://127.0.0.1:1", "--query", "sum("), "--query"),
        (("--cold-start", "soon"), "--cold-start must be a duration"),
    ],
)
def test_wrong_options_are_usage_errors(options: tuple[str, ...], words: str) -> None:
    found = backtest(*options)
    assert found.exit_code == 2
    assert words in told(found)


def test_an_unknown_policy_set_is_answered_with_the_known(trace: Path) -> None:
    found = backtest("--trace", trace, "--policy-set", "hpaa")
    assert found.exit_code == 2
    assert "'hpaa' names no policy set (forecast, static_peak" in told(found)


def test_an_unknown_actuator_is_answered_with_the_known(trace: Path) -> None:
    found = backtest("--trace", trace, "--actuator", "magic")
    assert found.exit_code == 2
    assert "direct, envelope, both, got 'magic'" in told(found)


def test_a_broken_trace_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("time,count\n")
    found = backtest("--trace", broken)
    assert found.exit_code == 2
    assert "the header must be" in told(found)


def test_a_server_that_is_not_there_is_said(trace: Path) -> None:
    found = backtest("--prometheus", "http://127.0.0.1:1", "--query", "jobs")
    assert found.exit_code == 3
    assert "cannot connect" in told(found)


def test_without_numpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = backtest("--trace", __file__)
    assert found.exit_code == 1
    assert "foundry-autoscaler[lab]" in told(found)


def test_interrupted_prints_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(_: float, what: str) -> None:
        if what.startswith("two"):
            raise KeyboardInterrupt

    loads = [Load(day(name, 8), Scale(6.0)) for name in ("one", "two")]
    study = run_study(loads, [hpa(0.7), hpa(0.5)], BacktestOptions(), (Actuator.DIRECT,), stop)
    with pytest.raises(SystemExit) as ended:
        _hand_out(study, [], None, None)
    assert ended.value.code == INTERRUPTED
    shown = capsys.readouterr()
    assert "hpa_70%" in shown.out
    assert "1 trace(s) were finished" in shown.err
