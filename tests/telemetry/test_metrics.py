"""What `/metrics` says after decisions, requests and queries."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Learned,
    Missing,
    Mode,
    Override,
)
from autoscaler.core.plan import Plan, Vote
from autoscaler.core.proposal import Abstain
from autoscaler.core.reason import Code, because
from autoscaler.telemetry.catalogue import DAEMON, METRICS, NAMED, PREFIX
from autoscaler.telemetry.exposition import deployments
from autoscaler.telemetry.fleet import Fleet
from autoscaler.telemetry.metrics import Detail, Metrics, wants_openmetrics
from tests.fakes.telemetry import (
    NOW,
    HandClock,
    decided,
    decisions,
    observed,
    report,
    wanting,
)

# Shrinking a whole fleet of decisions takes minutes and the first example says enough.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
# What Prometheus 2.42 sends.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def metrics(clock: HandClock | None = None, detail: Detail = "full") -> Metrics:
    return Metrics(
        clock or HandClock(),
        version="1.2.3",
        groups=["online"],
        sources=["prom"],
        detail=detail,
    )


def samples(told: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, _ = told.render("")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(body.decode())
        for sample in family.samples
    }


def value(told: Metrics, name: str, **labels: str) -> float | None:
    return samples(told).get((PREFIX + name, frozenset(labels.items())))


def chat(told: Metrics, name: str, **labels: str) -> float | None:
    return value(told, f"deployment_{name}", deployment="chat", **labels)


def test_every_combination_of_closed_labels_exists_at_zero_from_the_start() -> None:
    fresh = samples(metrics())
    for metric in DAEMON:
        if metric.labels and NAMED not in metric.labels.values():
            name = metric.full_name + ("_count" if metric.type == "histogram" else "")
            found = [v for (n, _), v in fresh.items() if n == name]
            expected = math.prod(len(values) for values in metric.labels.values())
            assert found == [0.0] * expected, metric.name
    for outcome in ("success", "empty", "stale", "partial", "error", "timeout"):
        key = PREFIX + "source_queries_total"
        assert fresh[key, frozenset({("source", "prom"), ("outcome", outcome)})] == 0


def test_a_decision_is_counted_by_outcome_and_by_reason() -> None:
    told = metrics()
    told.told(report(decided("a", Kind.HELD, code=Code.PAUSED), decided("b"), decided("c")))
    assert value(told, "decisions_total", outcome="held") == 1
    assert value(told, "decisions_total", outcome="unchanged") == 2
    assert value(told, "decision_reasons_total", reason="paused") == 1
    assert value(told, "deployments", group="online") == 3


def test_envelopes_are_told_as_current_desired_wanted_and_applied() -> None:
    told = metrics()
    told.told(
        report(decided(kind=Kind.APPLIED, votes=(wanting(40, 60),), actual=Envelope(9, 12, 8)))
    )
    assert chat(told, "current_min_replicas") == 9
    assert chat(told, "desired_min_replicas") == 10  # step: 2 + 8
    assert chat(told, "wanted_min_replicas") == 40
    assert chat(told, "applied_max_replicas") == 12
    assert chat(told, "policy_wanted_max_replicas", policy="load") == 60
    assert chat(told, "last_change_timestamp_seconds") == NOW
    assert value(told, "changes_total", dial="min_replicas", direction="up") == 1


def test_applied_is_absent_until_something_was_applied_from_here() -> None:
    told = metrics()
    foreign = Change(NOW - 50, Envelope(1, 1, 1), Envelope(2, 4, 8), foreign=True)
    told.told(report(decided(seen=observed(changes=(foreign,)))))
    assert chat(told, "applied_min_replicas") is None
    assert chat(told, "last_foreign_change_timestamp_seconds") == NOW - 50
    own = Change(NOW - 90, Envelope(1, 1, 1), Envelope(2, 4, 8))
    told.told(report(decided(seen=observed(changes=(own, foreign)))))
    assert chat(told, "applied_min_replicas") == 2
    assert chat(told, "last_change_timestamp_seconds") == NOW - 90


def test_a_brake_and_a_mode_for_a_while_can_be_told_apart() -> None:
    told = metrics()
    brake = Override(Control.BRAKE, "ada", "incident", NOW + 60)
    told.told(report(decided(seen=observed(overrides=(brake,)))))
    assert [chat(told, name) for name in ("paused", "braked", "overridden")] == [0, 1, 0]
    word = Override(Control.MODE, "ada", "trial", NOW + 60, mode=Mode.RECOMMEND)
    told.told(report(decided(seen=observed(overrides=(word,)))))
    assert [chat(told, name) for name in ("paused", "braked", "overridden")] == [0, 0, 1]
    assert chat(told, "override_expiry_timestamp_seconds") == NOW + 60


def test_a_guard_that_shaped_the_plan_is_named_and_a_policy_of_its_name_is_not() -> None:
    told = metrics()
    vote = Vote("limits", wanting(5, 6).answer)
    told.told(report(decided(votes=(vote,))))
    assert chat(told, "limited_by", guard="limits") == 0
    told.told(report(decided(votes=(wanting(40, 60),))))
    assert chat(told, "limited_by", guard="step") == 1
    assert chat(told, "limited_by", guard="cooldown") == 0
    assert value(told, "guard_interventions_total", guard="step") == 1


def test_a_pause_without_an_end_expires_at_infinity() -> None:
    told = metrics()
    words = (Override(Control.PAUSE, "ada", "incident"),)
    told.told(report(decided(seen=observed(overrides=words))))
    assert chat(told, "paused") == 1
    assert chat(told, "overridden") == 0
    assert chat(told, "override_expiry_timestamp_seconds") == math.inf
    told.told(report(decided()))
    assert chat(told, "paused") == 0
    assert chat(told, "override_expiry_timestamp_seconds") is None


def test_mode_and_state_are_one_hot_and_an_unknown_state_is_other() -> None:
    told = metrics()
    told.told(report(decided(mode=Mode.RECOMMEND)))
    assert chat(told, "mode", mode="recommend") == 1
    assert chat(told, "mode", mode="apply") == 0
    assert chat(told, "state", state="active") == 1
    other = observed(health=observed().health.__class__("HIBERNATING", is_ready=False))
    told.told(report(decided(seen=other)))
    assert chat(told, "state", state="other") == 1
    assert chat(told, "ready") == 0


@pytest.mark.fault(10)
def test_a_missing_signal_has_no_value_but_the_time_of_its_last_good_sample() -> None:
    told = metrics()
    gone = Missing(Absence.STALE, since=NOW - 400)
    signals = {**observed().signals, "queue": gone, "never": Missing(Absence.NEVER_READ)}
    told.told(report(decided(seen=observed(signals=signals))))
    assert chat(told, "signal_value", signal="running_jobs") == 12
    assert chat(told, "signal_timestamp_seconds", signal="running_jobs") == NOW - 5
    assert chat(told, "signal_value", signal="queue") is None
    assert chat(told, "signal_timestamp_seconds", signal="queue") == NOW - 400
    assert chat(told, "signal_missing", signal="never") == 1
    assert chat(told, "signal_timestamp_seconds", signal="never") is None
    assert chat(told, "signals_missing") == 2


def test_an_abstention_is_counted_by_its_reason() -> None:
    told = metrics()
    silent = Vote("load", Abstain(because(Code.SIGNAL_MISSING, "no data")))
    told.told(report(decided(votes=(silent,))))
    assert chat(told, "policy_abstains", policy="load") == 1
    assert value(told, "abstentions_total", reason="signal_missing") == 1


def test_a_learnt_thread_ceiling_is_told() -> None:
    told = metrics()
    told.told(report(decided()))
    assert chat(told, "thread_ceiling") is None
    told.told(report(decided(seen=observed(learned=Learned(thread_ceiling=16)))))
    assert chat(told, "thread_ceiling") == 16


def test_going_up_then_down_is_a_change_of_direction() -> None:
    told = metrics()
    for floor, ceiling in ((3, 4), (4, 5), (1, 4), (3, 5)):
        told.told(report(decided(kind=Kind.APPLIED, votes=(wanting(floor, ceiling),))))
    assert chat(told, "direction_changes_total") == 2
    assert chat(told, "decisions_total", outcome="applied") == 4


def test_basic_detail_has_no_signals_or_policies_and_only_the_value_that_holds() -> None:
    told = metrics(detail="basic")
    told.told(report(decided(votes=(wanting(40, 60),))))
    assert chat(told, "signal_value", signal="running_jobs") is None
    assert chat(told, "policy_wanted_min_replicas", policy="load") is None
    assert chat(told, "mode", mode="apply") == 1
    assert chat(told, "mode", mode="observe") is None
    assert chat(told, "limited_by", guard="step") == 1
    assert chat(told, "limited_by", guard="hold") is None
    assert chat(told, "decisions_total", outcome="failed") == 0


def test_auto_detail_turns_basic_above_500_deployments() -> None:
    told = metrics(detail="auto")
    told.told(report(*(decided(f"d{n}") for n in range(500))))
    labels = {"deployment": "d1", "signal": "running_jobs"}
    assert value(told, "deployment_signal_value", **labels) == 12
    told.told(report(*(decided(f"d{n}") for n in range(501))))
    assert value(told, "deployment_signal_value", **labels) is None


def test_series_vanish_when_a_deployment_leaves() -> None:
    told = metrics()
    told.told(report(decided("chat"), decided("rerank")))
    told.keep({"rerank"})
    assert "chat" not in told.render("")[0].decode()
    assert value(told, "deployment_ready", deployment="rerank") == 1


def test_a_deployment_left_out_of_three_reports_has_left_and_of_one_has_not() -> None:
    told = metrics()
    told.told(report(decided("chat"), decided("rerank")))
    told.told(report(decided("rerank")))
    told.told(report(decided("chat"), decided("rerank")))
    for _ in range(2):
        told.told(report(decided("rerank")))
    assert chat(told, "decisions_total", outcome="unchanged") == 2
    told.told(report(decided("x", group="batch"), group="batch"))
    assert chat(told, "ready") == 1
    told.told(report(decided("rerank")))
    assert chat(told, "ready") is None


def test_the_rid_is_only_in_deployment_info() -> None:
    told = metrics()
    told.told(report(decided()))
    lines = [line for line in told.render("")[0].decode().splitlines() if "ri.foundry" in line]
    assert len(lines) == 1
    assert lines[0].startswith("foundry_autoscaler_deployment_info{")


def test_error_text_never_becomes_a_label() -> None:
    told = metrics()
    told.told(report(decided(kind=Kind.FAILED, code=Code.PLATFORM_ERROR, text="canary-text")))
    told.requested("replace", "canary-status", 0.1)
    told.retried("canary-operation", "canary-cause")
    told.queried("canary-source", "error", 0.1)
    told.queried("prom", "canary-outcome", 0.1)
    assert "canary" not in told.render("")[0].decode()
    assert value(told, "platform_requests_total", operation="replace", status="other") == 1
    assert value(told, "platform_retries_total", operation="other", cause="other") == 1
    assert value(told, "source_queries_total", source="prom", outcome="other") == 1


def test_requests_waits_pace_and_breaker_are_told() -> None:
    told = metrics()
    told.requested("get", "200", 0.03)
    told.waited(0.2)
    told.paced(0.5, breaker_open=True)
    told.lagged(0.02)
    assert value(told, "platform_requests_total", operation="get", status="200") == 1
    assert value(told, "platform_request_duration_seconds_count", operation="get") == 1
    assert value(told, "platform_rate_limit_wait_seconds_sum") == pytest.approx(0.2)
    assert value(told, "platform_pace_requests_per_second") == 0.5
    assert value(told, "platform_breaker_open") == 1
    assert value(told, "event_loop_lag_seconds_bucket", le="0.025") == 1


def test_a_source_is_down_after_an_error_and_up_after_an_answer() -> None:
    told = metrics()
    told.queried("prom", "timeout", 3.0)
    assert value(told, "source_up", source="prom") == 0
    told.queried("prom", "empty", 0.1)
    assert value(told, "source_up", source="prom") == 1


@pytest.mark.fault(69)
def test_the_age_of_the_last_evaluation_grows_even_before_the_first_tick() -> None:
    clock = HandClock()
    told = metrics(clock)
    clock.at += 40
    assert value(told, "last_evaluation_age_seconds", group="online") == 40
    assert value(told, "last_evaluation_timestamp_seconds", group="online") == 0
    told.told(report(decided(), at=clock.at))
    clock.at += 7
    assert value(told, "last_evaluation_age_seconds", group="online") == 7
    assert value(told, "last_evaluation_timestamp_seconds", group="online") == NOW + 40


@pytest.mark.fault(55)
def test_a_refused_reload_is_told_and_the_series_of_removed_groups_vanish() -> None:
    told = metrics()
    told.reload_failed()
    assert value(told, "config_last_reload_successful") == 0
    assert value(told, "config_reloads_total", outcome="failure") == 1
    told.reloaded(["batch"], ["gateway"])
    assert value(told, "config_last_reload_successful") == 1
    text = told.render("")[0].decode()
    assert 'group="online"' not in text
    assert 'source="prom"' not in text
    assert value(told, "source_queries_total", source="gateway", outcome="error") == 0


def test_every_series_is_in_the_catalogue() -> None:
    told = metrics()
    told.told(report(decided(votes=(wanting(40, 60),))))
    known = {metric.full_name.removesuffix("_total") for metric in METRICS}
    families = parse_text(told.render("")[0].decode())
    names = {f.name.removesuffix("_total") for f in families}
    ours = {name for name in names if name.startswith(PREFIX)}
    assert ours <= known
    assert all(name.startswith(("process_", "python_")) for name in names - ours)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        (PROMETHEUS, True),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=0,text/plain", False),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", False),
        (";;q=,,=,application/openmetrics-text;q=x", False),
    ],
)
def test_openmetrics_is_served_to_those_who_prefer_it(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted
    _, content_type = metrics().render(accept)
    assert content_type.startswith("application/openmetrics-text" if wanted else "text/plain")


@given(st.text())
def test_any_accept_header_is_understood(accept: str) -> None:
    assert wants_openmetrics(accept) in {True, False}


@settings(
    suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60, phases=PHASES
)
@given(st.lists(decisions(), max_size=4), st.sampled_from(("full", "basic")))
def test_any_decision_renders_and_every_line_parses(told: list[Decision], detail: Detail) -> None:
    board = metrics(detail=detail)
    board.told(report(*told))
    text = board.render("")[0].decode()
    families = list(parse_text(text))
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert sum(len(family.samples) for family in families) == len(lines)
    opened = board.render("application/openmetrics-text")[0].decode()
    assert len(list(parse_openmetrics(opened))) == len(families)  # type: ignore[no-untyped-call]  # untyped there


def test_what_the_platform_never_told_is_absent_and_not_zero() -> None:
    told = metrics()
    seen = observed(envelope_at=0.0)
    blind = Plan(seen.envelope, seen.envelope, seen.envelope).held(
        "reading", because(Code.NO_READING, "not asked yet")
    )
    told.told(report(replace(decided(seen=seen), plan=blind)))
    assert chat(told, "current_min_replicas") is None
    assert chat(told, "desired_threads") is None
    assert chat(told, "ready") is None
    assert chat(told, "last_reading_timestamp_seconds") is None
    assert chat(told, "limited_by", guard="reading") == 1


@pytest.mark.fault(69)
def test_a_missed_run_is_counted() -> None:
    told = metrics()
    told.troubled("tick:online", "missed")
    told.troubled("tick:online", "canary")
    assert value(told, "schedule_troubles_total", trouble="missed") == 1
    assert value(told, "schedule_troubles_total", trouble="other") == 1


def test_other_threads_get_their_turn_between_chunks_of_a_thousand_lines() -> None:
    fleet = Fleet()
    fleet.note(report(*(decided(f"d{n}") for n in range(400))))
    pauses: list[float] = []
    chunks = list(
        deployments(fleet.columns(), full=False, openmetrics=False, breathe=pauses.append)
    )
    assert max(chunk.count(b"\n") for chunk in chunks) <= 1_000
    assert len(pauses) >= sum(chunk.count(b"\n") for chunk in chunks) / 1_000
