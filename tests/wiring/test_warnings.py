"""What `check` doubts about a configuration that is valid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoscaler.wiring.validate import validate
from tests.fakes.configuration import ENVIRON, RID, text_of, written

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()

SIGNALS = """\
defaults:
  signals:
    running_jobs: {{source: prom, query: up, window: {window}}}
    service_latency: {{source: prom, query: up, window: 1h}}
  policies:
"""
SHORT_OF = (
    "chat: {name} looks at {needed} s of running_jobs, but signals.running_jobs.window keeps "
    "{kept} s: make it at least {needed}s"
)
SLO = "{kind: latency_slo, signal: running_jobs, service: service_latency"


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


def warned(folder: Path, policies: str, window: str = "10m", **sections: str) -> list[str]:
    """The warnings about these policies; the first line is the summary."""
    lines = "".join(f"    {line}\n" for line in policies.splitlines())
    text = text_of(defaults=SIGNALS.format(window=window) + lines, **sections)
    summary, *rest = validate(written(folder, text), MONDAY).splitlines()
    assert " is valid: 1 group(s)" in summary
    assert all(line.startswith("warning: ") for line in rest)
    return [line.removeprefix("warning: ") for line in rest]


def test_nothing_is_said_about_windows_that_suffice(tmp_path: Path) -> None:
    assert warned(tmp_path, "load: {kind: target_load, window: 10m}") == []
    tuner = "tuner: {kind: thread_tuner, latency: service_latency}"
    assert warned(tmp_path, tuner, window="1h") == []


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        ("{kind: target_load, window: 15m}", 900),
        ("{kind: target_load, window: 15m, lower_after: 10m}", 1560),
        ("{kind: target_load, window: 15m, aggregate: last, lower_after: 11m}", 720),
        ("{kind: target_load, zero_after: 20m}", 1320),
        ("{kind: step, above: [[0, null, 1]], window: 12m}", 720),
        ("{kind: concurrency, stable_window: 5m, scale_down_delay: 10m}", 960),
        (f"{SLO}, window: 11m}}", 660),
        (f"{SLO}, observed: service_latency, observed_window: 20m}}", 1200),
        ("{kind: thread_tuner}", 3600),
        ("{kind: thread_tuner, errors: running_jobs, calm: 15m}", 900),
        ("{kind: idle, opt_in: true, wakes_by: platform, after: 30m, gap: 2m}", 1920),
        ("{kind: formula, min_replicas: 'avg(running_jobs, \"20m\")'}", 1200),
        ("{kind: formula, min_replicas: 'running_jobs'}", None),
    ],
)
def test_a_window_that_is_too_short_for_a_policy_is_told(
    tmp_path: Path, policy: str, needed: int | None
) -> None:
    told = SHORT_OF.format(name="policy one", needed=needed, kept=600)
    assert warned(tmp_path, f"one: {policy}") == ([] if needed is None else [told])


def test_a_window_that_is_too_short_for_a_condition_is_told(tmp_path: Path) -> None:
    when = (
        "when: {all: ['avg(running_jobs, \"15m\") > 3', {not: 'max(running_jobs, \"20m\") > 9'}]}"
    )
    told = SHORT_OF.format(name="`when` of policy one", needed=1200, kept=600)
    assert warned(tmp_path, f"one: {{kind: target_load, {when}}}") == [told]
    calendar = "when: {calendar: {days: Mon-Fri}}"
    assert warned(tmp_path, f"one: {{kind: target_load, {calendar}}}") == []


def test_a_window_that_is_too_short_for_a_guard_is_told(tmp_path: Path) -> None:
    guards = f"groups:\n  online:\n    deployments:\n      chat:\n        rid: {RID}\n"
    guards += "        guards: {consolidation: {signal: running_jobs, window: 30m}}\n"
    told = SHORT_OF.format(name="guard consolidation", needed=1800, kept=600)
    assert warned(tmp_path, "one: {kind: target_load}", groups=guards) == [told]


def test_calendars_that_disagree_or_never_open_are_told(tmp_path: Path) -> None:
    policies = """\
office:
  kind: calendar
  windows:
    day: {days: Mon-Fri, time: "08:00-18:00", at_least: {min_replicas: 4}}
    lunch: {days: Mon, time: "12:00-13:00", at_most: {min_replicas: 2}}
    never: {dates: [2020-01-01], at_least: {min_replicas: 9}}"""
    never, clash = warned(tmp_path, policies)
    assert never == "chat: policy office: window never does not open within a year"
    assert clash.startswith("chat: policy office: windows day and lunch overlap from ")
    assert clash.endswith("min_replicas at least 4 and at most 2; the ceiling holds")


def test_one_warning_serves_every_deployment_that_it_is_about(tmp_path: Path) -> None:
    groups = "groups:\n  online:\n    deployments:\n"
    groups += "".join(f"      d{i}: {{rid: {RID}{i}}}\n" for i in range(5))
    (told,) = warned(tmp_path, "one: {kind: target_load, window: 15m}", groups=groups)
    assert told.startswith("d0, d1, d2 and 2 more: policy one looks at 900 s")


def test_deployments_to_discover_are_looked_at_too(tmp_path: Path) -> None:
    model = "ri.models.main.model.f351c142-0e4c-4b12-adc2-6e1539737ae9"
    groups = f"groups:\n  online:\n    discover:\n      - {{model_rid: {model}}}\n"
    (told,) = warned(tmp_path, "one: {kind: target_load, window: 15m}", groups=groups)
    assert told.startswith("{rid}: policy one looks at 900 s of running_jobs")


def test_a_policy_of_others_that_cannot_be_asked_spoils_no_check(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o700)
    (folder / "broken.py").write_text(BROKEN, encoding="utf-8")
    plugins = f"plugins: {{directories: ['{folder}']}}\n"
    assert warned(tmp_path, "one: {kind: broken}", plugins=plugins) == [
        "chat: policy one cannot be asked what it looks at: ZeroDivisionError"
    ]


BROKEN = '''\
from dataclasses import dataclass

from autoscaler.core.proposal import Abstain
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Broken:
    """Has a bug in what it tells of itself."""

    @property
    def needs(self):
        return ()

    @property
    def windows(self):
        return {"running_jobs": 1 / 0}

    def propose(self, seen):
        return Abstain(because(Code.NO_OPINION, "none"))
'''
