"""What every command tells about itself."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from autoscaler.cli import app
from tests.fakes.daemon import autoscaler
from tests.fakes.nursery import INSTALLED

COMMANDS = sorted(
    one.name or one.callback.__name__ for one in app.registered_commands if one.callback
)
SCHEMA = Path(__file__).parents[2] / "config" / "schema.json"


async def test_the_help_lists_every_command_and_every_exit_code(tmp_path: Path) -> None:
    told = await autoscaler("--help", folder=tmp_path)
    assert (told.code, told.err) == (0, "")
    for name in COMMANDS:
        assert f"  {name} " in told.out
    for code in ("0 done", "1 problems", "2 wrong usage", "3 something", "75 another", "78 the"):
        assert code in " ".join(told.out.split())


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_explains_itself(tmp_path: Path, name: str) -> None:
    told = await autoscaler(name, "--help", folder=tmp_path)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Usage: autoscaler")
    assert name in told.out.splitlines()[0]


async def test_no_command_shows_the_help_and_is_wrong_usage(tmp_path: Path) -> None:
    told = await autoscaler(folder=tmp_path)
    assert told.code == 2
    assert "Commands" in told.out + told.err


async def test_the_version_is_the_packages(tmp_path: Path) -> None:
    told = await autoscaler("--version", folder=tmp_path, program=INSTALLED)
    assert told.out == f"autoscaler {metadata.version('foundry-autoscaler')}\n"


async def test_the_schema_is_the_one_in_the_tree(tmp_path: Path) -> None:
    told = await autoscaler("schema", folder=tmp_path)
    assert json.loads(told.out) == json.loads(SCHEMA.read_text(encoding="utf-8"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_can_complete(tmp_path: Path, shell: str) -> None:
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    told = await autoscaler("--show-completion", shell, folder=tmp_path, env=env)
    assert told.code == 0
    assert "AUTOSCALER_COMPLETE" in told.out


async def test_completion_knows_the_commands(tmp_path: Path) -> None:
    env = {"_AUTOSCALER_COMPLETE": "complete_bash", "COMP_WORDS": "autoscaler ", "COMP_CWORD": "1"}
    told = await autoscaler(folder=tmp_path, env=env)
    assert set(COMMANDS) <= set(told.out.split())


@pytest.mark.parametrize(
    "arguments", [("fly",), ("run",), ("check", "--offline", "-c", "x"), ("pause", "chat")]
)
async def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = await autoscaler(*arguments, folder=tmp_path)
    assert (told.code, told.out) == (2, "")
    assert "Usage: autoscaler" in told.err
