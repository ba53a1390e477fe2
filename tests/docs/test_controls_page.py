"""Every command of `docs/controls.md` does what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.core.observation import Control
from autoscaler.telemetry.catalogue import BY_NAME
from tests.fakes.configuration import ENVIRON, text_of, written

PAGE = (Path(__file__).parents[2] / "docs" / "controls.md").read_text(encoding="utf-8")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What no two runs have in common: moments, ids, hashes, and the width of a column of them.
PASSING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[0-9a-f]{12}-[0-9a-f]{6}|[0-9a-f]{64}")


def shown() -> list[tuple[str, str]]:
    """Each command with what the page says that it prints, in order."""
    found = []
    for block in CONSOLE.findall(PAGE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def test_the_commands_print_what_the_page_shows(tmp_path: Path) -> None:
    journal = f"journal: {{url: 'sqlite:///{tmp_path / 'journal.db'}'}}\n"
    config = written(tmp_path, text_of(journal=journal))
    runner = CliRunner(env={**ENVIRON, "USER": "ada", "AUTOSCALER_CONFIG": str(config)})
    commands = shown()
    assert len(commands) >= 12
    for command, output in commands:
        program, *arguments = shlex.split(command)
        assert program == "autoscaler"
        told = runner.invoke(app, arguments)
        assert told.exit_code == 0, f"{command}: {told.output}"
        if "verify" in command:
            assert told.output.startswith("the chain holds: ")
            continue
        assert PASSING.sub("?", told.output) == PASSING.sub("?", output), command


def test_the_page_names_every_control_and_real_metrics() -> None:
    for control in Control:
        assert f"**{control.value}**" in PAGE
    for name in re.findall(r"`foundry_autoscaler_(\w+)`", PAGE):
        assert name in BY_NAME or name.removeprefix("deployment_") in {
            known.removeprefix("deployment_") for known in BY_NAME
        }
