"""The rules load, each alert fires when it should and only then, and each has its page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import typer
import yaml

from autoscaler.cli import app
from autoscaler.telemetry.catalogue import METRICS, PREFIX, Type
from tests.fakes.prometheus import promtool_or_skip

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CONFIG = ROOT / "config" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = sorted(HERE.glob("*.yaml"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)\n^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(autoscaler [^`]+)`")
NAME = re.compile(rf"\b{PREFIX}\w+\b")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def alerts() -> dict[str, dict[str, Any]]:
    groups = loaded(CONFIG / "alerts.yaml")["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@cache
def recorded() -> dict[str, str]:
    groups = loaded(CONFIG / "rules.yaml")["groups"]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"]}


def known() -> set[str]:
    """The names of all series that the daemon serves."""
    names = set()
    for metric in METRICS:
        parts = ("_bucket", "_sum", "_count") if metric.type is Type.HISTOGRAM else ("",)
        names |= {metric.full_name + part for part in parts}
    return names


# A parametrised list cannot see the file's absence; the count can only grow.
ALERTS = sorted(alerts())
assert len(ALERTS) >= 26


# --- promtool -----------------------------------------------------------------------------------


def promtool(*arguments: str) -> str:
    command = [promtool_or_skip(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


@pytest.mark.server
def test_promtool_accepts_the_rules() -> None:
    told = promtool("check", "rules", str(CONFIG / "rules.yaml"), str(CONFIG / "alerts.yaml"))
    assert f"{len(ALERTS)} rules found" in told
    assert f"{len(recorded())} rules found" in told


@pytest.mark.server
def test_promtool_accepts_the_example_of_a_configuration() -> None:
    assert "valid prometheus config" in promtool("check", "config", str(CONFIG / "prometheus.yaml"))


@pytest.mark.server
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_alert_fires_when_it_should_and_only_then(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(path))


# --- the rules as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    expected = [
        bool(check["exp_alerts"])
        for path in CASES
        for case in loaded(path)["tests"]
        for check in case.get("alert_rule_test", ())
        if check["alertname"] == name
    ]
    assert True in expected, "no case in which it fires"
    assert False in expected, "no case in which it does not"


def test_every_recorded_series_is_held_to_a_worked_number() -> None:
    asked = " ".join(
        check["expr"]
        for case in loaded(HERE / "recorded.yaml")["tests"]
        for check in case["promql_expr_test"]
    )
    assert {name for name in recorded() if name not in asked} == set()


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_tells_an_operator_what_where_and_how_bad(name: str) -> None:
    rule = alerts()[name]
    told = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert told["runbook_url"] == f"docs/runbooks/{name}.md"
    assert told["description"].endswith(".")
    assert len(told["description"]) > len(told["summary"]) > 15
    if "deployment_" in rule["expr"]:
        where = "group" if "by (job, instance, group)" in rule["expr"] else "deployment"
        assert f"$labels.{where}" in told["summary"], f"it does not say which {where}"


@pytest.mark.parametrize("name", [*ALERTS, *sorted(recorded())])
def test_every_rule_asks_for_metrics_that_are_served(name: str) -> None:
    expression = alerts()[name]["expr"] if name in alerts() else recorded()[name]
    promql_parser.parse(expression)
    asked = set(NAME.findall(expression))
    assert asked, "it asks for nothing of ours"
    assert asked <= known()


# --- runbooks -----------------------------------------------------------------------------------


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*ALERTS, "README"}
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\| \[(\w+)\]\(\1\.md\)", index) == list(alerts())


def page(name: str) -> str:
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_tells_what_it_means_what_to_see_and_do_and_when_it_is_over(name: str) -> None:
    text = page(name)
    assert text.startswith(f"# {name}\n\nSeverity: {alerts()[name]['labels']['severity']}.")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it means",
        "What to look at",
        "What to do",
        "How to be sure that it is over",
    ]
    over = text[text.index("## How to be sure") :]
    assert "```promql" in over, "a query tells it, not a feeling"


@pytest.mark.parametrize("name", ALERTS)
def test_every_query_of_a_page_is_promql_over_metrics_that_exist(name: str) -> None:
    text = page(name)
    queries = [
        line for kind, code in BLOCK.findall(text) if kind == "promql" for line in code.splitlines()
    ]
    assert queries
    for query in queries:
        promql_parser.parse(query)
    assert set(NAME.findall(text)) <= known()


@pytest.mark.parametrize("name", ALERTS)
def test_every_command_of_a_page_is_one_that_the_program_takes(name: str) -> None:
    text = page(name)
    blocks = [
        line for kind, code in BLOCK.findall(text) if kind == "sh" for line in code.splitlines()
    ]
    commands = [*blocks, *INLINE.findall(text)]
    assert commands, "no command shows it"
    for command in commands:
        assert command.startswith("autoscaler ")
        parses(command)


def parses(command: str) -> None:
    """Parse without running. Raises the program's own usage error."""
    import shlex

    arguments = shlex.split(command)[1:]
    found: Any = typer.main.get_command(app)
    context = None
    while True:
        if not hasattr(found, "commands"):
            environ = {"AUTOSCALER_CONFIG": str(ROOT / "config" / "demo.yaml")}
            with pytest.MonkeyPatch.context() as patch:
                for key, value in environ.items():
                    patch.setenv(key, value)
                found.make_context(found.name, arguments, parent=context)
            return
        name, *arguments = arguments
        assert name in found.commands, command
        context = found.context_class(found, info_name=found.name, parent=context)
        found = found.commands[name]


@pytest.mark.parametrize(
    "command",
    [
        "autoscaler explain",
        "autoscaler explian chat",
        "autoscaler check --onlin",
        "autoscaler pause chat",
    ],
)
def test_a_command_that_the_program_refuses_does_not_parse(command: str) -> None:
    with pytest.raises(Exception, match=r"(?i)missing|no such|explian"):
        parses(command)


# --- how to wire it in --------------------------------------------------------------------------


@pytest.mark.server
def test_amtool_accepts_the_example_of_routes() -> None:
    tool = shutil.which("amtool")
    if tool is None:
        hint = "amtool is not installed: apt-get install prometheus-alertmanager"
        if os.environ.get("CI") == "true":
            pytest.fail(hint)
        pytest.skip(hint)
    command = [tool, "check-config", str(CONFIG / "alertmanager.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_alerts_that_exist_silence_each_other() -> None:
    tree = loaded(CONFIG / "alertmanager.yaml")
    for rule in tree["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            [matcher] = rule[side]
            pattern = matcher.split('"')[1]
            count = len(re.sub(r".*\((.*)\)", r"\1", pattern).split("|"))
            assert sum(bool(re.fullmatch(pattern, name)) for name in ALERTS) == count, matcher


def test_the_page_about_prometheus_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "prometheus.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.yaml)`", text))
    assert named == {path.name for path in CONFIG.iterdir()} - {"prometheus.yaml"}
    for path in re.findall(r"`?((?:config|tests|docs)/[\w/.-]+\.(?:yaml|md))\b", text):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([\w/.]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link
    example = loaded(CONFIG / "prometheus.yaml")["scrape_configs"][0]
    shown = yaml.safe_load(BLOCK.findall(text)[0][1])["scrape_configs"][0]
    assert shown.items() <= example.items()
    serving = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert example["static_configs"][0]["targets"][0] in json.dumps(serving)
