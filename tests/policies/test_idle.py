"""`idle`: a low floor after a time without requests, and one replica at any doubt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.observation import Absence, Health, Missing, Observation, Series
from autoscaler.core.proposal import Bid, PolicyEntry, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.calendar import Calendar, Entry, Numbers
from policies.idle import Idle
from policies.target_load import TargetLoad
from tests.strategies import NOW, SOME, observations, seen

SLEEPY = Idle(floor=0, opt_in=True, wakes_by="platform", after_s=600)
ONE = {Dial.MIN_REPLICAS: Bid(at_least=1)}


def silence(length_s: float = 900, step_s: float = 15, until: float = NOW, **parts: Any) -> Series:
    times = tuple(until - step_s * i for i in reversed(range(int(length_s / step_s) + 1)))
    return Series(times, (0.0,) * len(times), **parts)


def request(ago_s: float, value: float = 1.0) -> Series:
    calm = silence()
    values = tuple(value if NOW - at == ago_s else 0.0 for at in calm.times)
    assert max(values) == value
    return Series(calm.times, values)


def look(jobs: Series | Missing | None = None, **parts: Any) -> Observation:
    named = {"running_jobs": silence() if jobs is None else jobs}
    return seen(**{"envelope": Envelope(2, 10, 32), "signals": named, **parts})


def bids(policy: Idle, observation: Observation) -> dict[Dial, Bid]:
    answer = policy.propose(observation)
    assert isinstance(answer, Proposal)
    return dict(answer.bids)


def reason(policy: Idle, observation: Observation) -> tuple[Code, str]:
    found = policy.propose(observation).reason
    return found.code, str(found)


# --- idle -----------------------------------------------------------------------------------


def test_after_a_time_without_requests_it_wants_the_low_floor() -> None:
    assert bids(SLEEPY, look()) == {Dial.MIN_REPLICAS: Bid(want=0)}
    assert reason(SLEEPY, look()) == (
        Code.IDLE,
        "no request for 10 min (running_jobs): a floor of 0",
    )


def test_a_low_floor_above_zero_needs_no_consent() -> None:
    assert bids(Idle(floor=2, after_s=600), look()) == {Dial.MIN_REPLICAS: Bid(want=2)}


def test_it_can_overrule_the_floors_of_others_when_asked_to() -> None:
    firm = Idle(floor=1, after_s=600, bound="at_most")
    assert bids(firm, look()) == {Dial.MIN_REPLICAS: Bid(at_most=1)}


@pytest.mark.fault(79)
def test_a_request_within_the_time_keeps_one_replica() -> None:
    assert bids(SLEEPY, look(request(ago_s=600))) == ONE
    assert reason(SLEEPY, look(request(ago_s=45, value=3))) == (
        Code.NOT_IDLE,
        "running_jobs was 3 45 s ago: at least one replica",
    )
    assert bids(SLEEPY, look(request(ago_s=615))) == {Dial.MIN_REPLICAS: Bid(want=0)}


def test_values_up_to_the_quiet_level_are_no_requests() -> None:
    calm = Idle(floor=1, after_s=600, quiet=0.5)
    assert bids(calm, look(request(60, value=0.5))) == {Dial.MIN_REPLICAS: Bid(want=1)}
    assert bids(calm, look(request(60, value=0.6))) == ONE


def test_all_signals_must_be_without_requests() -> None:
    both = Idle(("running_jobs", "queued"), after_s=600)
    calm = {"running_jobs": silence(), "queued": silence()}
    assert bids(both, look(signals=calm)) == {Dial.MIN_REPLICAS: Bid(want=1)}
    assert bids(both, look(signals=calm | {"queued": request(30)})) == ONE


def test_the_signal_that_wakes_is_read_like_the_others() -> None:
    waking = Idle(floor=0, opt_in=True, wakes_by="gateway_queue", after_s=600)
    assert waking.needs == ("running_jobs", "gateway_queue")
    assert waking.windows == {"running_jobs": 720, "gateway_queue": 720}
    asleep = {"running_jobs": silence(), "gateway_queue": request(0)}
    empty = Envelope(0, 10, 32)
    assert bids(waking, look(signals=asleep, envelope=empty)) == ONE
    assert bids(waking, look(signals={"running_jobs": silence()}, envelope=empty)) == ONE


# --- doubts ---------------------------------------------------------------------------------

HOLE = Series((NOW - 900, NOW - 550, NOW - 450, NOW - 250, NOW - 130, NOW - 10), (0.0,) * 6)
LATE = Series((NOW - 550, NOW - 450, NOW - 350, NOW - 230, NOW - 130, NOW - 10), (0.0,) * 6)
DOUBTS: tuple[tuple[str, Observation, str], ...] = (
    ("missing", look(Missing(Absence.STALE)), "it is too old"),
    ("never read", look(signals={}), "it was never read"),
    ("partial", look(silence(complete=False)), "it may be partial"),
    ("too short", look(silence(300)), "its samples reach back 5 min of 10 min"),
    ("stale", look(silence(until=NOW - 150)), "its samples leave 150 s open, 120 s may be"),
    ("old", look(silence(until=NOW - 700)), "its samples leave 10 min open, 120 s may be"),
    ("a hole", look(HOLE), "its samples leave 3 min 20 s open, 120 s may be"),
    ("an outage", look(silence(recovered_at=NOW - 60)), "its source was away until 60 s ago"),
    ("negative", look(Series((NOW - 700, NOW), (0.0, -1.0))), "it was -1"),
    ("all ahead", look(silence(300, until=NOW + 900)), "its samples reach back 0 s of 10 min"),
)


@pytest.mark.fault(79)
@pytest.mark.parametrize(
    ("observation", "why"), [d[1:] for d in DOUBTS], ids=[d[0] for d in DOUBTS]
)
def test_any_doubt_of_a_signal_means_one_replica(observation: Observation, why: str) -> None:
    assert bids(SLEEPY, observation) == ONE
    code, text = reason(SLEEPY, observation)
    assert code is Code.IDLE_UNKNOWN
    assert text.startswith(f"at least one replica, because running_jobs leaves a doubt: {why}")


def test_small_gaps_an_old_outage_and_an_almost_covered_start_leave_no_doubt() -> None:
    for calm in (LATE, silence(recovered_at=NOW - 601), silence(until=NOW - 120)):
        assert bids(SLEEPY, look(calm)) == {Dial.MIN_REPLICAS: Bid(want=0)}


@pytest.mark.parametrize("state", ["STARTING", "DEGRADED", "FAILED", "DISABLED", "HIBERNATING"])
def test_a_deployment_that_is_not_settled_keeps_one_replica(state: str) -> None:
    unsettled = look(health=Health(state, is_ready=True))
    assert bids(SLEEPY, unsettled) == ONE
    assert reason(SLEEPY, unsettled) == (
        Code.IDLE_UNKNOWN,
        f"at least one replica while it is {state} and ready",
    )


def test_not_ready_is_a_doubt_unless_it_may_be_asleep() -> None:
    waiting = Health("ACTIVE", is_ready=False)
    assert bids(SLEEPY, look(health=waiting)) == ONE
    asleep = look(health=waiting, envelope=Envelope(0, 10, 32))
    assert bids(SLEEPY, asleep) == {Dial.MIN_REPLICAS: Bid(want=0)}


# --- at start -------------------------------------------------------------------------------


@pytest.mark.fault(79)
@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"floor": 0}, "opt_in must be true for a floor of 0, got False"),
        ({"floor": 0, "wakes_by": "platform"}, "opt_in must be true for a floor of 0"),
        ({"floor": 0, "opt_in": True}, "wakes_by must be `platform` or a signal for a floor of 0"),
        (
            {"floor": 0, "opt_in": True, "wakes_by": "platform", "quiet": 0.5},
            "quiet must be 0 for a floor of 0, got 0.5",
        ),
        ({"signals": ()}, "signals must name at least one signal"),
        ({"after_s": 30}, "after_s must be at least 60, got 30"),
        ({"floor": -1}, "floor must be at least 0, got -1"),
        ({"bound": "at_least"}, "bound must be one of want, at_most, got 'at_least'"),
    ],
)
def test_zero_without_consent_and_other_mistakes_are_refused_at_start(
    options: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        Idle(**options)


# --- with others ----------------------------------------------------------------------------


def planned(observation: Observation, *entries: PolicyEntry) -> int:
    return decide(observation, entries, (LimitsGuard(),)).after.min_replicas


def test_the_floor_of_a_calendar_holds_while_nobody_asks() -> None:
    calendar = Calendar({"open": Entry(at_least=Numbers(min_replicas=3))})
    idle, open_ = PolicyEntry("idle", SLEEPY), PolicyEntry("calendar", calendar)
    assert planned(look(), idle) == 0
    assert planned(look(), idle, open_) == 3


def test_a_load_policy_cannot_take_the_last_replica_while_idle_is_not_sure() -> None:
    load = PolicyEntry("load", TargetLoad(window_s=60))
    short = look(silence(120), envelope=Envelope(1, 4, 32))
    assert planned(short, load) == 0
    assert planned(short, load, PolicyEntry("idle", SLEEPY)) == 1


# --- promises -------------------------------------------------------------------------------

idles = st.builds(
    Idle,
    signals=st.sampled_from([("running_jobs",), ("running_jobs", "error_share")]),
    after_s=st.floats(60, 1000),
    floor=st.integers(0, 3),
    opt_in=st.just(True),
    wakes_by=st.sampled_from(["platform", "error_share"]),
    gap_s=st.floats(1, 1000),
    bound=st.sampled_from(["want", "at_most"]),
)


@given(idles, observations())
@settings(max_examples=SOME, deadline=None)
def test_every_answer_is_valid_and_is_either_sure_or_one_replica(
    policy: Idle, observation: Observation
) -> None:
    answer = policy.propose(observation)
    assert isinstance(answer, Proposal)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    if answer.reason.code is not Code.IDLE:
        assert answer.bids == ONE


@given(idles, observations())
@settings(max_examples=SOME, deadline=None)
def test_it_is_never_sure_when_any_sample_shows_a_request(
    policy: Idle, observation: Observation
) -> None:
    if policy.propose(observation).reason.code is Code.IDLE:
        assert observation.health.state == "ACTIVE"
        for name in policy.needs:
            series = observation.signal(name)
            assert isinstance(series, Series)
            assert series.complete
            assert max(series.since(observation.at - policy.after_s), default=0) <= policy.quiet


@given(st.lists(st.floats(1, 400), min_size=1, max_size=30), st.floats(60, 1000), st.floats(1, 400))
@settings(max_examples=SOME, deadline=None)
def test_sure_means_that_no_moment_is_further_from_a_sample_than_the_gap(
    steps: list[float], after_s: float, gap_s: float
) -> None:
    times = [NOW - steps[0]]
    for step in steps[1:]:
        times.insert(0, times[0] - step)
    policy = Idle(floor=1, after_s=after_s, gap_s=gap_s)
    answer = policy.propose(look(Series(tuple(times), (0.0,) * len(times))))
    if answer.reason.code is Code.IDLE:
        for moment in range(int(NOW - after_s) + 1, int(NOW)):
            before = [NOW - after_s, *(at for at in times if at <= moment)]
            after = [NOW, *(at for at in times if at > moment)]
            assert min(after) - max(before) <= gap_s
        assert times[0] <= NOW - after_s + gap_s
