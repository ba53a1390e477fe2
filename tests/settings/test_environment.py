"""The environment over the file: names, case, types, and who is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.settings import ConfigError, load
from autoscaler.settings.environment import overlay
from tests.fakes.configuration import ENVIRON, text_of, written


def test_a_variable_beats_the_file(tmp_path: Path) -> None:
    environ = {**ENVIRON, "AUTOSCALER_PLATFORM__URL": "https://other.example"}
    settings = load(written(tmp_path, text_of()), environ)
    assert settings.platform.url == "https://other.example"


def test_a_variable_makes_maps_on_its_way(tmp_path: Path) -> None:
    environ = {
        **ENVIRON,
        "AUTOSCALER_PLATFORM__PACING__BREAKER__OPEN_FOR": "2m",
        "AUTOSCALER_PLATFORM__PACING__BURST": "7",
    }
    settings = load(written(tmp_path, text_of()), environ)
    assert settings.platform.pacing.breaker.open_for == 120.0
    assert settings.platform.pacing.burst == 7


def test_digits_stay_text_where_text_is_wanted(tmp_path: Path) -> None:
    environ = {
        "AUTOSCALER_PLATFORM__AUTH__CLIENT_ID": "1234e567",
        "AUTOSCALER_PLATFORM__AUTH__CLIENT_SECRET": "007",
    }
    auth = load(written(tmp_path, text_of()), environ).platform.auth
    assert auth.client_id == "1234e567"
    assert auth.current().get_secret_value() == "007"


def test_a_list_and_a_truth_value_are_read_as_yaml(tmp_path: Path) -> None:
    environ = {
        **ENVIRON,
        "AUTOSCALER_PLATFORM__AUTH__SCOPES": "[a, b]",
        "AUTOSCALER_PLATFORM__PREVIEW": "false",
    }
    platform = load(written(tmp_path, text_of()), environ).platform
    assert platform.auth.scopes == ("a", "b")
    assert platform.preview is False


def test_a_name_finds_the_spelling_of_the_file() -> None:
    data: dict[str, object] = {"groups": {"my-Group": {"interval": 5}}}
    laid = overlay(data, {"AUTOSCALER_GROUPS__MY_GROUP__INTERVAL": "30s"})
    assert laid.data == {"groups": {"my-Group": {"interval": "30s"}}}
    assert data == {"groups": {"my-Group": {"interval": 5}}}


def test_what_a_cluster_puts_there_is_not_ours() -> None:
    environ = {
        "AUTOSCALER_PORT": "tcp://10.0.0.1:80",
        "AUTOSCALER_SERVICE_HOST": "10.0.0.1",
        "AUTOSCALER_PORT_80_TCP": "x",
        "PATH": "/bin",
    }
    assert overlay({}, environ).data == {}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "AUTOSCALER_PLATFORM__PACING__BURST",
            "0",
            "platform.pacing.burst: must be at least 1, got '0'",
        ),
        (
            "AUTOSCALER_PLATFORM__PACING__BURST",
            "many",
            "platform.pacing.burst: must be a whole number, got 'many'",
        ),
        (
            "AUTOSCALER_PLATFORM__PACIN__BURST",
            "1",
            "platform.pacin: unknown option (did you mean 'pacing'?)",
        ),
        ("AUTOSCALER_PLATFRM__URL", "x", "platfrm: unknown option (did you mean 'platform'?)"),
        ("AUTOSCALER_PLATFORM____URL", "x", "must read AUTOSCALER_SECTION__OPTION"),
        (
            "AUTOSCALER_PLUGINS__DIRECTORIES__0",
            "x",
            "one item of a list cannot be set: set the list",
        ),
    ],
)
def test_a_bad_variable_is_named_instead_of_a_line(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    path = written(tmp_path, text_of(plugins="plugins: {directories: []}\n"))
    with pytest.raises(ConfigError) as caught:
        load(path, {**ENVIRON, name: value})
    (problem,) = caught.value.problems
    assert str(problem) == f"${name}: {message}"
    assert (problem.file, problem.line, problem.column) == (f"${name}", 0, 0)


@given(
    st.dictionaries(
        st.from_regex(r"AUTOSCALER_[A-Z_0-9]{0,30}", fullmatch=True),
        st.text(max_size=20),
        max_size=6,
    )
)
def test_no_environment_crashes_the_overlay(environ: dict[str, str]) -> None:
    overlay({"platform": {"url": "x"}, "plugins": {"directories": [1]}}, environ)
