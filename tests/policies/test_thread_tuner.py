"""`thread_tuner`: other threads rarely, for a reason, and with the replicas that go with them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.capacity import Usl
from autoscaler.core.decide import decide
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Observation,
    Override,
    Series,
)
from autoscaler.core.proposal import (
    LARGEST_BID,
    Abstain,
    Answer,
    PolicyEntry,
    Proposal,
    fault_of,
)
from autoscaler.core.reason import Code
from policies.target_load import TargetLoad
from policies.thread_tuner import ThreadTuner
from tests.strategies import NOW, SOME, observations, seen

# Five replicas of 20 threads, in a range of 5 to 10.
NOW_SET = Envelope(5, 10, 20)
STEADY = 80  # samples every 30 s: 40 minutes


def line(values: list[float], step: float = 30.0, until: float = NOW) -> Series:
    count = len(values)
    return Series(tuple(until - step * (count - 1 - i) for i in range(count)), tuple(values))


def look(
    latency: list[float] | Series | Missing,
    jobs: list[float] | Series | Missing,
    envelope: Envelope = NOW_SET,
    **parts: Any,
) -> Observation:
    signals: dict[str, Series | Missing] = {
        "service_latency": line(latency) if isinstance(latency, list) else latency,
        "running_jobs": line(jobs) if isinstance(jobs, list) else jobs,
        "replicas": line([float(envelope.min_replicas)] * STEADY),
        **parts.pop("signals", {}),
    }
    return seen(envelope=envelope, signals=signals, **parts)


def tuner(**options: Any) -> ThreadTuner:
    return ThreadTuner(**{"replicas_signal": "replicas", **options})


def wants(answer: Answer) -> tuple[int, int, int]:
    """Threads, floor and ceiling that are wanted."""
    assert isinstance(answer, Proposal), answer
    found = [
        answer.bids[dial].want for dial in (Dial.THREADS, Dial.MIN_REPLICAS, Dial.MAX_REPLICAS)
    ]
    threads, floor, roof = found
    assert threads is not None
    assert floor is not None
    assert roof is not None
    return threads, floor, roof


def quiet(answer: Answer, code: Code) -> str:
    """The reason of an answer without any opinion."""
    assert isinstance(answer, Proposal), answer
    assert answer.bids == {}
    assert answer.reason.code is code
    return str(answer.reason)


def calm(load: float = 80.0) -> Observation:
    """Replicas four fifths full, and a latency that does not mind."""
    return look([0.5] * STEADY, [load] * STEADY)


CONGESTED = [0.5] * 20 + [2.0] * 60


def congested(**parts: Any) -> Observation:
    """Latency jumped to four times what it was while the threads were full."""
    return look(CONGESTED, [100.0] * STEADY, **parts)


def test_threads_grow_where_latency_does_not_mind() -> None:
    answer = tuner().propose(calm())
    # 20 threads become 30; 5 x 20 = 4 x 30 less 20, and 80 jobs fill 24 of 30 in 4 replicas.
    assert wants(answer) == (30, 4, 7)
    assert answer.reason.code is Code.THREADS_TUNED
    assert str(answer.reason) == (
        "30 threads for 20, with 4..7 replicas: 20% of replicas saved by gradient2"
    )


def test_threads_shrink_where_latency_does_and_replicas_make_up_for_it() -> None:
    answer = tuner().propose(congested())
    threads, floor, roof = wants(answer)
    assert threads == 14
    assert (floor, roof) == (9, 15)  # 100 jobs fill 80 % of 9 x 14; 10 x 20 are 14.3 x 14
    assert "of latency gained" in str(answer.reason)


@pytest.mark.parametrize("rule", ["vegas", "aimd"])
def test_the_other_rules_grow_and_shrink_as_well(rule: str) -> None:
    assert wants(tuner(rule=rule).propose(calm()))[0] > 20
    # Three calm samples only: in many of them the limit runs ahead of what twenty threads show.
    jumped = look([0.5] * 3 + [2.0] * 77, [100.0] * STEADY)
    assert wants(tuner(rule=rule, timeout_s=1.0).propose(jumped))[0] < 20


def test_a_right_number_of_threads_stays() -> None:
    latencies = [0.5 if i % 2 else 0.95 for i in range(STEADY)]
    answer = tuner(queue=0, tolerance=1.0, max_factor=1.01).propose(
        look(latencies, [90.0] * STEADY, limits=Limits(threads=Range(20, 20)))
    )
    assert quiet(answer, Code.THREADS_RIGHT) == "gradient2 keeps 20 threads over 80 samples"


# --- what is allowed -------------------------------------------------------------------------


def test_threads_change_by_no_more_than_a_factor_at_once() -> None:
    assert wants(tuner(max_factor=1.3).propose(calm()))[0] == 26
    one = look([0.5] * STEADY, [5.0] * STEADY, Envelope(5, 10, 1))
    assert wants(tuner(fill=1.0).propose(one))[0] == 2


def test_the_learnt_thread_ceiling_is_respected() -> None:
    observation = look([0.5] * STEADY, [80.0] * STEADY, learned=Learned(thread_ceiling=25))
    assert wants(tuner(min_gain=0.01).propose(observation))[0] == 25
    tight = Limits(threads=Range(26, 64))
    observation = look(
        [0.5] * STEADY, [80.0] * STEADY, learned=Learned(thread_ceiling=25), limits=tight
    )
    assert wants(tuner(min_gain=0.01).propose(observation))[0] == 25


def test_the_users_limits_are_respected() -> None:
    limits = Limits(threads=Range(1, 27))
    assert wants(tuner().propose(look([0.5] * STEADY, [80.0] * STEADY, limits=limits)))[0] == 27


@pytest.mark.parametrize(
    "limits", [Limits(min_replicas=Range(0, 7)), Limits(max_replicas=Range(0, 12))]
)
def test_threads_do_not_shrink_where_replicas_may_not_make_up_for_it(limits: Limits) -> None:
    text = quiet(tuner().propose(congested(limits=limits)), Code.LIMITS)
    assert text == "14 threads for 20, the limits have no room for 9..15 replicas"


def test_the_floor_never_falls_below_what_the_load_needs() -> None:
    crowded = look([0.5] * STEADY, [80.0] * 78 + [140.0, 80.0])
    assert wants(tuner().propose(crowded))[1] == 6  # 140 / (30 x 0.8)


# --- when not --------------------------------------------------------------------------------


def test_a_low_load_tells_nothing() -> None:
    text = quiet(tuner().propose(calm(40.0)), Code.LOAD_TOO_LOW_TO_TELL)
    assert text == (
        "half of 20 threads were busy in 0% of samples: below 50%, the load is too low to tell"
    )


def test_too_few_samples_tell_nothing() -> None:
    text = quiet(tuner().propose(look([0.5] * 30, [80.0] * 30)), Code.SIGNAL_TOO_SHORT)
    assert text == "30 samples since threads are what they are; 60 are needed"
    gaps = look([0.5, -1.0] * 40, [80.0] * STEADY)
    assert tuner().propose(gaps).reason.code is Code.SIGNAL_TOO_SHORT
    idle = look([0.5] * STEADY, [80.0, 0.0] * 40)
    assert tuner().propose(idle).reason.code is Code.SIGNAL_TOO_SHORT


def test_jobs_that_were_not_sampled_then_are_not_made_up() -> None:
    late = look([0.5] * STEADY, line([80.0] * 20))
    assert str(tuner().propose(late).reason).startswith("20 samples since")
    gap = Series((NOW - 2000, NOW), (80.0, 80.0))
    assert str(tuner().propose(look([0.5] * STEADY, gap)).reason).startswith("7 samples since")


def test_samples_before_the_last_change_of_threads_tell_of_other_threads() -> None:
    changed = Change(NOW - 7200, Envelope(5, 10, 16), NOW_SET)
    policy = tuner(cooldown_s=3600, window_s=86_400)
    long = look([0.5] * 400, [80.0] * 400, changes=(changed,))
    # Two hours without the cold start of 300 s.
    short = policy.propose(long)
    assert isinstance(short, Proposal)
    many = tuner(cooldown_s=3600, window_s=86_400, samples=232).propose(long)
    assert str(many.reason) == "231 samples since threads are what they are; 232 are needed"


def test_a_change_of_threads_cools_down_for_hours() -> None:
    changed = Change(NOW - 3600, Envelope(5, 10, 16), NOW_SET)
    text = quiet(
        tuner().propose(look([0.5] * STEADY, [80.0] * STEADY, changes=(changed,))), Code.COOLDOWN
    )
    assert text == "threads changed lately; 5 h to wait"
    other = Change(NOW - 60, Envelope(4, 10, 20), NOW_SET)
    assert wants(tuner().propose(look([0.5] * STEADY, [80.0] * STEADY, changes=(other,))))[0] == 30


@pytest.mark.parametrize(
    ("health", "said"),
    [(Health("DEGRADED", is_ready=True), "DEGRADED"), (Health("ACTIVE", is_ready=False), "ACTIVE")],
)
def test_an_unhealthy_deployment_is_not_restarted(health: Health, said: str) -> None:
    observation = look([0.5] * STEADY, [80.0] * STEADY, health=health)
    text = quiet(tuner().propose(observation), Code.NOT_DURING_INCIDENT)
    assert text == f"no restart now: the deployment is {said}"


def test_nothing_is_restarted_while_an_operator_holds_the_deployment() -> None:
    word = Override(Control.FLOOR, "ada", "incident", NOW + 60, Dial.MIN_REPLICAS, 8)
    observation = look([0.5] * STEADY, [80.0] * STEADY, overrides=(word,))
    assert "an operator's override is active" in quiet(
        tuner().propose(observation), Code.NOT_DURING_INCIDENT
    )


def test_errors_veto_until_they_are_past_for_a_while() -> None:
    policy = tuner(errors="errors", errors_veto=0.02, calm_s=600)
    for ago, vetoed in ((5, True), (15, True), (25, False)):
        errors = [0.0] * STEADY
        errors[-1 - ago] = 0.05
        observation = look([0.5] * STEADY, [80.0] * STEADY, signals={"errors": line(errors)})
        answer = policy.propose(observation)
        if vetoed:
            text = quiet(answer, Code.NOT_DURING_INCIDENT)
            assert text == "no restart now: errors were above 2.00% lately"
        else:
            assert wants(answer)[0] == 30


def test_an_error_share_that_is_missing_may_hide_an_incident() -> None:
    observation = look([0.5] * STEADY, [80.0] * STEADY, signals={"errors": Missing(Absence.EMPTY)})
    answer = tuner(errors="errors").propose(observation)
    assert isinstance(answer, Abstain)
    assert str(answer.reason) == "errors has no data: the query answers nothing"


def test_latency_may_be_a_veto() -> None:
    policy = tuner(latency_veto_s=1.0)
    text = quiet(policy.propose(congested()), Code.NOT_DURING_INCIDENT)
    assert text == "no restart now: latency was above 1 s lately"
    assert wants(policy.propose(calm()))[0] == 30


def test_old_samples_restart_nothing() -> None:
    old = look(line([0.5] * STEADY, until=NOW - 300), [80.0] * STEADY)
    answer = tuner().propose(old)
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_STALE
    assert str(answer.reason) == ("the newest service_latency is 5 min old: too old for a restart")


def test_partial_samples_restart_nothing() -> None:
    partial = replace(line([80.0] * STEADY), complete=False)
    answer = tuner().propose(look([0.5] * STEADY, partial))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.DATA_INCOMPLETE
    assert str(answer.reason) == "running_jobs is partial: too little for a restart"


def test_a_gain_that_a_restart_outweighs_is_left() -> None:
    text = quiet(tuner(horizon_s=1800).propose(calm()), Code.RESTART_OUTWEIGHS_GAIN)
    assert text == (
        "30 threads for 20, 20% of replicas saved over 1800 s: below 10%, or not worth two sets "
        "of replicas for 300 s"
    )
    learned = look([0.5] * STEADY, [80.0] * STEADY, learned=Learned(startup_s=3000.0))
    assert "for 3000 s" in quiet(tuner().propose(learned), Code.RESTART_OUTWEIGHS_GAIN)


def test_a_single_replica_cannot_be_saved() -> None:
    single = look([0.5] * STEADY, [16.0] * STEADY, Envelope(1, 10, 20))
    assert "0% of replicas saved" in quiet(tuner().propose(single), Code.RESTART_OUTWEIGHS_GAIN)


# --- the curve -------------------------------------------------------------------------------


def on_curve(curve: Usl, threads: int = 20, replicas: int = 5) -> Observation:
    """Loads that come and go, and the latency that the curve gives each of them."""
    per_replica = [2 + (threads - 2) * abs(math.sin(i / 5)) for i in range(STEADY)]
    latencies = [n / curve.throughput(n) for n in per_replica]
    return look(latencies, [n * replicas for n in per_replica], Envelope(replicas, 10, threads))


def test_the_peak_of_the_curve_bounds_the_limiter() -> None:
    # sqrt(0.99 / 0.004) = 15.7: above it, every thread more takes throughput away.
    answer = tuner(tolerance=4.0).propose(on_curve(Usl(10, 0.01, 0.004)))
    assert wants(answer)[0] == 15
    assert str(answer.reason).startswith("15 threads for 20 (peak at 16), with")
    assert "of latency gained" in str(answer.reason)


def test_the_gain_of_more_threads_is_what_the_curve_promises() -> None:
    # Contention of 0.2: half as many threads again get 6 % more done, which saves no replica.
    flat = tuner(tolerance=4.0).propose(on_curve(Usl(10, 0.2, 0.0)))
    assert "0% of replicas saved" in quiet(flat, Code.RESTART_OUTWEIGHS_GAIN)
    steep = tuner(tolerance=4.0).propose(on_curve(Usl(10, 0.0, 0.0)))
    assert wants(steep)[0] == 30
    assert "(peak at inf)" in str(steep.reason)


# --- replicas that are not measured ----------------------------------------------------------


def test_without_a_signal_the_replicas_are_what_the_platforms_own_scaler_keeps() -> None:
    # 120 jobs in replicas of 20, filled to 75 %, are 8 of 5..10: each works on 15.
    observation = look([0.5] * STEADY, [120.0] * STEADY)
    assert wants(ThreadTuner().propose(observation)) == (30, 5, 7)
    # 40 jobs are below the floor of 5: 8 of 20 threads each.
    low = look([0.5] * STEADY, [40.0] * STEADY)
    assert quiet(ThreadTuner().propose(low), Code.LOAD_TOO_LOW_TO_TELL)


def test_the_floor_of_a_past_moment_is_read_from_the_journal() -> None:
    grown = Change(NOW - 30, Envelope(20, 20, 20), NOW_SET)
    old = Change(NOW - 90_000, Envelope(1, 2, 20), Envelope(20, 20, 20))
    observation = look([0.5] * STEADY, [100.0] * STEADY, changes=(old, grown))
    # Until half a minute ago twenty replicas shared a hundred jobs: five each.
    assert quiet(ThreadTuner().propose(observation), Code.LOAD_TOO_LOW_TO_TELL)


def test_a_replica_signal_with_a_gap_falls_back_to_the_estimate() -> None:
    observation = look([0.5] * STEADY, [80.0] * STEADY, signals={"replicas": line([5.0])})
    # 80 jobs at 75 % of 20 threads are 6 replicas with 13 each: less to see, so fewer threads.
    assert wants(tuner().propose(observation))[0] == 28


# --- options and properties ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "magic"}, "rule must be one of gradient2, vegas, aimd, got 'magic'"),
        ({"cooldown_s": 60}, "cooldown_s must be at least 3600, got 60"),
        ({"max_factor": 1}, "max_factor must be greater than 1, got 1"),
        ({"samples": 5}, "samples must be at least 10, got 5"),
        ({"min_gain": 0}, "min_gain must be greater than 0, got 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ThreadTuner(**options)


def test_the_signals_that_it_reads_are_named() -> None:
    assert ThreadTuner().needs == ("service_latency", "running_jobs")
    assert tuner(errors="errors").needs == ("service_latency", "running_jobs", "replicas", "errors")


names = st.sampled_from(("running_jobs", "error_share"))
policies = st.builds(
    ThreadTuner,
    latency=names,
    jobs=names,
    replicas_signal=st.sampled_from(("", "error_share")),
    errors=st.sampled_from(("", "error_share")),
    errors_veto=st.just(1.0),
    rule=st.sampled_from(("gradient2", "vegas", "aimd")),
    queue=st.floats(0, 100),
    samples=st.just(10),
    busy_share=st.floats(0, 1),
    fresh_s=st.sampled_from((180.0, 1e6)),
    max_factor=st.floats(1.01, 4),
    min_gain=st.floats(0.001, 0.5),
    cooldown_s=st.floats(3600, 90_000),
)


@settings(max_examples=SOME)
@given(policies, observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: ThreadTuner, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@settings(max_examples=SOME)
@given(
    policies,
    st.lists(st.floats(-1.7e308, 1.7e308), min_size=12, max_size=16),
    st.lists(st.floats(-1.7e308, 1.7e308), min_size=12, max_size=16),
)
def test_absurd_signals_end_in_a_bid_within_bounds(
    policy: ThreadTuner, jobs: list[float], other: list[float]
) -> None:
    signals = {"running_jobs": line(jobs), "error_share": line(other)}
    answer = policy.propose(seen(envelope=NOW_SET, signals=signals))
    assert fault_of(answer) == ""
    assert str(answer.reason)


@settings(max_examples=SOME)
@given(
    st.sampled_from(("gradient2", "vegas", "aimd")),
    st.lists(st.tuples(st.floats(0.01, 10), st.floats(1, 40)), min_size=20, max_size=40),
    st.integers(1, 10),
    st.integers(0, 10),
    st.integers(1, 64),
    st.integers(1, 128),
)
def test_a_move_keeps_the_capacity_and_the_limits(
    rule: str,
    found: list[tuple[float, float]],
    floor: int,
    more: int,
    threads: int,
    ceiling: int,
) -> None:
    now = Envelope(floor, floor + more, threads)
    policy = tuner(rule=rule, samples=10, busy_share=0.0, min_gain=0.001, startup_s=0, fill=1.0)
    observation = look(
        [latency for latency, _ in found],
        [jobs * floor for _, jobs in found],
        now,
        learned=Learned(thread_ceiling=ceiling),
    )
    answer = policy.propose(observation)
    assert isinstance(answer, Proposal)
    if not answer.bids:
        return
    wanted, low, high = wants(answer)
    assert wanted != threads
    assert 1 <= wanted <= ceiling
    assert low * wanted >= floor * threads
    assert high * wanted >= now.max_replicas * threads
    assert low <= high <= LARGEST_BID
    assert low * wanted >= max(jobs for _, jobs in found[-30:]) * floor - 1e-3


def test_a_quiet_night_beside_the_tuner_may_be_lowered() -> None:
    """Too few busy samples are no gap in the data, so they keep nobody from lowering."""
    night = look([0.5] * STEADY, [0.0] * STEADY)
    policies = (
        PolicyEntry("tuner", tuner()),
        PolicyEntry("load", TargetLoad(signal=tuner().jobs)),
    )
    plan = decide(night, policies, (Freshness(),))
    assert plan.votes[0].answer.reason.code is Code.SIGNAL_TOO_SHORT
    assert plan.after.min_replicas == 0 < plan.before.min_replicas
