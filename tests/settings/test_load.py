"""Loading: the shape, its defaults, its freezing, and that bytes never crash it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autoscaler.plugins import check
from autoscaler.settings import ConfigError, Settings, load
from tests.fakes.configuration import ENVIRON, text_of, written

EXAMPLE = Path(__file__).parents[2] / "config" / "example.yaml"


def loaded(folder: Path, **sections: str) -> Settings:
    return load(written(folder, text_of(**sections)), ENVIRON)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    settings_ = loaded(tmp_path)
    assert settings_.platform.timeouts.read == 10.0
    assert settings_.platform.timeouts.write == 4.0
    assert settings_.platform.resync == 300.0
    assert settings_.journal.url == "sqlite:///autoscaler.db"
    assert settings_.journal.keep == 30 * 86_400
    assert (settings_.web.host, settings_.web.port) == ("127.0.0.1", 9464)
    assert settings_.groups["online"].interval == 15.0


def test_the_defaults_are_those_of_the_example(tmp_path: Path) -> None:
    example = load(EXAMPLE, {"AUTOSCALER_PLATFORM__AUTH__CLIENT_SECRET": "x"})
    plain = loaded(tmp_path)
    assert plain.platform.pacing == example.platform.pacing
    assert plain.platform.timeouts == example.platform.timeouts
    assert plain.platform.preview == example.platform.preview
    assert plain.platform.auth.scopes == example.platform.auth.scopes
    assert (plain.journal, plain.web, plain.log, plain.plugins) == (
        example.journal,
        example.web,
        example.log,
        example.plugins,
    )


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings_ = loaded(tmp_path)
    with pytest.raises(ValidationError):
        settings_.web = settings_.web  # type: ignore[misc]  # the point of the test
    with pytest.raises(ValidationError):
        settings_.platform.url = "https://other.example"


def test_null_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    settings_ = loaded(tmp_path, web="web: {listen: null}\n", log="log:\n")
    assert settings_.web.listen == "127.0.0.1:9464"
    assert settings_.log.level == "info"


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example",
        "https://acme.example:8443",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:80",
    ],
)
def test_the_platform_is_spoken_to_safely(tmp_path: Path, url: str) -> None:
    assert loaded(tmp_path, platform=f"platform: {{url: '{url}/'}}\n").platform.url == url


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::]:9464", "0.0.0.0:80", "localhost:65535"])
def test_a_listen_address_is_host_and_port(tmp_path: Path, listen: str) -> None:
    web = loaded(tmp_path, web=f"web: {{listen: '{listen}'}}\n").web
    assert f"{web.host}:{web.port}" == listen.replace("[", "").replace("]", "")


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "absent.yaml", {})
    assert (
        str(caught.value)
        == f"{tmp_path / 'absent.yaml'}: the file cannot be read: No such file or directory"
    )


def test_bytes_that_are_no_text_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.rule) == (2, 4, "the file must be UTF-8 text")


def test_a_byte_order_mark_is_welcome(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text_of(), encoding="utf-8-sig")
    assert load(path, ENVIRON).platform.url == "https://acme.example"


def test_many_problems_are_listed_up_to_fifty_and_counted(tmp_path: Path) -> None:
    text = text_of(web="web:\n" + "".join(f"  x{i}: 1\n" for i in range(70)))
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), ENVIRON)
    assert len(caught.value.problems) == 70
    assert str(caught.value).endswith("... and 20 more")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_do_worse_than_a_configuration_error(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError):
        check(path, {})


values = st.recursive(
    st.sampled_from(
        [
            "5",
            "-1",
            "x",
            "true",
            "null",
            "1.5",
            "30s",
            "''",
            "'{'",
            "[]",
            "{}",
            "1e9",
            "prom",
            "target_load",
            "apply",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]")
        | st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "target",
                    "window",
                    "low",
                    "high",
                    "source",
                    "query",
                    "load",
                    "step",
                    "rid",
                    "min_replicas",
                    "deployments",
                    "x",
                    "enabled",
                    "when",
                    "dials",
                    "auth",
                    "url",
                    "discover",
                    "signals",
                    "policies",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        ).map(lambda v: "{" + ", ".join(f"{k}: {w}" for k, w in v.items()) + "}")
    ),
    max_leaves=12,
)
KEYS = ["platform", "sources", "defaults", "groups", "journal", "web", "log", "plugins"]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=200,
    deadline=None,
)
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=6))
def test_no_shape_of_data_does_worse_than_a_configuration_error(
    tmp_path: Path, data: dict[str, str]
) -> None:
    sections = {key: f"{key}: {value}\n" for key, value in data.items() if key != "plugins"}
    with suppress(ConfigError):
        check(written(tmp_path, text_of(**sections)), ENVIRON)
