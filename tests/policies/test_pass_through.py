"""`pass_through`: another system knows the number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Missing, Observation, Series
from autoscaler.core.proposal import LARGEST_BID, Abstain, Bid, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.pass_through import PassThrough, truncated
from tests.strategies import NOW, SOME, observations, seen

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "nomad.json").read_text("utf-8"))
MINE = [c for c in VECTORS["strategy"] if c["strategy"] in {"pass-through", "fixed-value"}]
ANSWERED = [c for c in MINE if c.get("action")]
SILENT = [c for c in MINE if "action" in c and c["action"] is None]
REFUSED = [c for c in MINE if "error" in c]
DIRECTIONS = [c for c in VECTORS["direction"] if c["strategy"] in {"pass-through", "fixed-value"}]
OURS = {"max_scale_up": "max_raise", "max_scale_down": "max_lower", "value": "value"}


def built(case: dict[str, Any]) -> PassThrough:
    options = {OURS[key]: value for key, value in case["config"].items()}
    if case["strategy"] == "pass-through":
        options["signal"] = "plan"
    return TypeAdapter(PassThrough).validate_python(options)


def look(*values: float, count: int = 4, age: float = 0, **parts: Any) -> Observation:
    times = tuple(NOW - age - 10 * i for i in reversed(range(len(values))))
    signals = {"plan": Series(times, values) if values else Missing(Absence.EMPTY)}
    return seen(envelope=Envelope(count, 100, 10), signals=signals, **parts)


def bid(policy: PassThrough, observation: Observation) -> Bid:
    answer = policy.propose(observation)
    assert isinstance(answer, Proposal), answer
    return answer.bids[policy.dial]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda c: f"{c['strategy']}-{c['name']}")
def test_nomad_answers_the_same(case: dict[str, Any]) -> None:
    action, count = case["action"], case["count"]
    expected = count if action["direction"] == "none" else action["count"]
    assert bid(built(case), look(*case["metrics"], count=count)).want == expected


@pytest.mark.parametrize("case", SILENT, ids=lambda c: f"{c['strategy']}-{c['name']}")
def test_without_a_number_nothing_is_said(case: dict[str, Any]) -> None:
    answer = built(case).propose(look(*case["metrics"], count=case["count"]))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: f"{c['strategy']}-{c['name']}")
def test_options_that_nomad_refuses_are_refused_at_start(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        built(case)


@pytest.mark.parametrize(
    "case", DIRECTIONS, ids=lambda c: f"{c['strategy']}-{c['count']}-to-{c['input']}"
)
def test_nomad_takes_the_same_direction(case: dict[str, Any]) -> None:
    count, number = case["count"], case["input"]
    fixed = case["strategy"] == "fixed-value"
    policy = PassThrough(value=number) if fixed else PassThrough(signal="plan")
    want = bid(policy, look(float(number), count=count)).want
    assert want is not None
    assert {1: "up", -1: "down", 0: "none"}[(want > count) - (want < count)] == case["expect"]


PLAN = PassThrough(signal="plan", max_age_s=120)


def test_the_newest_number_is_carried_over_without_its_fraction() -> None:
    answer = PLAN.propose(look(3, 13.9, age=12))
    assert isinstance(answer, Proposal)
    assert answer.bids == {Dial.MIN_REPLICAS: Bid(want=13)}
    assert answer.reason.code is Code.PASSED_THROUGH
    assert str(answer.reason) == "plan says 13.9 (12 s ago): floor want 13"


def test_a_number_that_is_too_old_is_not_carried_over() -> None:
    answer = PLAN.propose(look(13, age=150))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_STALE
    assert str(answer.reason) == "plan is 150 s old, at most 120 s are allowed"
    assert bid(PLAN, look(13, age=120)).want == 13


def test_a_number_for_later_is_not_carried_over_yet() -> None:
    answer = PLAN.propose(look(13, age=-60))
    assert isinstance(answer, Abstain)
    assert str(answer.reason) == "plan has no value yet"
    both = seen(signals={"plan": Series((NOW - 5, NOW + 60), (7.0, 13.0))})
    assert bid(PLAN, both).want == 7


def test_the_number_is_held_within_its_bounds() -> None:
    policy = PassThrough(signal="plan", low=2, high=8)
    assert bid(policy, look(1)).want == 2
    assert bid(policy, look(13)).want == 8
    assert str(policy.propose(look(13)).reason).endswith("want 8, held within 2..8")


def test_a_negative_number_is_none_and_threads_stay_at_one() -> None:
    assert bid(PLAN, look(-3)).want == 0
    threads = PassThrough(signal="plan", dial=Dial.THREADS)
    assert bid(threads, look(0)).want == 1


def test_a_step_is_capped_in_both_directions_and_says_so() -> None:
    policy = PassThrough(signal="plan", max_raise=3, max_lower=1)
    assert bid(policy, look(13)).want == 7
    assert bid(policy, look(0)).want == 3
    assert str(policy.propose(look(0)).reason).endswith(
        "floor want 3, changed by no more than 1 at once"
    )


def test_a_number_may_only_bound_what_others_want() -> None:
    least = PassThrough(signal="plan", bound="at_least")
    most = PassThrough(signal="plan", bound="at_most", dial=Dial.MAX_REPLICAS)
    assert bid(least, look(6)) == Bid(at_least=6)
    assert bid(most, look(6)) == Bid(at_most=6)
    assert "ceiling at most 6" in str(most.propose(look(6)).reason)


def test_a_fixed_number_reads_no_signal() -> None:
    policy = PassThrough(value=6)
    assert policy.needs == ()
    assert str(policy.propose(look()).reason) == "the configuration says 6: floor want 6"
    assert PLAN.needs == ("plan",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either signal or value must be given, and not both"),
        ({"signal": "plan", "value": 3}, "either signal or value must be given, and not both"),
        ({"signal": "plan", "low": 9, "high": 3}, "low must be at most high, got 9 and 3"),
        ({"value": -1}, "value must be at least 0, got -1"),
        ({"signal": "plan", "bound": "about"}, "bound must be one of want, at_least, at_most"),
    ],
)
def test_options_that_contradict_are_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PassThrough(**options)


# --- properties ------------------------------------------------------------------------------

policies = st.builds(
    PassThrough,
    signal=st.sampled_from(("running_jobs", "error_share")),
    dial=st.sampled_from(Dial),
    bound=st.sampled_from(("want", "at_least", "at_most")),
    low=st.integers(0, 5),
    high=st.integers(5, LARGEST_BID),
    max_age_s=st.floats(1, 1000),
    max_raise=st.none() | st.integers(1, 10**9),
    max_lower=st.none() | st.integers(1, 10**9),
)


@settings(max_examples=SOME)
@given(policies | st.builds(PassThrough, value=st.integers(0, LARGEST_BID)), observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: PassThrough, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 5), st.integers(5, 50))
def test_a_truncated_number_is_whole_and_within_its_bounds(
    number: float, low: int, high: int
) -> None:
    assert low <= truncated(number, low, high) <= high


@given(st.floats(-100, 1e5), st.floats(0, 1e5))
def test_a_higher_number_never_asks_for_fewer(number: float, more: float) -> None:
    less, same = bid(PLAN, look(number)).want, bid(PLAN, look(number + more)).want
    assert less is not None
    assert same is not None
    assert same >= less
