"""`target_load`: the replicas that the recent load needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Change, Missing, Observation, Series
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.target_load import TargetLoad, floor_at, from_zero, time_weighted
from tests.strategies import NOW, SOME, observations, seen

TEN = Envelope(4, 10, 10)


def jobs(*values: float, step: float = 15.0, until: float = NOW) -> Series:
    """One sample every `step` seconds, the newest at `until`."""
    count = len(values)
    return Series(tuple(until - step * (count - 1 - i) for i in range(count)), values)


def look(series: Series | Missing, envelope: Envelope = TEN, **parts: Any) -> Observation:
    more = parts.pop("signals", {})
    return seen(envelope=envelope, signals={"running_jobs": series, **more}, **parts)


def floor(answer: Answer) -> int | None:
    assert isinstance(answer, Proposal), answer
    return answer.bids[Dial.MIN_REPLICAS].want


def ceiling(answer: Answer) -> int | None:
    assert isinstance(answer, Proposal), answer
    return answer.bids[Dial.MAX_REPLICAS].want


def test_the_peak_of_the_window_is_what_has_to_fit() -> None:
    answer = TargetLoad(target=0.7).propose(look(jobs(20, 63, 35, 30)))
    assert floor(answer) == 9
    assert answer.reason.code is Code.LOAD_ABOVE_TARGET
    assert str(answer.reason) == (
        "a peak of 63.0 jobs in 60 s needs 9 replicas of 10 threads at 70%"
    )


def test_what_is_older_than_the_window_is_forgotten() -> None:
    answer = TargetLoad(window_s=30).propose(look(jobs(500, 14, 14, 14)))
    assert floor(answer) == 2
    assert answer.reason.code is Code.LOAD_BELOW_TARGET


def test_the_last_value_counts_when_the_window_is_empty() -> None:
    assert floor(TargetLoad(window_s=10).propose(look(jobs(70, until=NOW - 40)))) == 10


def test_near_the_target_the_floor_stays() -> None:
    answer = TargetLoad().propose(look(jobs(30.5)))
    assert floor(answer) == 4
    assert answer.reason.code is Code.WITHIN_TOLERANCE


def test_the_tolerance_may_differ_up_and_down() -> None:
    policy = TargetLoad(tolerance_up=0.01, tolerance_down=0.5)
    assert floor(policy.propose(look(jobs(28.5)))) == 5
    assert floor(policy.propose(look(jobs(14.1)))) == 4


def test_the_ceiling_keeps_its_headroom_above_the_floor() -> None:
    assert ceiling(TargetLoad(headroom=0.5).propose(look(jobs(70)))) == 15
    assert ceiling(TargetLoad(headroom=0).propose(look(jobs(70)))) == 11


def test_no_load_wants_no_replicas_and_still_a_ceiling_of_one() -> None:
    answer = TargetLoad().propose(look(jobs(0)))
    assert (floor(answer), ceiling(answer)) == (0, 1)


def test_the_mean_is_weighed_by_time_and_not_by_samples() -> None:
    uneven = Series((NOW - 60, NOW - 3, NOW - 2, NOW - 1), (7.0, 700.0, 700.0, 700.0))
    answer = TargetLoad(aggregate="mean").propose(look(uneven))
    assert floor(answer) == 6  # (57 x 7 + 3 x 700) / 60 = 41.7 jobs
    assert "a mean of 41.6 jobs in 60 s" in str(answer.reason)


def test_a_mean_without_any_span_is_the_last_value() -> None:
    assert floor(TargetLoad(aggregate="mean", window_s=0).propose(look(jobs(70)))) == 10


def test_the_newest_value_alone_may_count() -> None:
    answer = TargetLoad(aggregate="last").propose(look(jobs(700, 70)))
    assert floor(answer) == 10
    assert "a newest value of 70.0 jobs" in str(answer.reason)


def test_a_ratio_keeps_the_replicas_that_run_when_their_share_is_right() -> None:
    policy = TargetLoad(mode="ratio", replicas_signal="replicas")
    running = {"replicas": jobs(8)}
    assert floor(policy.propose(look(jobs(58), signals=running))) == 8
    assert floor(policy.propose(look(jobs(80), signals=running))) == 12
    assert floor(TargetLoad(mode="ratio").propose(look(jobs(28)))) == 4


def test_a_share_of_use_multiplies_the_replicas_that_run() -> None:
    policy = TargetLoad(mode="share", target=0.5)
    answer = policy.propose(look(jobs(0.8)))
    assert floor(answer) == 7
    assert str(answer.reason).startswith("a peak use of 80% in 60 s needs 7 replicas")


def test_a_replica_count_that_is_not_known_yet_is_the_floor() -> None:
    policy = TargetLoad(mode="ratio", replicas_signal="replicas")
    ahead = {"replicas": jobs(8, until=NOW + 60)}
    assert floor(policy.propose(look(jobs(28), signals=ahead))) == 4


def test_a_missing_signal_is_an_abstention_and_never_zero() -> None:
    answer = TargetLoad().propose(look(Missing(Absence.STALE)))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING
    policy = TargetLoad(mode="ratio", replicas_signal="replicas")
    without = policy.propose(look(jobs(10), signals={"replicas": Missing(Absence.EMPTY)}))
    assert str(without.reason) == "replicas has no data: the query answers nothing"


def test_a_factor_goes_a_share_of_the_way() -> None:
    answer = TargetLoad(upscaling_factor=0.5).propose(look(jobs(70)))
    assert floor(answer) == 7
    assert str(answer.reason).endswith("needs 10 replicas of 10 threads at 70%, 7 in this step")
    assert floor(TargetLoad(downscaling_factor=0.1).propose(look(jobs(14)))) == 3
    assert floor(TargetLoad(upscaling_factor=0.5).propose(look(jobs(28)))) == 4


def test_a_start_from_nothing_takes_the_up_factor_at_once() -> None:
    policy = TargetLoad(upscaling_factor=3, raise_after_s=600)
    assert floor(policy.propose(look(jobs(1), Envelope(0, 10, 10)))) == 3
    assert from_zero(0, 2, 3) == 2
    assert from_zero(1, 2, None) == 2


def test_a_decision_moves_the_floor_by_no_more_than_allowed() -> None:
    policy = TargetLoad(max_raise=2, max_lower=1)
    assert floor(policy.propose(look(jobs(700)))) == 6
    assert floor(policy.propose(look(jobs(0)))) == 3


def test_a_wish_to_raise_waits_until_it_lasted() -> None:
    policy = TargetLoad(raise_after_s=60)
    answer = policy.propose(look(jobs(28, 28, 70, 70)))
    assert floor(answer) == 4
    assert answer.reason.code is Code.NOT_LASTING
    assert str(answer.reason).endswith("at 70%; not for long enough yet, so 4 for now")
    assert floor(policy.propose(look(jobs(28, 70, 70, 70, 70, 70)))) == 10


def test_a_wish_to_lower_starts_again_when_it_was_interrupted() -> None:
    policy = TargetLoad(lower_after_s=45, window_s=0)
    assert floor(policy.propose(look(jobs(14, 14, 14, 14)))) == 2
    assert floor(policy.propose(look(jobs(14, 14, 28, 14)))) == 4


def test_a_wish_that_a_guard_held_back_stays_due() -> None:
    policy = TargetLoad(lower_after_s=45, window_s=0)
    assert floor(policy.propose(look(jobs(*[14] * 12)))) == 2


def test_a_wish_starts_again_when_the_floor_moved() -> None:
    policy = TargetLoad(lower_after_s=45, window_s=0)
    lately = Change(NOW - 20, Envelope(8, 10, 10), TEN)
    assert floor(policy.propose(look(jobs(*[14] * 12), changes=(lately,)))) == 4


def test_the_last_replica_goes_in_a_step_of_its_own() -> None:
    policy = TargetLoad(zero_after_s=45)
    assert floor(policy.propose(look(jobs(0, 0, 0, 0, 0, 0)))) == 1
    assert floor(policy.propose(look(jobs(0, 0), Envelope(1, 10, 10)))) == 1
    assert floor(policy.propose(look(jobs(0, 0, 0, 0, 0), Envelope(1, 10, 10)))) == 0


def test_samples_ahead_of_now_do_not_age_a_wish() -> None:
    policy = TargetLoad(raise_after_s=60)
    assert floor(policy.propose(look(jobs(28, 70, until=NOW + 300)))) == 4


def test_the_floor_of_a_moment_is_read_from_the_journal() -> None:
    one, two, three = Envelope(1, 10, 10), Envelope(2, 10, 10), Envelope(3, 10, 10)
    changes = (Change(NOW - 200, one, two), Change(NOW - 100, two, three))
    observation = seen(envelope=three, changes=changes)
    at = [NOW - 300, NOW - 200, NOW - 150, NOW]
    assert [floor_at(observation, moment) for moment in at] == [1, 2, 2, 3]


def test_nothing_in_the_span_has_no_weight() -> None:
    assert time_weighted((10.0,), (5.0,), 20.0, 15.0) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 0}, "target must be greater than 0, got 0"),
        ({"target": 7}, "target must be at most 1, got 7"),
        ({"mode": "magic"}, "mode must be one of average, ratio, share, got 'magic'"),
        ({"aggregate": "p99"}, "aggregate must be one of peak, mean, last, got 'p99'"),
        ({"max_raise": 0}, "max_raise must be at least 1, got 0"),
        ({"upscaling_factor": 0}, "upscaling_factor must be greater than 0, got 0"),
        ({"lower_after_s": -1}, "lower_after_s must be at least 0, got -1"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        TargetLoad(**options)


def test_the_signals_that_it_reads_are_named() -> None:
    assert TargetLoad().needs == ("running_jobs",)
    assert TargetLoad(replicas_signal="replicas").needs == ("running_jobs", "replicas")


# --- properties ------------------------------------------------------------------------------

shares = st.floats(0.01, 1)
PROMPT: dict[str, Any] = {"raise_after_s": 0.0, "lower_after_s": 0.0, "zero_after_s": None}
policies = st.builds(
    TargetLoad,
    target=shares,
    window_s=st.sampled_from((0.0, 60.0, 600.0)),
    tolerance=st.floats(0, 0.5),
    headroom=st.floats(0, 1e300),
    mode=st.sampled_from(("average", "ratio", "share")),
    aggregate=st.sampled_from(("peak", "mean", "last")),
    replicas_signal=st.sampled_from(("", "error_share")),
    tolerance_up=st.none() | st.floats(0, 3),
    tolerance_down=st.none() | st.floats(0, 1),
    upscaling_factor=st.none() | st.floats(1e-9, 1e300),
    downscaling_factor=st.none() | st.floats(1e-9, 1e300),
    max_raise=st.none() | st.integers(1, 50),
    max_lower=st.none() | st.integers(1, 50),
    raise_after_s=st.sampled_from((0.0, 60.0)),
    lower_after_s=st.sampled_from((0.0, 300.0)),
    zero_after_s=st.none() | st.floats(0, 600),
)


@settings(max_examples=SOME)
@given(policies, observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: TargetLoad, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@settings(max_examples=SOME)
@given(policies, st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=6))
def test_absurd_loads_end_in_a_bid_within_bounds(policy: TargetLoad, values: list[float]) -> None:
    signals = {"error_share": jobs(*reversed(values))}
    answer = policy.propose(look(jobs(*values), signals=signals))
    assert isinstance(answer, Proposal)
    for bid in answer.bids.values():
        assert bid.want is not None
        assert 0 <= bid.want <= LARGEST_BID


@settings(max_examples=SOME)
@given(
    policies.map(lambda policy: replace(policy, **PROMPT)),
    st.lists(st.floats(0, 1e5), min_size=1, max_size=6),
    st.integers(0, 5),
    st.floats(0, 1e4),
)
def test_more_load_never_asks_for_fewer(
    policy: TargetLoad, values: list[float], place: int, more: float
) -> None:
    raised = list(values)
    raised[place % len(values)] += more
    running = {"error_share": jobs(5)}
    less = floor(policy.propose(look(jobs(*values), signals=running)))
    assert less is not None
    same = floor(policy.propose(look(jobs(*raised), signals=running)))
    assert same is not None
    assert same >= less
