"""What commands make of the journal's address, and of budgets that are too small."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import make_url

from autoscaler.settings import Settings, load
from autoscaler.wiring.store import journal_url
from autoscaler.wiring.validate import validate
from tests.fakes.configuration import ENVIRON, text_of, written

POSTGRES = "journal: {url: 'postgresql://scaler@db.example/autoscaler'}\n"


def settings(folder: Path, **sections: str) -> Settings:
    return load(written(folder, text_of(**sections)), ENVIRON)


def with_password(one: Settings, password: str) -> Settings:
    journal = one.journal.model_copy(update={"password": SecretStr(password)})
    return one.model_copy(update={"journal": journal})


def test_a_file_needs_no_password(tmp_path: Path) -> None:
    one = settings(tmp_path, journal="journal: {url: 'sqlite:///here.db'}\n")
    assert journal_url(one).endswith("here.db")


@given(password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_every_password_survives_the_address(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    one = settings(tmp_path_factory.mktemp("site"), journal=POSTGRES)
    url = make_url(journal_url(with_password(one, password)))
    assert (url.username, url.password, url.host) == ("scaler", password, "db.example")
    assert url.database == "autoscaler"


def test_a_budget_that_cannot_keep_the_readings_fresh_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    slow = (
        "platform: {url: 'https://acme.example', resync: 10s, pacing: {requests_per_second: 0.1}}\n"
    )
    told = validate(written(tmp_path, text_of(platform=slow)))
    assert "warning: re-reading 1 deployments every 10 s needs 0.1 requests/s" in told
