"""`latency_slo`: the fewest replicas for an objective, by Erlang and by what is observed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.capacity import Demand, queue, square_root_staffing
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Change, Missing, Observation, Series
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.latency_slo import LatencySlo
from tests.strategies import NOW, SOME, observations, seen

TEN = Envelope(4, 10, 10)


def line(*values: float, step: float = 15.0, until: float = NOW) -> Series:
    """One sample every `step` seconds, the newest at `until`."""
    count = len(values)
    return Series(tuple(until - step * (count - 1 - i) for i in range(count)), values)


def look(
    rate: Series | Missing, service: Series | Missing, envelope: Envelope = TEN, **parts: Any
) -> Observation:
    signals = {"arrival_rate": rate, "service_time": service, **parts.pop("signals", {})}
    return seen(envelope=envelope, signals=signals, **parts)


def bids(answer: Answer) -> tuple[int | None, int | None]:
    assert isinstance(answer, Proposal), answer
    return answer.bids[Dial.MIN_REPLICAS].want, answer.bids[Dial.MAX_REPLICAS].want


def test_an_objective_becomes_replicas_by_erlangs_formula() -> None:
    # 125 a second of 0.4 s keep 50 threads busy; 53 suffice for 95 % within 1.5 s.
    answer = LatencySlo(objective_s=1.5).propose(look(line(125), line(0.4)))
    assert bids(answer) == (6, 9)
    assert answer.reason.code is Code.LOAD_ABOVE_TARGET
    assert str(answer.reason) == (
        "50.0 busy threads of 0.4 s need 6 replicas of 10 threads for a response of 1.5 s in 95%"
    )
    assert queue(Demand(50, 0.4), 52).response_beyond(1.5) <= 0.05
    assert queue(Demand(50, 0.4), 51).response_beyond(1.5) > 0.05


def test_a_wait_alone_may_be_the_objective() -> None:
    policy = LatencySlo(objective_s=0.2, measure="wait")
    answer = policy.propose(look(line(125), line(0.4), Envelope(55, 90, 1)))
    assert bids(answer) == (55, 83)
    assert answer.reason.code is Code.WITHIN_TOLERANCE
    assert "for a wait of 0.2 s in 95%" in str(answer.reason)


def test_running_jobs_are_busy_threads_by_littles_law() -> None:
    by_jobs = LatencySlo(objective_s=1.5, load_is="jobs").propose(look(line(50), line(0.4)))
    assert bids(by_jobs) == (6, 9)


def test_the_peak_of_the_window_counts_and_the_mean_service_time() -> None:
    policy = LatencySlo(objective_s=1.5, window_s=60)
    assert bids(policy.propose(look(line(900, 1, 1, 1, 125, 1), line(0.3, 0.5)))) == (6, 9)
    assert bids(policy.propose(look(line(125, until=NOW - 90), line(0.4, until=NOW - 900)))) == (
        6,
        9,
    )


def test_a_forecast_counts_as_the_load_that_it_tells() -> None:
    ahead = line(10, 10, 125, until=NOW + 300, step=150)
    assert bids(LatencySlo(objective_s=1.5).propose(look(ahead, line(0.4)))) == (6, 9)


def test_wide_service_times_need_more_and_narrow_ones_less() -> None:
    def floor(scv: float) -> int:
        policy = LatencySlo(objective_s=0.2, measure="wait", service_scv=scv)
        wanted, _ = bids(policy.propose(look(line(125), line(0.4), Envelope(1, 90, 1))))
        assert wanted is not None
        return wanted

    assert floor(0) < floor(1) < floor(4)


def test_a_measured_variability_takes_the_assumed_ones_place() -> None:
    policy = LatencySlo(objective_s=0.2, measure="wait", service_scv_signal="scv", service_scv=0)
    wide = look(line(125), line(0.4), Envelope(1, 90, 1), signals={"scv": line(4)})
    assumed = LatencySlo(objective_s=0.2, measure="wait", service_scv=4)
    assert bids(policy.propose(wide)) == bids(assumed.propose(wide))
    gone = look(line(125), line(0.4), signals={"scv": Missing(Absence.STALE)})
    assert str(policy.propose(gone).reason) == "scv is too old"


def test_no_arrivals_need_no_replica_and_no_service_time() -> None:
    answer = LatencySlo().propose(look(line(0), Missing(Absence.NOT_A_NUMBER)))
    assert bids(answer) == (0, 1)
    assert answer.reason.code is Code.LOAD_BELOW_TARGET
    assert str(answer.reason) == "no arrivals in 60 s need no replica"


def test_a_missing_signal_is_an_abstention_and_never_zero() -> None:
    for observation, name in (
        (look(Missing(Absence.EMPTY), line(1)), "arrival_rate"),
        (look(line(1), Missing(Absence.EMPTY)), "service_time"),
    ):
        answer = LatencySlo().propose(observation)
        assert isinstance(answer, Abstain)
        assert answer.reason.code is Code.SIGNAL_MISSING
        assert name in str(answer.reason)


@pytest.mark.parametrize("service", [0.0, -1.0])
def test_a_service_that_takes_no_time_is_not_believed(service: float) -> None:
    answer = LatencySlo().propose(look(line(1), line(service)))
    assert str(answer.reason) == "service_time is outside its declared range"


def test_a_mean_that_overflows_is_no_number() -> None:
    answer = LatencySlo().propose(look(line(1), line(1.7e308, 1.7e308)))
    assert str(answer.reason) == "service_time is not a number"


# --- out of reach ----------------------------------------------------------------------------


def test_an_objective_that_no_replica_can_meet_burns_no_money() -> None:
    answer = LatencySlo(objective_s=0.8).propose(look(line(125), line(0.4)))
    assert isinstance(answer, Proposal)
    assert answer.bids == {}
    assert answer.reason.code is Code.OBJECTIVE_OUT_OF_REACH
    assert str(answer.reason) == (
        "service alone, 0.4 s on average, exceeds 0.8 s in 13.53% and 5.00% are allowed: "
        "no number of replicas meets the objective"
    )


def test_the_queue_may_be_kept_stable_where_the_objective_is_out_of_reach() -> None:
    policy = LatencySlo(objective_s=0.8, out_of_reach="stable")
    answer = policy.propose(look(line(125), line(0.4), Envelope(1, 90, 1)))
    floor, _ = bids(answer)
    assert floor == square_root_staffing(50, 0.5) == 54
    assert str(answer.reason).endswith("; 54 replicas keep the queue stable")


def test_a_narrow_service_time_brings_the_same_objective_into_reach() -> None:
    answer = LatencySlo(objective_s=0.8, service_scv=0.1).propose(look(line(125), line(0.4)))
    assert bids(answer) == (6, 9)


# --- what is observed ------------------------------------------------------------------------

BUSY = Envelope(60, 90, 1)


def observed(*values: float, floor: int = 60, **parts: Any) -> Observation:
    count = len(values)
    signals = {"p95": line(*values), "replicas": line(*[float(floor)] * count)}
    rate = line(*[125.0] * count)
    return look(rate, line(0.4), Envelope(floor, 90, 1), signals=signals, **parts)


CHECKED = LatencySlo(objective_s=1.5, observed="p95", replicas_signal="replicas")
MODELLED = queue(Demand(50, 0.4), 60).response_percentile(0.95)


def test_latency_as_modelled_changes_nothing() -> None:
    plain = LatencySlo(objective_s=1.5).propose(look(line(125), line(0.4), BUSY))
    answer = CHECKED.propose(observed(*[MODELLED] * 5))
    assert bids(answer) == bids(plain)


def test_worse_latency_than_modelled_tightens_the_objective() -> None:
    answer = CHECKED.propose(observed(*[MODELLED * 1.2] * 5))
    tighter = LatencySlo(objective_s=1.5 / 1.2).propose(look(line(125), line(0.4), BUSY))
    assert bids(answer) == bids(tighter)
    assert str(answer.reason).endswith("; observed times are 1.20 of the model's")


def test_one_bad_moment_does_not_move_the_median() -> None:
    calm = CHECKED.propose(observed(*[MODELLED] * 7))
    assert bids(CHECKED.propose(observed(*[MODELLED] * 3, 40.0, *[MODELLED] * 3))) == bids(calm)


def test_the_correction_is_bounded_both_ways() -> None:
    awful = CHECKED.propose(observed(*[MODELLED * 50] * 5))
    assert awful.reason.code is Code.OBJECTIVE_OUT_OF_REACH
    assert "observed times are 2.00 of the model's" in str(awful.reason)
    splendid = CHECKED.propose(observed(*[MODELLED / 50] * 5))
    assert "observed times are 0.50 of the model's" in str(splendid.reason)


def test_without_running_replicas_the_objective_is_only_tightened() -> None:
    policy = LatencySlo(objective_s=1.5, observed="p95")
    answer = policy.propose(observed(*[MODELLED / 50] * 5))
    assert "observed" not in str(answer.reason)
    answer = policy.propose(observed(*[MODELLED * 1.2] * 5))
    assert "observed times are 1.20" in str(answer.reason)


def test_an_overload_says_nothing_about_the_model() -> None:
    answer = CHECKED.propose(observed(30.0, 30.0, floor=40))
    assert "observed" not in str(answer.reason)


def test_moments_without_load_replicas_or_latency_say_nothing() -> None:
    signals = {"p95": line(9.0, 9.0, 0.0), "replicas": line(0.0, 0.0, 60.0)}
    late = look(line(125), line(0.4), BUSY, signals=signals)
    assert "observed" not in str(CHECKED.propose(late).reason)


def test_the_size_of_a_past_moment_is_read_from_the_journal() -> None:
    policy = LatencySlo(objective_s=1.5, observed="p95")
    grown = Change(NOW - 1, Envelope(40, 90, 1), BUSY)
    before = observed(*[MODELLED * 1.5] * 5, changes=(grown,))
    # With 40 servers the model sees an overload; only the newest sample is of the 60.
    assert "observed times are 1.50" in str(policy.propose(before).reason)
    old = observed(*[MODELLED * 1.5] * 5, changes=(Change(NOW - 900, TEN, BUSY),))
    assert "observed times are 1.50" in str(policy.propose(old).reason)


def test_a_missing_percentile_leaves_the_model_alone() -> None:
    signals = {"p95": Missing(Absence.STALE), "replicas": Missing(Absence.STALE)}
    answer = CHECKED.propose(look(line(125), line(0.4), BUSY, signals=signals))
    assert bids(answer)[0] == 52
    old = CHECKED.propose(
        look(line(125), line(0.4), BUSY, signals={"p95": line(9, until=NOW - 1e4)})
    )
    assert bids(old)[0] == 52


def test_waits_are_compared_together_with_their_service() -> None:
    policy = LatencySlo(objective_s=0.2, measure="wait", observed="p95", replicas_signal="replicas")
    calm = policy.propose(observed(*[1e-6] * 5))
    assert "observed times are 0.92" in str(calm.reason)
    slow = policy.propose(observed(*[0.4] * 5))
    assert "observed times are 1.84" in str(slow.reason)


def test_many_samples_are_thinned() -> None:
    answer = CHECKED.propose(observed(*[MODELLED * 1.2] * 40))
    assert "observed times are 1.20" in str(answer.reason)


# --- options and properties ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective_s": 0}, "objective_s must be greater than 0, got 0"),
        ({"share": 1}, "share must be at most 0.9999, got 1"),
        ({"measure": "p99"}, "measure must be one of response, wait, got 'p99'"),
        ({"load_is": "cpu"}, "load_is must be one of rate, jobs, got 'cpu'"),
        ({"correction_least": 0}, "correction_least must be greater than 0, got 0"),
        ({"correction_most": 0.5}, "correction_most must be at least 1, got 0.5"),
    ],
)
def test_an_option_out_of_its_range_is_refused_at_start(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LatencySlo(**options)


def test_the_signals_that_it_reads_are_named() -> None:
    assert LatencySlo().needs == ("arrival_rate", "service_time")
    assert LatencySlo(service_scv_signal="scv", observed="p95", replicas_signal="n").needs == (
        "arrival_rate", "service_time", "scv", "p95", "n",
    )  # fmt: skip


policies = st.builds(
    LatencySlo,
    objective_s=st.floats(1e-3, 100),
    share=st.floats(0.5, 0.9999),
    measure=st.sampled_from(("response", "wait")),
    signal=st.sampled_from(("running_jobs", "error_share")),
    load_is=st.sampled_from(("rate", "jobs")),
    service=st.sampled_from(("running_jobs", "error_share")),
    service_scv_signal=st.sampled_from(("", "error_share")),
    service_scv=st.floats(0, 100),
    arrival_scv=st.floats(0, 100),
    observed=st.sampled_from(("", "running_jobs")),
    replicas_signal=st.sampled_from(("", "error_share")),
    headroom=st.floats(0, 1e300),
    out_of_reach=st.sampled_from(("silent", "stable")),
)


@settings(max_examples=SOME)
@given(policies, observations())
def test_whatever_is_seen_the_answer_is_valid_and_the_same_again(
    policy: LatencySlo, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer


@settings(max_examples=SOME)
@given(
    policies,
    st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=3),
    st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=3),
)
def test_absurd_signals_end_in_a_bid_within_bounds(
    policy: LatencySlo, jobs: list[float], errors: list[float]
) -> None:
    signals = {"running_jobs": line(*jobs), "error_share": line(*errors)}
    answer = policy.propose(seen(envelope=TEN, signals=signals))
    assert fault_of(answer) == ""
    assert str(answer.reason)
    if isinstance(answer, Proposal):
        for bid in answer.bids.values():
            assert bid.want is not None
            assert 0 <= bid.want <= LARGEST_BID


@settings(max_examples=SOME)
@given(
    st.sampled_from(("response", "wait")),
    st.floats(0.1, 20),
    st.floats(0.01, 3),
    st.floats(0, 500),
    st.floats(0, 100),
    st.integers(1, 64),
)
def test_more_load_never_asks_for_fewer_and_the_objective_is_met(
    measure: str, objective: float, service: float, rate: float, more: float, threads: int
) -> None:
    policy = LatencySlo(objective_s=objective, measure=measure)
    now = Envelope(1, 500, threads)
    less, same = (policy.propose(look(line(r), line(service), now)) for r in (rate, rate + more))
    if less.reason.code is Code.OBJECTIVE_OUT_OF_REACH or rate == 0:
        return
    floor, raised = bids(less)[0], bids(same)[0]
    assert floor is not None
    assert raised is not None
    assert raised >= floor
    found = queue(Demand(rate * service, service), floor * threads)
    tail = found.wait_beyond if measure == "wait" else found.response_beyond
    assert tail(objective) <= 0.05 + 1e-9
    assert math.isfinite(found.mean_wait())
