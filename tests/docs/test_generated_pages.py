"""The generated pages are current, complete, and what they show is true."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.codec import decode_observation, encode_observation
from autoscaler.core.decide import decide
from autoscaler.core.reason import Code
from autoscaler.lab.docs.examples import examples, managed, worked_observation
from autoscaler.lab.docs.options import span
from autoscaler.lab.docs.write import pages, write
from autoscaler.plugins import policy_types
from autoscaler.plugins.options import option_fields, spellings
from autoscaler.plugins.registry import GUARD_TYPES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TYPES = policy_types()
PAGES = pages()  # each is written when it is first looked at
BLOCK = re.compile(r"^```(\w+)\n(.*?)\n?^```$", re.MULTILINE | re.DOTALL)


@cache
def page(name: str) -> str:
    """The text of a generated page."""
    return PAGES[name]()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    told = (DOCS / name).read_text(encoding="utf-8")
    assert told == page(name), "run: python -m autoscaler.lab.docs"


def test_no_page_of_a_policy_that_is_gone_is_left() -> None:
    left = {f"policies/{path.name}" for path in (DOCS / "policies").iterdir()}
    assert left <= set(PAGES)


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    gone = tmp_path / "policies" / "gone.md"
    gone.write_text("a policy that was", encoding="utf-8")
    assert len(write(tmp_path)) == len(PAGES) + 1
    assert not gone.exists()
    assert write(tmp_path) == []


@pytest.mark.parametrize("name", TYPES)
def test_every_option_of_a_policy_is_on_its_page(name: str) -> None:
    for item in option_fields(TYPES[name]):
        assert f"| `{spellings(item)[0]}` |" in page(f"policies/{name}.md")


@pytest.mark.parametrize("name", GUARD_TYPES)
def test_every_option_of_a_guard_is_on_their_page(name: str) -> None:
    section = page("policies/guards.md").partition(f"`{name}`\n")[2].partition("\n## ")[0]
    for item in option_fields(GUARD_TYPES[name]):
        assert f"| `{spellings(item)[0]}` |" in section


@pytest.mark.parametrize("code", Code)
def test_every_reason_is_told_with_who_gives_it(code: Code) -> None:
    row = next(line for line in page("reasons.md").splitlines() if f"`{code.value}` |" in line)
    _, _, who, meaning, _ = row.split("|")
    assert meaning.strip().endswith((".", "?"))
    assert who.strip(), "nobody gives it"


@pytest.mark.parametrize("name", TYPES)
def test_an_example_is_decided_as_it_stands(name: str) -> None:
    deployment = managed(examples()[name])
    seen = worked_observation(examples()[name], deployment)
    plan = decide(seen, deployment.policies, deployment.guards)
    assert plan.votes[0].answer.kind == "proposal"


@pytest.mark.parametrize("name", TYPES)
def test_a_worked_answer_is_what_the_command_prints(name: str, tmp_path: Path) -> None:
    worked = page(f"policies/{name}.md").partition("## A worked answer")[2]
    (_, seen), (_, command), (_, answer) = BLOCK.findall(worked)[:3]
    (tmp_path / "seen.json").write_text(seen, encoding="utf-8")
    options = re.search(r"--options '(.*)' --observation", command)
    assert options
    arguments = ["evaluate", "--policy", name, "--options", options[1].replace("'\"'\"'", "'")]
    result = CliRunner().invoke(app, [*arguments, "--observation", str(tmp_path / "seen.json")])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == json.loads(answer)


@pytest.mark.parametrize("name", TYPES)
def test_a_worked_observation_fits_the_schema(name: str) -> None:
    worked = page(f"policies/{name}.md").partition("## A worked answer")[2]
    seen = BLOCK.findall(worked)[0][1]
    schema = json.loads((DOCS / "observation.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(seen), schema)
    found = decode_observation(seen)
    assert decode_observation(encode_observation(found)) == found


@pytest.mark.parametrize("name", TYPES)
def test_a_plot_is_a_picture_for_light_and_dark_pages(name: str) -> None:
    text = page(f"policies/{name}.svg")
    picture = ET.fromstring(text)  # noqa: S314 - written by this very repository
    assert picture.tag.endswith("svg")
    assert "prefers-color-scheme:dark" in text
    assert "currentColor" in text
    assert len([each for each in picture if each.tag.endswith("polyline")]) >= 8


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for path in (DOCS / "policies", DOCS):
        for file in path.glob("*.md"):
            for target in re.findall(r"\]\(([^)#]+)", file.read_text(encoding="utf-8")):
                if "://" not in target:
                    assert (file.parent / target).exists(), f"{file}: {target}"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86_400, "1d")]
)
def test_a_duration_is_told_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text
