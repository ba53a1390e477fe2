"""The HPA's limiter, held against the answers of Kubernetes, one test per recorded case.

Differences on purpose, none of which changes an answer: upstream keeps outdated wishes and events
in memory and reuses one outdated slot per call; here age alone decides, so what is compared of
its logs is their living part, and how many dead entries upstream drags along. Cases without
rules ask nothing of the log.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.behavior import (
    LOWER_RATES,
    RAISE_RATES,
    Event,
    Limited,
    Rate,
    Rules,
    Wish,
    change_within,
    default_limited,
    default_stabilised,
    limited,
    lower_limit,
    raise_limit,
    stabilised,
    wanted_within,
)

HPA = json.loads((Path(__file__).parents[1] / "vectors" / "hpa.json").read_text("utf-8"))


def cases(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", HPA[group], ids=lambda c: f"{c['id']}: {c['name']}")


def rules(given: dict[str, Any]) -> Rules:
    rates = tuple(Rate(r["type"], r["value"], r["periodSeconds"]) for r in given["policies"])
    return Rules(select_policy=given["selectPolicy"], policies=rates)


def events(case: dict[str, Any]) -> list[Event]:
    ups = [Event(change, age) for change, age in case["scale_up_events"]]
    return [*ups, *(Event(-change, age) for change, age in case["scale_down_events"])]


def wishes(case: dict[str, Any]) -> list[Wish]:
    return [Wish(replicas, age) for replicas, age in case["recommendations"]]


@cases("convert_with_rules")
def test_without_behavior_a_raise_is_bounded_the_same(case: dict[str, Any]) -> None:
    found = default_limited(
        case["current_replicas"],
        case["desired_replicas"],
        case["min_replicas"],
        case["max_replicas"],
        case["scale_up_limit_factor"],
        case["scale_up_limit_minimum"],
    )
    assert (found.replicas, found.by.value) == (
        case["expected_replicas"],
        case["expected_condition"],
    )


@cases("stabilize_default")
def test_without_behavior_the_window_is_the_same(case: dict[str, Any]) -> None:
    log, window = wishes(case), case["window_s"]
    assert default_stabilised(case["desired_replicas"], log, window) == case["expected_replicas"]
    living = sum(wish.age_s <= window for wish in log)
    dead = len(log) - living
    assert living + 1 + max(0, dead - 1) == case["expected_log_length"]


@cases("stabilize_behavior")
def test_both_windows_are_the_same(case: dict[str, Any]) -> None:
    log, up, down = wishes(case), case["up_window_s"], case["down_window_s"]
    desired = case["desired_replicas"]
    found = stabilised(
        case["current_replicas"], desired, wanted_within(log, up), wanted_within(log, down)
    )
    assert found == case["expected_replicas"]
    if case["expected_log_after"] is not None:
        living = [*wanted_within(log, max(up, down)), desired]
        rest = list(case["expected_log_after"])
        for replicas in living:
            rest.remove(replicas)
        dead = [wish.replicas for wish in log if wish.age_s >= max(up, down)]
        assert len(rest) == max(0, len(dead) - 1)
        assert set(rest) <= set(dead)


@cases("behavior_limit")
def test_the_rates_allow_the_same(case: dict[str, Any]) -> None:
    limit = raise_limit if case["direction"] == "up" else lower_limit
    found = limit(case["current_replicas"], rules(case["rules"]), events(case))
    assert found == case["expected_limit"]


@cases("behavior_rate")
def test_a_change_is_limited_the_same(case: dict[str, Any]) -> None:
    found = limited(
        case["current_replicas"],
        case["desired_replicas"],
        case["min_replicas"],
        case["max_replicas"],
        rules(case["scale_up_rules"]),
        rules(case["scale_down_rules"]),
        events(case),
    )
    assert isinstance(found, Limited)
    assert (found.replicas, found.by.value) == (
        case["expected_replicas"],
        case["expected_condition"],
    )


@cases("store_scale_events")
def test_the_same_events_count(case: dict[str, Any]) -> None:
    before = [Event(change, age) for change, age, _ in case["events_before"]]
    counted = change_within(before, case["query_period_s"])
    assert counted == case["expected_change_in_period_before"]
    if case["rules"] is None:
        return
    longest = max(rate.period_s for rate in rules(case["rules"]).policies)
    living = [e.change for e in before if e.age_s < longest]
    kept = [change for change, outdated in case["expected_events_after"] if not outdated]
    assert sorted(kept) == sorted([*living, case["replica_change"]])


def test_the_defaults_are_those_of_kubernetes() -> None:
    defaults = HPA["defaults"]
    assert rules(defaults["behavior_default_scale_up"]).policies == RAISE_RATES
    assert rules(defaults["behavior_default_scale_down"]).policies == LOWER_RATES
    found = default_limited(
        10,
        1000,
        0,
        2000,
        defaults["legacy_scale_up_limit_factor"],
        int(defaults["legacy_scale_up_limit_minimum"]),
    )
    assert found == default_limited(10, 1000, 0, 2000)
