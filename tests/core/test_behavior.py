from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.behavior import (
    Event,
    Limit,
    Limited,
    Rate,
    Rules,
    default_limited,
    limited,
    lower_limit,
    raise_limit,
    stabilised,
)

counts = st.integers(0, 500)
rates = st.builds(
    Rate, st.sampled_from(("Pods", "Percent")), st.integers(1, 300), st.floats(1, 1800)
)
rules = st.builds(
    Rules,
    select_policy=st.sampled_from(("Max", "Min", "Disabled")),
    policies=st.lists(rates, max_size=3).map(tuple),
)
events = st.lists(st.builds(Event, st.integers(-50, 50), st.floats(0, 2000)), max_size=5)


@given(counts, counts, rules, rules, events)
def test_a_limit_never_turns_a_change_round(
    current: int, desired: int, up: Rules, down: Rules, past: list[Event]
) -> None:
    found = limited(current, desired, 0, 10_000, up, down, past).replicas
    assert min(current, desired) <= found <= max(current, desired)


@given(counts, counts, st.lists(counts), st.lists(counts))
def test_the_windows_never_turn_a_change_round(
    current: int, desired: int, ups: list[int], downs: list[int]
) -> None:
    found = stabilised(current, desired, ups, downs)
    assert min(current, desired) <= found <= max(current, desired)


@given(counts, counts, st.integers(0, 100), st.integers(100, 400), rules, rules, events)
def test_the_range_always_holds_for_a_move(
    current: int, desired: int, low: int, high: int, up: Rules, down: Rules, past: list[Event]
) -> None:
    found = limited(current, desired, low, high, up, down, past)
    if desired > current:
        assert found.replicas <= high
    elif desired < current:
        assert found.replicas >= low


@given(counts, rules, events)
def test_the_rates_leave_room_on_their_own_side(
    current: int, one: Rules, past: list[Event]
) -> None:
    assert raise_limit(current, one, past) >= current
    assert lower_limit(current, one, past) <= current


def test_percentages_are_exact_where_floats_are_not() -> None:
    assert Rate("Percent", 10, 60).highest(10) == 11
    assert Rate("Percent", 90, 60).lowest(10) == 1
    assert Rate("Percent", 1000, 60).lowest(10) == 0


def test_disabled_means_no_move_at_all() -> None:
    off = Rules(select_policy="Disabled")
    assert limited(5, 9, 0, 20, off, off, []) == Limited(5, Limit.RAISE_RATE)
    assert limited(5, 1, 0, 20, off, off, []) == Limited(5, Limit.LOWER_RATE)


def test_rules_left_out_are_the_defaults_of_the_hpa() -> None:
    assert raise_limit(2, Rules(), []) == 6
    assert raise_limit(10, Rules(), []) == 20
    assert lower_limit(10, Rules(), []) == 0


def test_no_change_is_within_any_range() -> None:
    assert limited(5, 5, 6, 9, Rules(), Rules(), []) == Limited(5, Limit.WITHIN)


def test_the_old_rule_keeps_the_range_on_both_sides() -> None:
    assert default_limited(5, 1, 2, 9) == Limited(2, Limit.TOO_FEW)
    assert default_limited(5, 99, 2, 9) == Limited(9, Limit.TOO_MANY)
    assert default_limited(1, 99, 0, 9) == Limited(4, Limit.RAISE_RATE)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Rate("Pods", 0, 15), "value must be greater than 0, got 0"),
        (lambda: Rate("Pods", 1, 1801), "period_s must be at most 1800, got 1801"),
        (lambda: Rules(3601), "stabilization_window_s must be at most 3600, got 3601"),
        (lambda: Rules(select_policy="All"), "select_policy must be one of Max, Min, Disabled"),
    ],
)
def test_rules_outside_their_range_are_refused(build: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()  # type: ignore[operator]  # lambdas, to be called in here
