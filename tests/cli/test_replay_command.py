"""`autoscaler replay` as a command: what it prints and how it ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoscaler.cli import app
from tests.fakes.recording import configured, record

ENVIRON = {"AUTOSCALER_PLATFORM__AUTH__TOKEN": "a-token-from-the-environment"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose journal holds 30 ticks."""
    path = configured(tmp_path, "same")
    asyncio.run(record(path, tmp_path, 30))
    return path


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["replay", *words], env=ENVIRON)
    return result.exit_code, result.stdout, result.stderr


def test_the_same_configuration_ends_with_zero(config: Path) -> None:
    code, out, _ = run("--config", str(config))
    assert code == 0
    assert "retold 0, otherwise 0" in out


def test_another_configuration_ends_with_one_and_says_why(config: Path, tmp_path: Path) -> None:
    other = configured(tmp_path, "other", policy="{kind: target_load, target: 0.3}")
    journal = f"sqlite:///{tmp_path / 'journal.db'}"
    code, out, _ = run("--journal", journal, "--config", str(other), "--show", "1")
    assert code == 1
    assert "first difference, recorded -> now" in out
    assert "decided otherwise, first 1 of" in out


def test_scripts_get_json(config: Path) -> None:
    code, out, _ = run("--config", str(config), "--json", "--deployment", "chat")
    assert code == 0
    assert json.loads(out)["identical"] is True


def test_a_deployment_that_is_not_recorded_is_said(config: Path) -> None:
    code, _, err = run("--config", str(config), "--deployment", "chart", "--since", "9000d")
    assert code == 1
    assert "no decision of a deployment named 'chart' in the last 9000d" in err


def test_a_journal_without_any_managed_deployment_is_no_success(
    config: Path, tmp_path: Path
) -> None:
    other = configured(tmp_path, "other", names=("somebody",))
    code, out, _ = run("--config", str(other))
    assert code == 1
    assert "does not manage: " in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--since", "yesterday"), 2, "--since: must be a duration"),
        (("--journal", "sqlite:////nowhere/at/all.db"), 3, "there is no journal"),
        (("--journal", "mysql://host/x"), 3, "journal.url must be sqlite"),
    ],
)
def test_what_cannot_be_done_is_said(
    config: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ended, _, err = run("--config", str(config), *words)
    assert (ended, said in err) == (code, True)


def test_a_bad_configuration_ends_with_78(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("platform: 7\n", encoding="utf-8")
    assert run("--config", str(path))[0] == 78
