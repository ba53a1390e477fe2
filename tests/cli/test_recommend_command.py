"""`autoscaler recommend`: its options and its silence."""

from __future__ import annotations

import importlib.util

import pytest
from typer.testing import CliRunner, Result

from autoscaler.cli import app


def recommend(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["recommend", *arguments])


def told(result: Result) -> str:
    return " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give either --config or --prometheus"),
        (("--prometheus", "http://127.0.0.1:1"), "--prometheus needs --query"),
        (("--prometheus", "http://127.0.0.1:1", "-o", "xml"), "-o must be one of table, json"),
        (
            ("--prometheus", "http://127.0.0.1:1", "--query", "up", "--current", "5"),
            "--current must be MIN..MAX",
        ),
        (
            ("--prometheus", "http://127.0.0.1:1", "--query", "up", "--current", "5..2"),
            "0 <= min <= max",
        ),
        (("--prometheus", "http://127.0.0.1:1", "--query", "sum("), "query"),
    ],
)
def test_wrong_options_are_usage_errors(options: tuple[str, ...], words: str) -> None:
    found = recommend(*options)
    assert found.exit_code == 2
    assert words in told(found)


def test_a_server_that_is_not_there_is_the_reason_of_the_silence() -> None:
    found = recommend("--prometheus", "http://127.0.0.1:1", "--query", "jobs", "--range", "1d")
    assert found.exit_code == 1
    assert "cannot connect" in told(found)


def test_without_numpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = recommend("--prometheus", "http://127.0.0.1:1", "--query", "jobs")
    assert found.exit_code == 1
    assert "foundry-autoscaler[lab]" in told(found)
