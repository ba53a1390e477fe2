"""`autoscaler evaluate` and `autoscaler policy`, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from autoscaler.codec import decode_decision, encode_observation
from autoscaler.core.observation import Observation
from autoscaler.lab.docs.examples import FRAME, SIGN_IN, examples
from autoscaler.testing import observations
from autoscaler.wiring.evaluate import observation_of

ROOT = Path(__file__).parents[2]
SEEN: dict[str, Any] = {
    "at": 1795420800,
    "deployment": "chat",
    "envelope": {"min_replicas": 2, "max_replicas": 10, "threads": 32},
    "envelope_at": 1795420795,
    "health": {"state": "ACTIVE", "is_ready": True},
    "signals": {"running_jobs": {"times": [1795420785, 1795420800], "values": [90, 131]}},
}


def run(*arguments: str, lines: Sequence[object] = ()) -> Result:
    text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines)
    return CliRunner().invoke(app, arguments, input=text, env=dict(SIGN_IN))


def configured(folder: Path, **parts: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(FRAME + examples()["target_load"].config + "".join(parts.values()))
    return path


def test_each_line_of_the_input_gets_its_answer() -> None:
    quiet = {**SEEN, "signals": {}}
    result = run("evaluate", "--policy", "target_load", lines=[SEEN, "", quiet])
    assert result.exit_code == 0
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["bids"]["min_replicas"]["want"] == 6
    assert second["kind"] == "abstain"
    assert second["reason"]["code"] == "signal_missing"


def test_options_are_taken_as_a_configuration_has_them() -> None:
    options = json.dumps({"window": "5s", "aggregate": "last", "target": 1})
    result = run("evaluate", "--policy", "target_load", "--options", options, lines=[SEEN])
    assert json.loads(result.stdout)["bids"]["min_replicas"]["want"] == 5


def test_a_deployment_is_decided_with_its_policies_and_guards(tmp_path: Path) -> None:
    path = str(configured(tmp_path))
    result = run("evaluate", "--config", path, "--deployment", "chat", lines=[SEEN])
    decision = decode_decision(result.stdout)
    assert decision.plan.after.min_replicas == 6
    assert decision.mode == "apply"
    assert str(decision.outcome.reason) == "evaluated only: nothing is written"


def test_limits_of_the_configuration_hold_where_the_observation_has_none(tmp_path: Path) -> None:
    path = configured(tmp_path, limits="  limits: {min_replicas: {high: 3}}\n")
    result = run("evaluate", "--config", str(path), "--deployment", "chat", lines=[SEEN])
    assert decode_decision(result.stdout).plan.after.min_replicas == 3


def test_a_decision_can_be_told_in_sentences(tmp_path: Path) -> None:
    path = str(configured(tmp_path))
    asked = ["evaluate", "--config", path, "--deployment", "chat", "--story"]
    result = run(*asked, lines=[SEEN])
    assert "floor 2 -> 6 by load: a peak of 131.0 jobs" in result.stdout


def changed(path: str, value: object) -> dict[str, Any]:
    found = json.loads(json.dumps(SEEN))
    place = found
    *parts, last = path.split(".")
    for part in parts:
        place = place[part]
    place[last] = value
    return dict(found)


BAD = [
    ("{", "standard input, line 1: the observation must be JSON"),
    ("[]", "line 1: the document must be a Observation, got []"),
    (changed("at", "noon"), "line 1: at must be a number, got 'noon'"),
    (changed("attitude", 1), "line 1: attitude is not a field of Observation, got 1"),
    (changed("envelope.min_replicas", 11), "envelope is not a Envelope: min_replicas and max"),
    (changed("mode", "bold"), "mode must be one of observe, recommend, raise_only, apply"),
    (
        changed("signals.running_jobs.times", [2, 1]),
        "signals.running_jobs.times[1] must be later than 2, got 1",
    ),
    (
        changed("signals.running_jobs.times", [1]),
        "signals.running_jobs.values must be as many as times and at least one, got 2",
    ),
    (
        changed("signals.running_jobs.values", [1, {"float": "inf"}]),
        "signals.running_jobs.values[1] must be a finite number, got inf",
    ),
]


@pytest.mark.parametrize(("line", "words"), BAD, ids=[words[:40] for _, words in BAD])
def test_a_bad_observation_is_told_with_its_path_and_rule(line: object, words: str) -> None:
    result = run("evaluate", "--policy", "target_load", lines=[line])
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


BAD_CALLS = [
    ([], "give either --policy, or --config and --deployment"),
    (["--policy", "target_load", "--deployment", "chat"], "give either --policy"),
    (["--policy", "target_laod"], "names no policy (did you mean 'target_load'?)"),
    (["--policy", "target_load", "--options", "{"], "--options must be JSON"),
    (["--policy", "target_load", "--options", "[]"], "options must be a map, got a list of 0"),
    (
        ["--policy", "target_load", "--options", '{"target": 7}'],
        "options.target must be at most 1, got 7",
    ),
    (
        ["--policy", "target_load", "--options", '{"traget": 1}'],
        "options.traget unknown option (did you mean 'target'?)",
    ),
    (["--policy", "target_load", "--observation", "/no/such"], "/no/such: cannot be read"),
    (["--policy", "x", "--dir", "/no/such"], "/no/such cannot be read"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_CALLS, ids=[words for _, words in BAD_CALLS])
def test_a_bad_call_ends_with_usage(arguments: list[str], words: str) -> None:
    result = run("evaluate", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_an_unknown_deployment_is_told_with_what_may_be_meant(tmp_path: Path) -> None:
    path = str(configured(tmp_path))
    result = run("evaluate", "--config", path, "--deployment", "caht")
    assert result.exit_code == 2
    assert "(did you mean 'chat'?), got 'caht'" in result.stderr


def test_a_bad_configuration_keeps_its_own_exit_code(tmp_path: Path) -> None:
    path = configured(tmp_path, more="surprise: 1\n")
    assert run("evaluate", "--config", str(path), "--deployment", "chat").exit_code == 78


@settings(max_examples=25)
@given(observations(("running_jobs",)))
def test_whatever_can_be_seen_can_be_handed_in(seen: Observation) -> None:
    assert observation_of(encode_observation(seen)) == seen


# --- policy list, show, new -----------------------------------------------------------------


def test_policies_are_listed_with_a_summary_each() -> None:
    listed = json.loads(run("policy", "list", "--json").stdout)
    assert listed["target_load"].startswith("Fill a target share")
    text = run("policy", "list").stdout
    assert all(f"{name} " in text for name in listed)


def test_a_policy_is_shown_with_types_defaults_ranges_and_an_example() -> None:
    text = run("policy", "show", "target_load").stdout
    assert "  target: number, default 0.7, > 0 and <= 1" in text
    assert "  window: number, duration, default 1m, >= 0s and <= 1d" in text
    assert "kind: target_load" in text
    told = json.loads(run("policy", "show", "target_load", "--json").stdout)
    assert told["options"][1]["name"] == "target"


def test_an_unknown_policy_is_no_policy_to_show() -> None:
    result = run("policy", "show", "target_laod")
    assert result.exit_code == 2
    assert "did you mean 'target_load'?" in result.stderr


def test_a_new_policy_is_never_written_over(tmp_path: Path) -> None:
    assert run("policy", "new", "mine", "--dir", str(tmp_path)).exit_code == 0
    (tmp_path / "mine.py").write_text("# mine")
    result = run("policy", "new", "mine", "--dir", str(tmp_path))
    assert result.exit_code == 1
    assert "is there already; nothing was written" in result.stderr
    assert (tmp_path / "mine.py").read_text() == "# mine"


@pytest.mark.parametrize("name", ["Mine", "9lives", "a-b", "class", "test_it", "", "../up"])
def test_a_new_policy_needs_a_name_that_python_can_say(name: str, tmp_path: Path) -> None:
    result = run("policy", "new", "--dir", str(tmp_path), "--", name)
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_new_policy_may_not_take_a_name(tmp_path: Path) -> None:
    result = run("policy", "new", "target_load", "--dir", str(tmp_path))
    assert result.exit_code == 2
    assert "is taken" in result.stderr


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run("policy", "new", "mine", "--dir", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("command", [["list"], ["show", "broken"]])
def test_a_broken_policy_is_told_without_a_traceback(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    result = run("policy", *command, "--dir", str(tmp_path))
    assert result.exit_code == 1
    assert "policy 'broken' cannot be loaded: ZeroDivisionError" in result.stderr


def test_a_policy_of_ones_own_is_shown_with_an_example_of_its_options(tmp_path: Path) -> None:
    run("policy", "new", "mine", "--dir", str(tmp_path))
    text = run("policy", "show", "mine", "--dir", str(tmp_path)).stdout
    assert "      kind: mine\n" in text
    assert "      per_replica: 20.0\n" in text


def test_an_option_that_must_be_given_stands_open_in_the_example(tmp_path: Path) -> None:
    run("policy", "new", "mine", "--dir", str(tmp_path))
    file = tmp_path / "mine.py"
    given = (
        file.read_text()
        .replace('default="running_jobs",', "")
        .replace("default=60.0", "default=None")
    )
    file.write_text(given)
    text = run("policy", "show", "mine", "--dir", str(tmp_path)).stdout
    assert "signal: text, requests, required" in text
    assert "      signal: ...    # requests of the whole deployment\n" in text
    assert "      window" not in text


def checked(*command: str, text: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("place", ["policies/mine.py", "tests/policies/test_mine.py"])
def test_a_new_policy_keeps_the_rules_of_this_repository(place: str, tmp_path: Path) -> None:
    run("policy", "new", "mine", "--dir", str(tmp_path))
    file = tmp_path / ("tests/test_mine.py" if "test" in place else "mine.py")
    text = file.read_text()
    checked("ruff", "check", "--stdin-filename", place, "-", text=text)
    checked("ruff", "format", "--check", "--stdin-filename", place, "-", text=text)


@pytest.mark.slow
def test_a_new_policy_is_typed_as_strictly_as_ours(tmp_path: Path) -> None:
    run("policy", "new", "mine", "--dir", str(tmp_path / "local"))
    files = [str(path) for path in sorted((tmp_path / "local").rglob("*.py"))]
    cache = str(tmp_path / "cache")
    checked("mypy", "--cache-dir", cache, "--follow-imports", "silent", *files, text="")
