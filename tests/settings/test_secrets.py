"""Secrets: by file or environment only, re-read, and never in any text."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.plugins import check
from autoscaler.settings import ConfigError, load, read_secret, watch_files
from tests.fakes.configuration import CANARY, ENVIRON, text_of, written

PLATFORM = "platform:\n  url: https://acme.example\n  auth: {{{auth}}}\n"


def secret_file(folder: Path, text: str = CANARY, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def everything(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


def test_a_secret_file_is_read_anew_each_time(tmp_path: Path) -> None:
    secret_file(tmp_path)
    path = written(tmp_path, text_of(platform=PLATFORM.format(auth="token_file: secret")))
    auth = load(path, {}).platform.auth
    assert auth.current().get_secret_value() == CANARY
    secret_file(tmp_path, "  another\n")
    assert auth.current().get_secret_value() == "another"


def test_the_environment_beats_a_file_which_then_need_not_exist(tmp_path: Path) -> None:
    path = written(tmp_path, text_of(platform=PLATFORM.format(auth="token_file: absent")))
    assert (
        load(path, ENVIRON).platform.auth.current().get_secret_value()
        == "a-token-from-the-environment"
    )


def test_secrets_do_not_show_in_settings(tmp_path: Path) -> None:
    settings = load(written(tmp_path, text_of()), {"AUTOSCALER_PLATFORM__AUTH__TOKEN": CANARY})
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json() + repr(
        settings.model_dump()
    )


@pytest.mark.parametrize(
    ("mode", "text", "rule"),
    [
        (
            0o644,
            CANARY,
            "must not be readable by everybody nor writable by others, its mode is 0644: run chmod 600 {path}",
        ),
        (
            0o620,
            CANARY,
            "must not be readable by everybody nor writable by others, its mode is 0620: run chmod 600 {path}",
        ),
        (
            0o602,
            CANARY,
            "must not be readable by everybody nor writable by others, its mode is 0602: run chmod 600 {path}",
        ),
        (0o600, "", "must hold 1..65536 bytes, it has 0"),
        (0o600, f"{CANARY}\nmore", "must hold one line of text"),
        (0o600, " \n", "must hold one line of text"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(
    tmp_path: Path, mode: int, text: str, rule: str
) -> None:
    path = secret_file(tmp_path, text, mode)
    with pytest.raises(ConfigError) as caught:
        read_secret(str(path))
    assert str(caught.value) == f"{path}: {rule.format(path=path)}"
    assert CANARY not in everything(caught.value)


def test_a_group_may_read_a_secret(tmp_path: Path) -> None:
    assert read_secret(str(secret_file(tmp_path, mode=0o440))).get_secret_value() == CANARY


def test_a_missing_secret_file_has_the_place_of_its_option(tmp_path: Path) -> None:
    path = written(tmp_path, text_of(platform=PLATFORM.format(auth="token_file: absent")))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.field) == (3, 22, "platform.auth.token_file")
    assert problem.rule == "the file cannot be read: No such file or directory"


LITERALS = [
    f"platform:\n  url: https://acme.example\n  auth: {{client_id: me, client_secret: {CANARY}}}\n",
    f"platform:\n  url: https://acme.example\n  auth:\n    token: {CANARY}\n",
    f"platform:\n  url: https://acme.example\n  auth:\n    client_secret: |\n      {CANARY}\n",
    f"platform:\n  url: https://acme.example\n  auth: {{client_id: 5, scopes: 7, client_secrt: {CANARY}}}\n",
    f"platform:\n  url: https://acme.example\n  auth: {{clint_id: {CANARY}}}\n",
    f"platform:\n  url: https://acme.example\n  auth: {CANARY}\n",
    f"platform:\n  url: https://acme.example\n  auth: [{CANARY}]\n",
    f"platform:\n  url: https://acme.example\n  auth:\n    token:\n      value: {CANARY}\n",
    f"platform:\n  url: https://acme.example\n  auth: {{tokn: {CANARY}, scopes: 5}}\n",
    f"platform:\n  url: https://me:{CANARY}@acme.example\n  auth: {{}}\n",
    f"platform:\n  url: https://acme.example\n  auth: {{client_secret: {CANARY}\n",
    f"platform:\n  url: https://acme.example\n  auth:\n    client_secret {CANARY}\n    scopes: 5\n",
    f"x: &a {CANARY}\nplatform:\n  url: https://acme.example\n  auth: {{token: *a}}\n",
    f"journal: {{url: 'postgresql://me:{CANARY}@host/db'}}\n",
    f"journal: {{url: 'postgresql://host/db?password={CANARY}'}}\n",
    f"journal:\n  password: {CANARY}\n  keep: never\n",
    f"journal: {{password: {CANARY}, keep: never}}\n",
    f"sources:\n  prom: {{kind: prometheus, url: 'http://127.0.0.1', headers: {{Authorization: {CANARY}}}}}\n",
    f"sources:\n  prom: {{kind: prometheus, url: 'http://127.0.0.1', headers: {{X-Auth: 'Bearer {CANARY}'}}}}\n",
    f"sources:\n  prom: {{kind: prometheus, url: 'http://127.0.0.1', tokenn: {CANARY}, timeout: x}}\n",
    f"sources:\n  prom: {{kind: prometheus, url: 'http://u:{CANARY}@127.0.0.1'}}\n",
]


@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_secret_is_refused_and_never_echoed(tmp_path: Path, text: str) -> None:
    for whole in (text, text_of(extra=text) if text.startswith("journal") else text):
        with pytest.raises(ConfigError) as caught:
            check(written(tmp_path, whole), {})
        assert CANARY not in everything(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "PLATFORM__AUTH__TOKEN",
        "PLATFORM__AUTH__CLIENT_SECRET",
        "PLATFORM__AUTH__TOKN",
        "JOURNAL__PASSWORD",
        "JOURNAL__PASWORD",
        "SOURCES__PROM__TOKEN",
        "SOURCES__PROM__BEARER",
        "PLATFORM__AUTH__SECRET__X",
        "PLATFORM__AUTH",
    ],
)
def test_a_secret_in_the_environment_is_never_echoed(tmp_path: Path, name: str) -> None:
    broken = text_of(platform="platform: {url: 5}\n", log="log: {level: loud}\n")
    with pytest.raises(ConfigError) as caught:
        check(written(tmp_path, broken), {f"AUTOSCALER_{name}": CANARY})
    assert CANARY not in everything(caught.value)


def test_a_literal_secret_names_its_place_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, LITERALS[1]), {})
    first = caught.value.problems[0]
    assert (first.line, first.column, first.field, first.value, first.excerpt) == (
        4,
        12,
        "platform.auth.token",
        "",
        "",
    )
    assert (
        first.rule
        == "a secret must not be written in this file: name a file with `*_file` or use the environment"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    key=st.sampled_from(
        [
            "token",
            "client_secret",
            "password",
            "Client-Secret",
            "TOKEN",
            "api_key",
            "secret",
            "tokens",
            "pasword",
        ]
    ),
    lines=st.lists(
        st.sampled_from(
            ["url: 5", "auth: {", "  x: 1", "}", "- a", "&a", "*a", "pacing: {burst: x}", "'"]
        ),
        max_size=5,
    ),
    at=st.integers(0, 5),
    style=st.sampled_from(
        [
            "{key}: {value}",
            "{{{key}: {value}}}",
            "{key}: '{value}'",
            "{key}: [{value}]",
            "  {key}: {value}, burst: 5",
        ]
    ),
)
def test_no_arrangement_of_a_file_makes_it_talk(
    tmp_path: Path, key: str, lines: list[str], at: int, style: str
) -> None:
    lines.insert(at, style.format(key=key, value=CANARY))
    text = "platform:\n" + "".join(f"  {line}\n" for line in lines)
    with pytest.raises(ConfigError) as caught:
        check(written(tmp_path, text), {})
    assert CANARY not in everything(caught.value)


def test_the_files_to_watch_are_the_configuration_and_what_it_names(tmp_path: Path) -> None:
    secret_file(tmp_path)
    (tmp_path / "ca.pem").write_text("-", encoding="utf-8")
    policies = tmp_path / "mine"
    policies.mkdir()
    (policies / "own.py").write_text("", encoding="utf-8")
    text = text_of(
        platform=PLATFORM.format(auth="token_file: secret") + "  ca_file: ca.pem\n",
        plugins="plugins: {directories: [mine]}\n",
    )
    settings_ = load(written(tmp_path, text), {})
    names = [path.relative_to(tmp_path).as_posix() for path in watch_files(settings_)]
    assert names == ["config.yaml", "secret", "ca.pem", "mine/own.py"]
