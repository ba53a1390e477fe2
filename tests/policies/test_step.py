"""`step`: thresholds with steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Change, Missing, Observation, Series
from autoscaler.core.proposal import Abstain, Answer, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.step import Band, Step, adjusted
from tests.strategies import NOW, SOME, observations, seen

LADDER = Step(
    threshold=50,
    above=(Band(0, 10, 1), Band(10, None, 4)),
    below=(Band(-20, -10, -1), Band(None, -20, -3)),
)


def look(*values: float, **parts: Any) -> Observation:
    times = tuple(NOW - 15 * i for i in reversed(range(len(values))))
    signals = {"running_jobs": Series(times, values)}
    return seen(envelope=Envelope(8, 20, 10), signals=signals, **parts)


def want(answer: Answer, dial: Dial = Dial.MIN_REPLICAS) -> int | None:
    assert isinstance(answer, Proposal), answer
    return answer.bids[dial].want


@pytest.mark.parametrize(
    ("value", "expected"),
    [(50, 9), (59.9, 9), (60, 12), (1000, 12), (40, 7), (30.1, 7), (30, 5), (0, 5)],
)
def test_the_ends_of_a_step_belong_to_the_side_nearer_the_threshold(
    value: float, expected: int
) -> None:
    assert want(LADDER.propose(look(value))) == expected


def test_a_reached_step_says_what_was_counted_and_done() -> None:
    answer = LADDER.propose(look(63))
    assert answer.reason.code is Code.STEP_REACHED
    assert str(answer.reason) == (
        "1 of 1 points of running_jobs within 60.. call for +4 on 8: floor 12"
    )


def test_between_the_steps_there_is_no_opinion() -> None:
    answer = LADDER.propose(look(45))
    assert isinstance(answer, Proposal)
    assert answer.bids == {}
    assert answer.reason.code is Code.STEP_NOT_REACHED
    assert str(answer.reason) == "running_jobs of 45 reaches no step with 1 of 1 points"


def test_a_step_of_nothing_holds_the_dial_where_it_is() -> None:
    policy = Step(above=(Band(0, None, 0),))
    assert want(policy.propose(look(1))) == 8


def test_a_missing_signal_is_an_abstention() -> None:
    answer = LADDER.propose(seen(signals={"running_jobs": Missing(Absence.STALE)}))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING


def test_enough_points_of_the_window_must_lie_in_the_step() -> None:
    policy = Step(above=(Band(50, None, 2),), window_s=60, points=3)
    assert want(policy.propose(look(90, 10, 90, 90))) == 10
    quiet = policy.propose(look(90, 90, 10, 10, 10, 90, 90))
    assert isinstance(quiet, Proposal)
    assert quiet.bids == {}


def test_the_newest_point_counts_when_the_window_is_empty() -> None:
    late = seen(
        envelope=Envelope(8, 20, 10), signals={"running_jobs": Series((NOW - 90,), (70.0,))}
    )
    assert want(Step(above=(Band(50, None, 2),), window_s=60).propose(late)) == 10


def test_raising_goes_first_when_the_window_reached_both_sides() -> None:
    policy = Step(threshold=50, above=(Band(0, None, 2),), below=(Band(None, 0, -2),), window_s=60)
    assert want(policy.propose(look(10, 10, 90))) == 10


def change(age: float, before: int, after: int) -> Change:
    return Change(NOW - age, Envelope(before, 20, 10), Envelope(after, 20, 10))


def test_a_breach_that_goes_on_does_not_add_its_step_at_every_tick() -> None:
    assert want(LADDER.propose(look(63, changes=(change(60, 4, 8),)))) == 8
    assert want(LADDER.propose(look(63, changes=(change(301, 4, 8),)))) == 12


def test_a_larger_step_only_adds_the_difference() -> None:
    assert want(LADDER.propose(look(63, changes=(change(60, 7, 8),)))) == 11


def test_a_step_down_counts_what_was_lowered_lately() -> None:
    assert want(LADDER.propose(look(30, changes=(change(60, 10, 8),)))) == 7
    assert want(LADDER.propose(look(40, changes=(change(60, 10, 8),)))) == 8


def test_an_exact_step_needs_no_history() -> None:
    policy = Step(above=(Band(50, None, 6),), adjust="exact")
    answer = policy.propose(look(70, changes=(change(60, 4, 8),)))
    assert want(answer) == 6
    assert "call for exactly 6 on 8" in str(answer.reason)


def test_a_percentage_changes_by_at_least_one_and_by_the_least_allowed() -> None:
    assert adjusted(3, 10, "percent") == 4
    assert adjusted(3, -10, "percent") == 2
    assert adjusted(100, 10, "percent", 20) == 120
    assert adjusted(100, 0, "percent", 20) == 100
    assert adjusted(15, 10, "percent") == 16
    assert adjusted(15, 10, "percent", rounding="up") == 17


def test_nothing_goes_below_none_and_no_replica_below_one_thread() -> None:
    steep = (Band(0, None, -50),)
    assert want(Step(above=steep).propose(look(1))) == 0
    threads = Step(above=steep, dial=Dial.THREADS)
    assert want(threads.propose(look(1)), Dial.THREADS) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "above or below must have at least one step, got none"),
        ({"above": (Band(0, 10, 1), Band(20, None, 2))}, "above must be without gap, got 0..10 and 20.."),
        ({"above": (Band(0, 10, 1), Band(5, None, 2))}, "above must be without overlap, got 0..10 and 5.."),
        ({"above": (Band(0, None, 1), Band(5, None, 2))}, "above must be without overlap, got 0.. and 5.."),
        ({"below": (Band(None, -5, -1), Band(None, 0, 2))}, "below must be without overlap, got ..-5 and ..0"),
        ({"above": (Band(10, 10, 1),)}, "above must be steps whose lower end is below the upper one"),
        ({"above": (Band(None, None, 1),)}, "above must be bounded at one end or both"),
        ({"above": (Band(0, float("inf"), 1),)}, "above must be made of finite numbers, got 0..inf"),
        ({"above": (Band(0, None, 1.5),)}, "above must be whole numbers for adjust: number, got 1.5"),
        ({"above": (Band(0, None, -1),), "adjust": "exact"}, "above must be at least 0 for adjust: exact"),
        ({"above": (Band(-5, None, 1),), "below": (Band(None, -5, -1),)}, "above must start at 0 or higher"),
        ({"above": (Band(5, None, 1),), "below": (Band(None, 5, -1),)}, "above must start at 0 or higher"),
        ({"above": (Band(5, None, 1),), "below": (Band(0, None, -1),)}, "above must start at 0 or higher"),
        ({"above": (Band(0, None, 1),), "points": 0}, "points must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_steps_that_make_no_ladder_are_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is compared below
        Step(**options)
    assert str(refused.value).startswith(message)


def test_the_signal_that_it_reads_is_named() -> None:
    assert LADDER.needs == ("running_jobs",)


# --- properties ------------------------------------------------------------------------------


@st.composite
def ladders(draw: st.DrawFn) -> Step:
    adjust = draw(st.sampled_from(("number", "percent", "exact")))
    size: st.SearchStrategy[float] = st.floats(-1e308, 1e308)
    if adjust != "percent":
        size = st.integers(0 if adjust == "exact" else -50, 10**7).map(float)
    ends = sorted(draw(st.sets(st.floats(0, 1e6), min_size=2, max_size=4)))
    lows = [-end for end in reversed(ends)]
    return Step(
        threshold=draw(st.floats(-1e6, 1e6)),
        above=tuple(Band(a, b, draw(size)) for a, b in zip(ends, [*ends[1:], None], strict=True)),
        below=tuple(Band(a, b, draw(size)) for a, b in zip([None, *lows], lows, strict=False)),
        adjust=adjust,
        min_change=draw(st.integers(0, 5)),
        rounding=draw(st.sampled_from(("towards_zero", "up"))),
        window_s=draw(st.sampled_from((0.0, 120.0))),
        points=draw(st.integers(1, 3)),
        cooldown_s=draw(st.sampled_from((0.0, 300.0, 86_400.0))),
        dial=draw(st.sampled_from(Dial)),
    )


@settings(max_examples=SOME)
@given(ladders(), observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: Step, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_more_load_never_asks_for_fewer_on_a_ladder_that_rises(value: float, more: float) -> None:
    ladder = Step(
        threshold=50,
        above=(Band(0, 10, 1), Band(10, None, 4)),
        below=(Band(-10, 0, 0), Band(None, -10, -3)),
    )
    less, same = want(ladder.propose(look(value))), want(ladder.propose(look(value + more)))
    assert less is not None
    assert same is not None
    assert same >= less
