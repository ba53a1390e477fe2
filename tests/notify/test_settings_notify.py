"""The section `notify`: what it refuses, and that nothing of a secret is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from autoscaler.notify.news import Topic
from autoscaler.settings import ConfigError, load
from autoscaler.settings.notify import TopicName
from autoscaler.wiring.build import loaded_secrets
from autoscaler.wiring.notices import sinks_of
from tests.fakes.configuration import CANARY, ENVIRON, text_of, written
from tests.fakes.receiver import WEBHOOK_SECRET


def notify(**options: object) -> str:
    return f"notify:\n  oncall: {options!r}\n".replace("'", '"')


def secret_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def problem(folder: Path, **options: object) -> str:
    with pytest.raises(ConfigError) as caught:
        sinks_of(load(written(folder, text_of(notify=notify(**options))), ENVIRON))
    return str(caught.value)


def test_every_topic_but_the_test_can_be_asked_for() -> None:
    assert set(get_args(TopicName)) == {topic.value for topic in Topic} - {"test"}


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({}, "must name either url or url_file"),
        ({"url": "ftp://x"}, "must be http(s)://host/path"),
        ({"url": "https://me:hunter2@x"}, "a secret must not be written in this file"),
        ({"url": "http://x", "token_file": "/nowhere"}, "https:// when a token_file is given"),
        ({"url": "https://x", "format": "smoke"}, "cloudevents"),
        ({"url": "https://x", "kinds": ["smoke"]}, "kinds"),
        ({"url": "https://x", "severity": "loud"}, "severity"),
        ({"url": "https://x", "interval": 0}, "interval"),
        ({"url": "https://x", "smoke": 1}, "smoke"),
    ],
)
def test_a_sink_that_makes_no_sense_is_refused(
    options: dict[str, object], rule: str, tmp_path: Path
) -> None:
    found = problem(tmp_path, **options)
    assert "notify.oncall" in found
    assert rule in found
    assert "hunter2" not in found


def test_a_secret_of_another_shape_is_refused_at_its_place_and_not_repeated(
    tmp_path: Path,
) -> None:
    found = problem(tmp_path, url="https://x", secret_file=secret_file(tmp_path, CANARY))
    assert "notify.oncall.secret_file" in found
    assert "whsec_ and the base64 of 24..64 random bytes" in found
    assert CANARY not in found


def test_a_secret_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    file = secret_file(tmp_path, WEBHOOK_SECRET, 0o644)
    assert "must not be readable by everybody" in problem(
        tmp_path, url="https://x", secret_file=file
    )


def test_a_url_in_a_file_has_to_be_one(tmp_path: Path) -> None:
    file = secret_file(tmp_path, CANARY)
    found = problem(tmp_path, url_file=file)
    assert "the file must hold http(s)://host/path" in found
    assert CANARY not in found


def test_what_the_files_hold_is_hidden_by_value(tmp_path: Path) -> None:
    file = secret_file(tmp_path, WEBHOOK_SECRET)
    text = text_of(notify=notify(url="https://x", secret_file=file))
    assert WEBHOOK_SECRET in loaded_secrets(load(written(tmp_path, text), ENVIRON))
