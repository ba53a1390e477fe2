"""`concurrency`: the average sets the size, a surge starts a panic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.kpa import (
    Buckets,
    Kpa,
    Panic,
    bucketed,
    decay,
    excess_burst_capacity,
    held_until,
    kpa_step,
    linear_average,
    stretches,
    window_max,
)
from autoscaler.core.observation import Absence, Change, Missing, Observation, Series
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.concurrency import Concurrency
from tests.strategies import NOW, SOME, observations, seen

# Ten threads at 70 %: one replica carries seven jobs.
PLAIN = Concurrency(target=0.7, bucket_s=10)


def jobs(*values: float, step: float = 10.0, until: float = NOW) -> Series:
    """One sample every `step` seconds, the newest at `until`."""
    count = len(values)
    return Series(tuple(until - step * (count - 1 - i) for i in range(count)), values)


def look(series: Series | Missing, floor: int = 4, **parts: Any) -> Observation:
    more = parts.pop("signals", {})
    envelope = Envelope(floor, 1000, 10)
    return seen(envelope=envelope, signals={"running_jobs": series, **more}, **parts)


def floor(answer: Answer) -> int | None:
    assert isinstance(answer, Proposal), answer
    return answer.bids[Dial.MIN_REPLICAS].want


def ceiling(answer: Answer) -> int | None:
    assert isinstance(answer, Proposal), answer
    return answer.bids[Dial.MAX_REPLICAS].want


def test_the_average_of_the_stable_window_sets_the_size() -> None:
    answer = PLAIN.propose(look(jobs(*[28] * 10, 40, 40, 40, 40, 40, 40)))
    assert floor(answer) == 6
    assert answer.reason.code is Code.LOAD_ABOVE_TARGET
    assert str(answer.reason) == (
        "an average of 40.0 jobs over 60 s needs 6 replicas of 10 threads at 70%"
    )


def test_a_size_that_fits_stays() -> None:
    answer = PLAIN.propose(look(jobs(*[26] * 16)))
    assert floor(answer) == 4
    assert answer.reason.code is Code.WITHIN_TOLERANCE


def test_a_surge_starts_a_panic_at_once() -> None:
    answer = PLAIN.propose(look(jobs(*[28] * 15, 70)))
    assert floor(answer) == 10
    assert answer.reason.code is Code.PANICKING
    assert str(answer.reason) == (
        "panic for 0 s: 70.0 jobs over 6 s, 35.0 over 60 s, at most 10 replicas needed "
        "of 10 threads at 70%"
    )


def test_in_panic_nothing_is_lowered() -> None:
    raised = Change(NOW - 29, Envelope(4, 100, 10), Envelope(10, 100, 10))
    answer = PLAIN.propose(look(jobs(*[28] * 12, 70, 7, 7, 7), floor=10, changes=(raised,)))
    assert floor(answer) == 10
    assert answer.reason.code is Code.PANICKING


def test_a_raise_between_two_samples_does_not_end_the_panic_that_it_answered() -> None:
    surge = jobs(*[28] * 15, 70, until=NOW - 5)
    raised = Change(NOW - 3, Envelope(4, 100, 10), Envelope(10, 100, 10))
    answer = PLAIN.propose(look(surge, floor=10, changes=(raised,)))
    assert floor(answer) == 10
    assert answer.reason.code is Code.PANICKING


def test_the_panic_ends_a_stable_window_after_the_last_surge() -> None:
    raised = Change(NOW - 89, Envelope(4, 100, 10), Envelope(10, 100, 10))
    answer = PLAIN.propose(look(jobs(*[28] * 7, 70, *[7] * 9), floor=10, changes=(raised,)))
    assert floor(answer) == 5  # one replica for seven jobs, but no more than halved at once
    assert answer.reason.code is Code.LOAD_BELOW_TARGET


def test_the_panic_is_the_same_for_a_daemon_that_just_started() -> None:
    raised = Change(NOW - 29, Envelope(4, 100, 10), Envelope(10, 100, 10))
    series = jobs(*[28] * 12, 70, 7, 7, 7)
    old = look(series, floor=10, changes=(raised,), watched_since=NOW - 9999)
    young = look(series, floor=10, changes=(raised,), watched_since=NOW)
    assert PLAIN.propose(old) == PLAIN.propose(young)


def test_rates_bound_the_way_up_and_down() -> None:
    slow = Concurrency(bucket_s=10, max_up=1.5, max_down=4)
    assert floor(slow.propose(look(jobs(*[700] * 16)))) == 6
    assert floor(slow.propose(look(jobs(*[0] * 16)))) == 1


def test_any_load_activates_so_many_replicas() -> None:
    awake = Concurrency(bucket_s=10, activation_scale=3, max_down=10)
    assert floor(awake.propose(look(jobs(*[1] * 16), floor=1))) == 3
    assert floor(awake.propose(look(jobs(*[0] * 16), floor=1))) == 0


def test_lowering_waits_for_the_scale_down_delay() -> None:
    patient = Concurrency(bucket_s=10, scale_down_delay_s=120, max_down=10)
    answer = patient.propose(look(jobs(*[70] * 13, *[7] * 11), floor=10))
    assert floor(answer) == 10
    assert str(answer.reason).endswith("; 10 were needed within 120 s")
    assert floor(patient.propose(look(jobs(*[70] * 4, *[7] * 26), floor=10))) == 1


def test_with_a_short_history_nothing_is_lowered_and_the_reason_says_so() -> None:
    answer = PLAIN.propose(look(jobs(7), floor=8))
    assert floor(answer) == 8
    patient = Concurrency(bucket_s=10, scale_down_delay_s=600)
    answer = patient.propose(look(jobs(*[7] * 20), floor=8))
    assert floor(answer) == 8
    moved = Change(NOW - 5, Envelope(1, 100, 10), Envelope(8, 100, 10))
    answer = patient.propose(look(jobs(*[7] * 20), floor=8, changes=(moved,)))
    assert answer.reason.code is Code.HISTORY_TOO_SHORT
    assert str(answer.reason).endswith("; 8 stay until 11 min of samples are known, now 3 min 10 s")


def test_a_start_with_several_replicas_is_a_panic_as_at_knatives() -> None:
    answer = PLAIN.propose(look(jobs(7, 7, 7), floor=8))
    assert floor(answer) == 8
    assert answer.reason.code is Code.PANICKING


def test_after_an_outage_the_history_begins_anew() -> None:
    series = jobs(*[70] * 16)
    back = Series(series.times, series.values, recovered_at=NOW - 15)
    answer = PLAIN.propose(look(back, floor=12))
    assert floor(answer) == 12
    gone = Series(series.times, series.values, recovered_at=NOW + 60)
    assert floor(PLAIN.propose(look(gone, floor=12))) == 12


def test_a_gap_in_the_samples_is_not_counted_as_zero() -> None:
    gap = Series((NOW - 150, NOW - 100, NOW - 50, NOW), (28.0, 28.0, 28.0, 28.0))
    assert floor(PLAIN.propose(look(gap))) == 4
    as_knative = Concurrency(bucket_s=10, gaps="zero", max_down=10)
    assert floor(as_knative.propose(look(gap))) == 2  # two of six buckets hold 28 jobs


def test_a_late_sample_holds_until_now_and_at_knative_fades() -> None:
    late = jobs(*[28] * 20, until=NOW - 70)
    assert floor(PLAIN.propose(look(late))) == 4
    as_knative = Concurrency(bucket_s=10, gaps="zero", max_down=10)
    assert floor(as_knative.propose(look(late))) == 0


def test_the_newest_buckets_may_weigh_most() -> None:
    rising = jobs(*[7] * 10, 14, 21, 28, 35, 42, 49)
    even = floor(PLAIN.propose(look(rising)))
    newest = floor(Concurrency(bucket_s=10, averaging="exponential").propose(look(rising)))
    assert even == 5
    assert newest == 7


def test_the_ready_replicas_come_from_their_signal_when_given() -> None:
    policy = Concurrency(bucket_s=10, replicas_signal="ready")
    ready = {"ready": jobs(*[20] * 16)}
    assert floor(policy.propose(look(jobs(*[7] * 16), signals=ready))) == 10
    ahead = {"ready": jobs(20, until=NOW + 60)}
    assert floor(policy.propose(look(jobs(*[7] * 16), signals=ahead))) == 2


def test_room_for_a_burst_raises_the_ceiling() -> None:
    calm = jobs(*[28] * 16)
    assert ceiling(PLAIN.propose(look(calm))) == 6
    assert ceiling(Concurrency(bucket_s=10, burst=100).propose(look(calm))) == 13
    assert ceiling(Concurrency(bucket_s=10, burst=10).propose(look(calm))) == 6


def test_a_missing_signal_is_an_abstention_and_never_zero() -> None:
    answer = PLAIN.propose(look(Missing(Absence.SOURCE_FAILED)))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING
    policy = Concurrency(replicas_signal="ready")
    assert isinstance(policy.propose(look(jobs(5))), Abstain)


def test_samples_that_all_lie_ahead_are_no_data() -> None:
    answer = PLAIN.propose(look(jobs(5, until=NOW + 60)))
    assert isinstance(answer, Abstain)
    assert str(answer.reason) == "running_jobs has no value yet"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bucket_s": 90}, "bucket_s must be at most stable_window_s, got 90 and 60"),
        ({"panic_threshold": 1}, "panic_threshold must be at least 1.1, got 1"),
        ({"max_up": 1}, "max_up must be greater than 1, got 1"),
        ({"stable_window_s": 5}, "stable_window_s must be at least 6, got 5"),
        ({"gaps": "guess"}, "gaps must be one of hold, zero, got 'guess'"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Concurrency(**options)


def test_the_signals_that_it_reads_are_named() -> None:
    assert PLAIN.needs == ("running_jobs",)
    assert Concurrency(replicas_signal="ready").needs == ("running_jobs", "ready")


# --- the windows -----------------------------------------------------------------------------


def test_one_deployment_measured_twice_in_a_bucket_is_averaged() -> None:
    assert bucketed((0.0, 1.0, 10.0), (4.0, 8.0, 5.0), 10, sums=False) == [(0, 6.0), (1, 5.0)]
    assert bucketed((0.0, 1.0, 10.0), (4.0, 8.0, 5.0), 10, sums=True) == [(0, 12.0), (1, 5.0)]


def test_a_gap_of_a_whole_window_begins_a_new_stretch() -> None:
    *_, newest = stretches([(0, 4.0), (2, 8.0), (9, 5.0)], 6, hold=True)
    assert (newest.first, newest.last, dict(newest.values)) == (9, 9, {9: 5.0})
    *_, held = stretches([(0, 4.0), (3, 8.0)], 6, hold=True)
    assert dict(held.values) == {0: 4.0, 1: 4.0, 2: 4.0, 3: 8.0}


def test_a_value_is_held_for_less_than_a_window() -> None:
    newest = Buckets({3: 8.0}, 3, 3)
    assert held_until(newest, 5, 6).last == 5
    assert held_until(newest, 500, 6).last == 8
    assert held_until(newest, 1, 6).last == 3


def test_an_empty_window_averages_to_nothing() -> None:
    assert linear_average(Buckets({3: 8.0}, 3, 3), 9, 6) == 0.0


# --- properties ------------------------------------------------------------------------------

policies = st.builds(
    Concurrency,
    target=st.floats(0.01, 1),
    stable_window_s=st.sampled_from((6.0, 60.0, 300.0)),
    panic_share=st.floats(0.01, 1),
    panic_threshold=st.floats(1.1, 10),
    max_up=st.floats(1.01, 1e300),
    max_down=st.floats(1.01, 1e300),
    activation_scale=st.integers(0, 5),
    scale_down_delay_s=st.sampled_from((0.0, 30.0, 600.0)),
    bucket_s=st.sampled_from((1.0, 5.0)),
    gaps=st.sampled_from(("hold", "zero")),
    averaging=st.sampled_from(("linear", "exponential")),
    replicas_signal=st.sampled_from(("", "error_share")),
    headroom=st.floats(0, 1e300),
    burst=st.floats(0, 1e300),
)


@settings(max_examples=SOME)
@given(policies, observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: Concurrency, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@settings(max_examples=SOME)
@given(policies, st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=8))
def test_absurd_loads_end_in_a_bid_within_bounds(policy: Concurrency, values: list[float]) -> None:
    signals = {"error_share": jobs(*reversed(values))}
    answer = policy.propose(look(jobs(*values), signals=signals))
    assert isinstance(answer, Proposal)
    for bid in answer.bids.values():
        assert bid.want is not None
        assert 0 <= bid.want <= LARGEST_BID


kpas = st.builds(
    Kpa,
    target=st.floats(0.1, 100),
    max_up=st.floats(1.1, 1000),
    max_down=st.floats(1.1, 1000),
    panic_threshold=st.floats(1.1, 10),
    stable_window_s=st.floats(6, 3600),
    activation_scale=st.integers(0, 10),
)
panics = st.builds(Panic, st.none() | st.floats(0, 5000), st.integers(0, 100))
loads = st.floats(0, 1e5)


@given(kpas, panics, st.floats(0, 5000), st.integers(0, 200), loads, loads)
def test_in_panic_the_size_never_falls(
    kpa: Kpa, panic: Panic, at: float, ready: int, stable: float, surge: float
) -> None:
    after, pods = kpa_step(kpa, panic, at, ready, stable, surge)
    if after.since is None:
        assert after.most in {0, panic.most}
    else:
        assert pods == after.most >= panic.most


@given(kpas, panics, st.floats(0, 5000), st.integers(0, 200), loads, loads, loads)
def test_more_load_never_asks_for_fewer(
    kpa: Kpa, panic: Panic, at: float, ready: int, stable: float, surge: float, more: float
) -> None:
    _, less = kpa_step(kpa, panic, at, ready, stable, surge)
    _, same = kpa_step(kpa, panic, at, ready, stable + more, surge + more)
    assert same >= less


@settings(max_examples=SOME)
@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=40),
    st.integers(0, 30),
    st.sampled_from((0.0, 50.0)),
)
def test_the_panic_read_from_samples_and_journal_is_the_one_a_memory_would_hold(
    loads: list[int], start: int, delay_s: float
) -> None:
    """The daemon runs, its raises are journalled, and at every tick a memory is kept beside it."""
    policy = Concurrency(bucket_s=10, scale_down_delay_s=delay_s)
    times = [NOW + 10 * i for i in range(len(loads))]
    values = [float(load) for load in loads]
    current, changes = start, list[Change]()
    panic = Panic(times[0], start) if start > 1 else Panic()
    asked: list[tuple[float, int]] = []
    for i, now in enumerate(times):
        known = times[: i + 1], values[: i + 1]
        *_, window = stretches(bucketed(*known, 10, sums=False), 6, hold=True)
        stable = linear_average(window, window.last, 6)
        surge = linear_average(window, window.last, 1)
        panic, pods = kpa_step(Kpa(target=7), panic, now, current, stable, surge)
        asked.append((now, pods))
        if delay_s:
            pods = window_max(asked, delay_s, 10)
        if now - times[0] <= 60 + delay_s:
            pods = max(pods, current)
        series = Series(tuple(known[0]), tuple(known[1]))
        answer = policy.propose(look(series, floor=current, at=now, changes=tuple(changes)))
        assert floor(answer) == pods
        before, after = Envelope(current, 1000, 10), Envelope(pods, 1000, 10)
        changes += [Change(now + 1, before, after)] if before != after else []
        current = pods


@given(st.integers(1, 3600))
def test_the_weights_of_a_window_add_up_to_almost_one(size: int) -> None:
    share = decay(size)
    assert 0.9998 <= 1 - (1 - share) ** float(size) <= 1


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 50)), min_size=1), st.floats(1, 600))
def test_the_highest_value_of_a_window_is_at_least_the_newest(
    points: list[tuple[float, int]], window_s: float
) -> None:
    ordered = sorted(points, key=lambda point: point[0])
    assert window_max(ordered, window_s, 2) >= ordered[-1][1]


@given(st.integers(0, 100), st.floats(0.1, 100), st.floats(0, 1e4), loads)
def test_room_for_a_burst_falls_with_the_load(
    ready: int, capacity: float, burst: float, surge: float
) -> None:
    assert excess_burst_capacity(ready, capacity, burst, surge + 1) <= excess_burst_capacity(
        ready, capacity, burst, surge
    )
