"""`autoscaler token new`: the token once, and the line that makes it good."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.settings import load
from autoscaler.wiring.access import access_of
from tests.fakes.configuration import ENVIRON, text_of, written


def test_a_new_token_is_good_with_the_line_that_is_printed_beside_it(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["token", "new", "--name", "alice", "--role", "operator"])
    assert told.exit_code == 0
    secret = told.stdout.strip()
    assert re.fullmatch(r"fas_[A-Za-z0-9_-]{43}", secret)
    assert secret not in told.stderr
    line = told.stderr[told.stderr.index("  tokens:") :]
    assert yaml.safe_load(line)["tokens"][0]["name"] == "alice"
    settings = load(written(tmp_path, text_of(web=f"web:\n{line}")), ENVIRON)
    found = access_of(settings).tokens.person(secret)
    assert found is not None
    assert (found.name, found.role.value) == ("alice", "operator")


def test_a_name_that_the_configuration_would_refuse_is_refused() -> None:
    told = CliRunner().invoke(app, ["token", "new", "--name", "\tx"])
    assert told.exit_code == 2
    assert "--name must begin with a letter or digit" in told.stderr
    assert told.stdout == ""
