"""Conditions: the `when:` of a policy entry, as expression, as calendar, and together."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.observation import Absence, Missing, Observation, Series
from autoscaler.core.proposal import Abstain, Bid, Policy, PolicyEntry, Proposal
from autoscaler.core.reason import Code
from autoscaler.plugins.when import build_condition
from policies._conditions import DEEPEST, condition
from policies.calendar import Calendar, Entry, Numbers
from tests.strategies import NOW, SOME, observations, seen

GONE = Missing(Absence.EMPTY)
SEEN = seen(signals={"jobs": Series((NOW,), (6.0,)), "gone": GONE})
TRUE, FALSE, UNKNOWN = "jobs > 1", "jobs > 100", "gone > 1"
WORDS = {TRUE: True, FALSE: False, UNKNOWN: GONE}


def at(now: str) -> Observation:
    return seen(at=datetime.fromisoformat(now).timestamp())


def holds(value: object, observation: Observation = SEEN) -> bool | Missing:
    return condition(value).holds(observation)


def test_text_is_an_expression() -> None:
    assert holds("jobs > 5") is True
    assert holds({"expression": "jobs > 7"}) is False
    assert holds("gone > 5") == GONE
    assert condition("jobs > 5 and gone > 1").needs == ("jobs", "gone")


def test_a_calendar_holds_while_its_window_is_open() -> None:
    office = {"calendar": {"days": "Mon-Fri", "time": "08:00-18:00", "zone": "Europe/Berlin"}}
    assert holds(office, at("2026-11-23T06:59:59Z")) is False
    assert holds(office, at("2026-11-23T07:00Z")) is True
    assert holds(office, at("2026-11-22T12:00Z")) is False
    assert condition(office).needs == ()


def test_a_calendar_takes_durations_holidays_and_dates_as_a_configuration_writes_them() -> None:
    batch = {"calendar": {"start": "0 22 * * *", "duration": "90m"}}
    assert holds(batch, at("2026-11-23T23:29Z")) is True
    assert holds(batch, at("2026-11-23T23:30Z")) is False
    quiet = {"calendar": {"holidays": ["DE", "12-24"], "on_holidays": "only"}}
    assert holds(quiet, at("2026-12-24T12:00Z")) is True
    assert holds(quiet, at("2026-12-23T12:00Z")) is False
    sale = {"calendar": {"dates": ["2026-11-27..2026-11-30"], "duration_s": None}}
    with pytest.raises(ValueError, match="calendar: duration must be a duration such as"):
        condition(sale)


def test_several_keys_of_a_map_hold_together() -> None:
    both = {"expression": TRUE, "calendar": {"days": "Mon"}}
    assert holds(both, at("2026-11-23T12:00Z")) == Missing(Absence.NEVER_READ)
    assert holds(both, at("2026-11-24T12:00Z")) is False
    assert condition(both).needs == ("jobs",)


@pytest.mark.parametrize(("one", "other"), list(product(WORDS, WORDS)))
def test_what_is_unknown_stays_so_unless_the_rest_decides(one: str, other: str) -> None:
    values = [WORDS[one], WORDS[other]]
    every = False if False in values else GONE if GONE in values else True
    some = True if True in values else GONE if GONE in values else False
    assert holds({"all": [one, other]}) == every
    assert holds({"any": [one, other]}) == some


def test_not_turns_what_is_known_and_leaves_what_is_unknown() -> None:
    assert holds({"not": TRUE}) is False
    assert holds({"not": {"any": [FALSE]}}) is True
    assert holds({"not": UNKNOWN}) == GONE
    assert condition({"not": {"all": [TRUE, UNKNOWN, TRUE]}}).needs == ("jobs", "gone")


def test_a_policy_is_asked_only_while_its_condition_holds() -> None:
    policy: Policy = Calendar({"always": Entry(at_least=Numbers(min_replicas=5))})

    def answer(when: object) -> Proposal | Abstain:
        return PolicyEntry("busy", policy, when=build_condition(when)).ask(SEEN)

    kept, off, unknown = answer(TRUE), answer(FALSE), answer(UNKNOWN)
    assert isinstance(kept, Proposal)
    assert next(iter(kept.bids.values())) == Bid(at_least=5)
    assert isinstance(off, Abstain)
    assert off.reason.code is Code.CONDITION_FALSE
    assert unknown.reason.code is Code.CONDITION_UNKNOWN


WRONG: tuple[tuple[Any, str], ...] = (
    (3, "must be an expression or a map of calendar, expression, all, any, not, got int"),
    ({}, "must be an expression or a map of calendar, expression, all, any, not, got dict"),
    ([TRUE], "must be an expression or a map of"),
    ("jobs", "column 1: a condition is needed, this is a number"),
    ({"calender": {}}, "calender is no kind of condition: did you mean calendar?"),
    ({"xyz": 1}, "xyz is no kind of condition (calendar, expression, all, any, not)"),
    ({"expression": 5}, "expression: must be text"),
    ({"calendar": "Mon-Fri"}, "calendar: must be a map"),
    ({"calendar": {"day": "Mon"}}, "calendar: day is unknown: did you mean days?"),
    ({"calendar": {"days": "Mom"}}, "calendar: days must be weekdays such as"),
    ({"calendar": {"days": 5}}, "calendar: days must be text, got 5"),
    ({"calendar": {"dates": "12-24"}}, "calendar: dates must be a list, got '12-24'"),
    ({"calendar": {"duration": "1x"}}, "calendar: duration must be a duration such as 30s"),
    ({"calendar": {"on_holidays": "skip"}}, "calendar: on_holidays must be as_usual where no"),
    ({"all": []}, "all: must be a list of conditions"),
    ({"any": "jobs > 1"}, "any: must be a list of conditions"),
    (
        {"all": [TRUE, {"any": [{"not": {"calendar": {"zone": "Mars"}}}]}]},
        "all[1]: any[0]: not: calendar: zone must be an IANA time zone",
    ),
    ({"not": "jobs >"}, "not: column 7: it cannot be read"),
)


@pytest.mark.parametrize(("value", "rule"), WRONG, ids=[str(w[0]) for w in WRONG])
def test_a_mistake_is_refused_with_its_place(value: object, rule: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is looked at next
        condition(value)
    assert rule in str(refused.value)


def test_a_condition_cannot_be_nested_for_ever() -> None:
    value: object = TRUE
    for _ in range(DEEPEST + 1):
        value = {"not": value}
    with pytest.raises(ValueError, match="must not be nested deeper than 10 levels"):
        condition(value)


trees = st.recursive(
    st.sampled_from(
        [
            "running_jobs > 10",
            "error_share < 0.5",
            'first_of(max(running_jobs, "5m"), 0) > threads',
            {"calendar": {"days": "Mon-Fri"}},
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


def depth(value: object) -> int:
    if not isinstance(value, dict) or "calendar" in value:
        return 0
    below = next(iter(value.values()))
    return 1 + max(depth(each) for each in (below if isinstance(below, list) else [below]))


@given(trees.filter(lambda value: depth(value) < DEEPEST), observations())
@settings(max_examples=SOME, deadline=None)
def test_every_condition_is_true_false_or_unknown_and_not_turns_it(
    value: object, observation: Observation
) -> None:
    found = holds(value, observation)
    assert isinstance(found, bool | Missing)
    turned = holds({"not": value}, observation)
    assert turned == (found if isinstance(found, Missing) else not found)
    if isinstance(found, Missing):
        assert condition(value).needs
