"""`autoscaler tune` as a command: what it prints and how it ends."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.lab.tune.search import evaluated
from tests.fakes.tuning import trace_file

QUICK = ("--budget", "2", "--interval", "300s", "--threads", "4", "--service-time", "12s")


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["tune", *words])
    return result.exit_code, result.stdout, result.stderr


def test_a_recommendation_is_yaml_and_ends_with_zero(tmp_path: Path) -> None:
    trace = str(trace_file(tmp_path, 2.0))
    code, out, _ = run("--objective", "violations <= 20%", "--trace", trace, *QUICK)
    assert code == 0
    assert "tuned" in yaml.safe_load(out)["policies"]
    assert "# not promised:" in out


def test_scripts_get_json_and_a_failed_objective_ends_with_one(tmp_path: Path) -> None:
    trace = str(trace_file(tmp_path, 2.0))
    words = ("--objective", "violations <= 0%", "--trace", trace, "--max-replicas", "2", "--json")
    code, out, _ = run(*words, *QUICK)
    assert code == 1
    found = json.loads(out)
    assert (found["kept"], found["evaluated"]) == (False, 2)
    assert "above_limits" in {each["code"] for each in found["not_promised"]}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--objective", "violations >= 1%"), 2, "only <= is possible"),
        (("--objective", "cost <= 2", "--minimise", "costs"), 2, "did you mean cost?"),
        (("--objective", "cost <= 2"), 2, "give a history"),
        (
            ("--objective", "cost <= 2", "--range", "soon", "--prometheus", "x"),
            2,
            "--range must be",
        ),
        (
            ("--objective", "cost <= 2", "--prometheus", "http://127.0.0.1:9", "--query", "up"),
            3,
            "http://127.0.0.1:9: demand: ",
        ),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    ended, _, err = run(*words)
    assert (ended, said in err) == (code, True), err


def test_ctrl_c_prints_the_best_so_far_and_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = str(trace_file(tmp_path, 2.0))
    real, calls = evaluated, []

    def second_is_interrupted(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr("autoscaler.lab.tune.search.evaluated", second_is_interrupted)
    code, out, _ = run("--objective", "violations <= 20%", "--trace", trace, *QUICK)
    assert code == 130
    assert "interrupted: 1 of 2 settings were evaluated" in out


def test_too_little_history_ends_with_one_and_says_how_much_more(tmp_path: Path) -> None:
    trace = str(trace_file(tmp_path, 1.0))
    code, out, err = run("--objective", "violations <= 1%", "--trace", trace)
    assert (code, out) == (1, "")
    assert "no recommendation: chat has 24.0 hours of history; it takes 24.0 hours more" in err


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, _, err = run("--objective", "violations <= 1%")
    assert code == 1
    assert "pip install 'foundry-autoscaler[lab]'" in err


def test_a_bad_configuration_ends_with_78(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("platform: 7\n", encoding="utf-8")
    assert run("--objective", "violations <= 1%", "--config", str(path))[0] == 78
