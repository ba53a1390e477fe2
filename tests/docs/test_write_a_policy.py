"""The page for authors, followed to the letter in an empty directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow  # a dozen commands, each a process of its own
PAGE = ROOT / "docs" / "write-a-policy.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+)\n")


class Done(NamedTuple):
    script: str
    output: str


def environment() -> dict[str, str]:
    """As a stranger has it, but for the commands of this very tree and fewer examples."""
    own = str(Path(sys.executable).parent)
    ours = ("AUTOSCALER_", "PYTEST_", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {
        **kept,
        "PATH": f"{own}:{kept['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CI": "false",
        # A stranger has none of our plug-ins, and they take longer than the tests.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def followed(place: Path) -> Iterator[Done]:
    """Do what each block says; after each script, what it printed."""
    exported = ""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for at, (language, text) in enumerate(blocks):
        if language == "sh":
            result = subprocess.run(
                ["bash", "-euc", exported + text],
                cwd=place,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert result.returncode == 0, f"{text}\n{result.stdout}\n{result.stderr}"
            exported += "".join(f"{line}\n" for line in text.splitlines() if "export" in line)
            if blocks[at + 1 : at + 2] and blocks[at + 1][0] == "output":
                assert result.stdout == blocks[at + 1][1]
            yield Done(text, result.stdout)
        elif language in {"python", "json", "yaml"}:
            named = FILE.match(text)
            assert named, f"no file is named above: {text[:60]}"
            # Nobody writes the name of a file into JSON, so it is not part of any.
            (place / named[1]).write_text(text[named.end() :], encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> list[Done]:
    return list(followed(tmp_path_factory.mktemp("author")))


def printed(done: list[Done], command: str) -> str:
    return "".join(each.output for each in done if command in each.script)


def test_the_contract_is_green_before_and_after_the_own_idea(done: list[Done]) -> None:
    assert len(re.findall(r"\d+ passed", printed(done, "pytest"))) == 2


def test_the_policy_is_listed_with_its_summary(done: list[Done]) -> None:
    line = "night_shift   Keep replicas for a queue, and let them go when it has been empty"
    assert line in printed(done, "policy list")


def test_the_policy_is_shown_with_its_options(done: list[Done]) -> None:
    assert "quiet: number, duration, default 10m, >= 1m" in printed(done, "policy show")


def test_the_decision_is_explained_with_the_policys_own_reason(done: list[Done]) -> None:
    story = printed(done, "--story")
    assert "floor 2 -> 5 by night_shift: 410 jobs wait, which is worth 5 replicas" in story


def test_no_other_file_is_touched(
    done: list[Done], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = next(tmp_path_factory.getbasetemp().glob("author*"))
    files = {
        str(path.relative_to(place))
        for path in place.rglob("*")
        if path.is_file() and not {"__pycache__", ".hypothesis", ".pytest_cache"} & {*path.parts}
    }
    assert done
    assert files == {
        "config.yaml",
        "seen.json",
        "policies-local/night_shift.py",
        "policies-local/tests/test_night_shift.py",
    }
