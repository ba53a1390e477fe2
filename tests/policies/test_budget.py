"""`budget`: a ceiling that makes compute-seconds last for their day, week or month."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import (
    Absence,
    Change,
    Missing,
    Observation,
    Resources,
    Series,
)
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.budget import Budget, period_of
from tests.strategies import NOW, SOME, observations, seen

HOUR, DAY = 3600.0, 86_400.0
# One vCPU costs 0.2 a second: a replica's day is 17,280 compute-seconds.
REPLICA_DAY = 17_280.0
NOON = datetime(2026, 9, 16, 12, tzinfo=UTC).timestamp()
MIDNIGHT = NOON - 12 * HOUR


TWO_TO_FOUR = Envelope(2, 4, 10)


def look(envelope: Envelope = TWO_TO_FOUR, **parts: Any) -> Observation:
    return seen(**{"at": NOON, "envelope": envelope, "watched_since": 0.0, **parts})


def daily(replicas: float, **options: Any) -> Budget:
    """So many replicas on average over a day."""
    return Budget(**{"compute_seconds": replicas * REPLICA_DAY, "period": "day", **options})


def cap(answer: Answer) -> int:
    assert isinstance(answer, Proposal), answer
    assert set(answer.bids) == {Dial.MAX_REPLICAS}
    bid = answer.bids[Dial.MAX_REPLICAS]
    assert bid.want is None
    assert bid.at_most is not None
    return bid.at_most


def line(*samples: tuple[float, float]) -> Series:
    return Series(tuple(at for at, _ in samples), tuple(value for _, value in samples))


# --- periods ---------------------------------------------------------------------------------


def test_days_weeks_and_months_are_utcs() -> None:
    assert period_of(NOON, "day").start == MIDNIGHT
    monday = datetime(2026, 9, 14, tzinfo=UTC).timestamp()
    assert (period_of(NOON, "week").start, period_of(NOON, "week").end) == (
        monday,
        monday + 7 * DAY,
    )
    first = datetime(2026, 9, 1, tzinfo=UTC).timestamp()
    assert (period_of(NOON, "month").start, period_of(NOON, "month").end) == (
        first,
        first + 30 * DAY,
    )


@pytest.mark.parametrize(
    ("year", "month", "days"), [(2026, 2, 28), (2028, 2, 29), (2026, 12, 31), (2026, 4, 30)]
)
def test_a_month_is_as_long_as_the_calendar_says(year: int, month: int, days: int) -> None:
    found = period_of(datetime(year, month, 15, tzinfo=UTC).timestamp(), "month")
    assert found.end - found.start == days * DAY


def test_a_new_period_begins_at_midnight() -> None:
    assert period_of(MIDNIGHT, "day").start == MIDNIGHT
    assert period_of(MIDNIGHT - 1, "day").end == MIDNIGHT


# --- pacing ----------------------------------------------------------------------------------


def test_what_is_left_sustains_a_ceiling() -> None:
    # Four replicas for half a day are two replica-days; two of four are left for half a day.
    answer = daily(4, burst=1).propose(look())
    assert cap(answer) == 4
    assert answer.reason.code is Code.SPEND_WITHIN_BUDGET
    assert str(answer.reason) == (
        "34560 of 69120 compute-seconds of this day are spent (by the ceiling of the envelopes); "
        "the rest sustains a ceiling of 4"
    )


def test_bursts_may_go_above_the_average() -> None:
    assert cap(daily(4, burst=2.5).propose(look())) == 10


def test_a_ceiling_that_is_too_high_is_lowered_and_the_end_is_told() -> None:
    answer = daily(3, burst=1).propose(look())
    assert cap(answer) == 2
    assert answer.reason.code is Code.SPEND_PACED
    # One replica-day is left; four replicas burn it in six hours.
    assert str(answer.reason).endswith(
        "the rest sustains a ceiling of 2; at the present pace it runs out on 2026-09-16 18:00 UTC"
    )


def test_vital_replicas_stay_whatever_they_cost() -> None:
    answer = daily(1, vital=3).propose(look())
    assert cap(answer) == 3
    assert answer.reason.code is Code.SPEND_EXHAUSTED
    assert str(answer.reason) == (
        "the 17280 compute-seconds of this day are spent (by the ceiling of the envelopes): "
        "34560; 3 vital replicas stay"
    )


def test_a_period_that_just_began_has_all_of_its_budget() -> None:
    answer = daily(5, burst=1).propose(look(at=MIDNIGHT))
    assert cap(answer) == 5
    assert "0 of 86400 compute-seconds of this day are spent (it just began)" in str(answer.reason)


def test_what_costs_nothing_needs_no_ceiling() -> None:
    assert cap(daily(1, vcpu_rate=0.0).propose(look())) == LARGEST_BID


# --- what was spent --------------------------------------------------------------------------


def test_running_replicas_count_by_their_time() -> None:
    # Two replicas until six, eight until noon: 2 x 6 + 8 x 6 = 60 replica-hours.
    running = line((MIDNIGHT - HOUR, 2.0), (MIDNIGHT + 6 * HOUR, 8.0))
    answer = daily(4, replicas_signal="replicas").propose(look(signals={"replicas": running}))
    assert "43200 of 69120" in str(answer.reason)
    assert "(by running replicas)" in str(answer.reason)


def test_before_the_first_sample_the_envelopes_count() -> None:
    running = line((NOON - HOUR, 2.0))
    answer = daily(4, replicas_signal="replicas").propose(look(signals={"replicas": running}))
    # 4 x 11 + 2 x 1 = 46 replica-hours.
    assert "33120 of 69120" in str(answer.reason)
    assert "(by running replicas and by the ceiling of the envelopes)" in str(answer.reason)


@pytest.mark.parametrize("signal", [Missing(Absence.STALE), line((NOON + 60, 3.0))])
def test_without_running_replicas_the_envelopes_count(signal: Series | Missing) -> None:
    answer = daily(4, replicas_signal="replicas").propose(look(signals={"replicas": signal}))
    assert "(by the ceiling of the envelopes)" in str(answer.reason)


def test_the_floor_of_the_envelopes_is_the_least_that_it_can_be() -> None:
    answer = daily(4, bound="floor").propose(look())
    assert "17280 of 69120" in str(answer.reason)
    assert "(by the floor of the envelopes)" in str(answer.reason)


def test_past_envelopes_come_from_the_journal() -> None:
    grown = Change(MIDNIGHT + 6 * HOUR, Envelope(1, 1, 10), Envelope(2, 4, 10))
    old = Change(MIDNIGHT - 9 * DAY, Envelope(0, 9, 10), Envelope(1, 1, 10))
    answer = daily(4).propose(look(changes=(old, grown)))
    assert "21600 of 69120" in str(answer.reason)  # 1 x 6 + 4 x 6 = 30 replica-hours


def test_between_changes_that_do_not_meet_the_higher_counts() -> None:
    forgotten = Change(MIDNIGHT - HOUR, Envelope(9, 9, 10), Envelope(1, 1, 10))
    grown = Change(MIDNIGHT + 6 * HOUR, Envelope(1, 3, 10), Envelope(2, 4, 10))
    answer = daily(4).propose(look(changes=(forgotten, grown)))
    assert "30240 of 69120" in str(answer.reason)  # 3 x 6 + 4 x 6 = 42 replica-hours


def test_time_that_nothing_tells_about_counts_at_the_even_pace() -> None:
    answer = daily(4).propose(look(watched_since=NOON - 6 * HOUR))
    # A quarter of the budget for six hours, four replicas for the other six.
    assert "34560 of 69120" in str(answer.reason)
    assert str(answer.reason).endswith("; 6.0 h that nothing tells about count at the even pace")


def test_or_it_counts_like_the_oldest_envelope() -> None:
    policy = daily(4, unseen="envelope")
    grown = Change(NOON - HOUR, Envelope(1, 8, 10), Envelope(2, 4, 10))
    answer = policy.propose(look(watched_since=NOON - HOUR, changes=(grown,)))
    assert "66240 of 69120" in str(answer.reason)  # 8 x 11 + 4 x 1 = 92 replica-hours
    assert "even pace" not in str(answer.reason)


def test_a_measured_bill_is_taken_as_it_is_and_carried_on_to_now() -> None:
    policy = daily(4, spent="bill")
    answer = policy.propose(look(signals={"bill": line((NOON - HOUR, 10_000.0))}))
    assert "12880 of 69120" in str(answer.reason)  # and an hour of four replicas
    assert "(measured)" in str(answer.reason)
    before = policy.propose(look(signals={"bill": line((MIDNIGHT - 1, 10_000.0))}))
    assert "(by the ceiling of the envelopes)" in str(before.reason)
    gone = policy.propose(look(signals={"bill": Missing(Absence.STALE)}))
    assert "(by the ceiling of the envelopes)" in str(gone.reason)


# --- rates -----------------------------------------------------------------------------------


def test_a_gpu_without_a_rate_is_an_abstention_that_names_it() -> None:
    observation = look(resources=Resources(2, 16, 1, "L40S"))
    answer = daily(4).propose(observation)
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.COST_RATE_UNKNOWN
    assert str(answer.reason) == (
        "GPU type L40S has no rate (known: A100, A10G, H100, L4, T4, V100): "
        "give your contract's in gpu_rates"
    )
    assert cap(daily(4, gpu_rates={"L40S": 0.2}, burst=1).propose(observation)) == 4


def test_an_own_rate_goes_over_the_published_one() -> None:
    observation = look(resources=Resources(2, 16, 1, "T4"))
    assert cap(daily(24, burst=1).propose(observation)) == 4
    assert cap(daily(24, burst=1, gpu_rates={"T4": 0.6}).propose(observation)) == 12


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused_at_start(rate: float) -> None:
    with pytest.raises(ValueError, match=r"gpu_rates must be at least 0, got .* for L40S"):
        daily(1, gpu_rates={"L40S": rate})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compute_seconds": 0}, "compute_seconds must be greater than 0, got 0"),
        ({"period": "year"}, "period must be one of day, week, month, got 'year'"),
        ({"burst": 0.5}, "burst must be at least 1, got 0.5"),
        ({"vital": -1}, "vital must be at least 0, got -1"),
        ({"bound": "mean"}, "bound must be one of ceiling, floor, got 'mean'"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        daily(1, **options)


def test_the_signals_that_it_reads_are_named() -> None:
    assert daily(1).needs == ()
    assert daily(1, spent="bill", replicas_signal="replicas").needs == ("bill", "replicas")


# --- a whole day -----------------------------------------------------------------------------


def test_the_last_minutes_do_not_spend_the_rest_twice() -> None:
    policy = daily(4, burst=10, spent="bill")
    bill = line((MIDNIGHT + DAY - 300, 4 * REPLICA_DAY - 60))
    assert cap(policy.propose(look(at=MIDNIGHT + DAY - 300, signals={"bill": bill}))) == 1


@pytest.mark.parametrize("burst", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_budget_lasts_for_a_whole_day_of_any_load(burst: float, seed: int) -> None:
    # Every five minutes some replicas are asked for, and the ceiling is what is had of them.
    dice = random.Random(seed)  # noqa: S311 - simulated load, nothing secret
    policy = daily(6, burst=burst, vital=0, replicas_signal="replicas")
    samples: list[tuple[float, float]] = []
    spent = 0.0
    for tick in range(288):
        at = MIDNIGHT + tick * 300
        running = {"replicas": line(*samples)} if samples else {}
        ceiling = cap(policy.propose(look(Envelope(0, 0, 10), at=at, signals=running)))
        had = min(ceiling, dice.choice((0, 3, 40)))
        samples.append((at, float(had)))
        spent += had * 300 * 0.2
    assert spent <= 6 * REPLICA_DAY
    assert spent >= 2 * REPLICA_DAY


# --- properties ------------------------------------------------------------------------------

policies = st.builds(
    Budget,
    compute_seconds=st.floats(1e-6, 1e12),
    period=st.sampled_from(("day", "week", "month")),
    vital=st.integers(0, 50),
    burst=st.floats(1, 100),
    spent=st.sampled_from(("", "running_jobs")),
    replicas_signal=st.sampled_from(("", "error_share")),
    bound=st.sampled_from(("ceiling", "floor")),
    unseen=st.sampled_from(("even", "envelope")),
    vcpu_rate=st.floats(0, 1e3),
)


@settings(max_examples=SOME)
@given(policies, observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: Budget, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer
    assert cap(answer) >= policy.vital


@settings(max_examples=SOME)
@given(policies, st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=5))
def test_absurd_signals_end_in_a_bid_within_bounds(policy: Budget, values: list[float]) -> None:
    absurd = line(*((NOW - 900 * i, value) for i, value in reversed(list(enumerate(values)))))
    signals = {"running_jobs": absurd, "error_share": absurd}
    answer = policy.propose(seen(signals=signals))
    assert policy.vital <= cap(answer) <= LARGEST_BID
    assert str(answer.reason)


@settings(max_examples=SOME)
@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1e5))
def test_who_spent_more_gets_no_higher_ceiling(budget: float, spent: float, more: float) -> None:
    policy = Budget(compute_seconds=budget + 1, period="day", spent="bill")

    def ceiling(bill: float) -> int:
        return cap(policy.propose(look(signals={"bill": line((NOON, bill))})))

    assert ceiling(spent + more) <= ceiling(spent)
