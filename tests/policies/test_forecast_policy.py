from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import (
    Absence,
    Capacity,
    Carried,
    ChosenRisk,
    Health,
    Learned,
    Missing,
    NativeScaling,
    Observation,
    Series,
    Signal,
)
from autoscaler.core.proposal import Abstain, Bid, Proposal
from autoscaler.core.reason import Code
from policies.forecast import Forecast

NOW = 1_000_000.0
GONE = Missing(Absence.SOURCE_FAILED)


def ahead(value: float, *, complete: bool = True) -> Series:
    return Series((NOW + 120, NOW + 150), (value, value), complete)


def seen(
    now: Envelope,
    forecast: Signal,
    keep: Signal | None = None,
    ceiling: Signal | None = None,
    demand: Signal | None = None,
) -> Observation:
    return Observation(
        at=NOW,
        deployment="d",
        envelope=now,
        envelope_at=NOW,
        health=Health("ACTIVE", is_ready=True),
        signals={
            "running_jobs": demand or Series((NOW - 10,), (10.0,)),
            "forecast": forecast,
            "forecast_keep": keep or forecast,
            "forecast_ceiling": ceiling or forecast,
        },
    )


def bids(observation: Observation, policy: Forecast | None = None) -> tuple[Bid, Bid, Code]:
    answer = (policy or Forecast()).propose(observation)
    assert isinstance(answer, Proposal)
    return answer.bids[Dial.MIN_REPLICAS], answer.bids[Dial.MAX_REPLICAS], answer.reason.code


def test_the_floor_is_ready_for_what_is_forecast() -> None:
    floor, ceiling, code = bids(seen(Envelope(2, 9, 10), ahead(41.0)))
    assert floor == Bid(want=5, at_least=5)
    assert ceiling.at_least == 5
    assert code is Code.LOAD_ABOVE_TARGET


def test_what_the_keep_forecast_needs_stays() -> None:
    floor, _, code = bids(seen(Envelope(8, 9, 10), ahead(20.0), keep=ahead(61.0)))
    assert floor == Bid(want=7, at_least=2)
    assert code is Code.LOAD_BELOW_TARGET


def test_nothing_more_is_ordered_for_the_keep_forecast_alone() -> None:
    floor, _, code = bids(seen(Envelope(3, 9, 10), ahead(20.0), keep=ahead(61.0)))
    assert floor == Bid(want=3, at_least=2)
    assert code is Code.WITHIN_TOLERANCE


@pytest.mark.parametrize(
    "demand",
    [GONE, Series((NOW - 400,), (1.0,)), Series((NOW - 10,), (1.0,), complete=False)],
    ids=["missing", "stale", "partial"],
)
def test_without_fresh_demand_a_forecast_never_lowers(demand: Signal) -> None:
    floor, ceiling, _ = bids(seen(Envelope(8, 9, 10), ahead(20.0), demand=demand))
    assert floor == Bid(at_least=2)
    assert ceiling.want is None


def test_a_forecast_of_partial_data_releases_nothing() -> None:
    partial = ahead(20.0, complete=False)
    floor, ceiling, _ = bids(seen(Envelope(8, 9, 10), partial))
    assert floor.want is None
    assert ceiling.want is None


def test_without_a_keep_forecast_nothing_is_released() -> None:
    floor, _, _ = bids(seen(Envelope(8, 9, 10), ahead(20.0), keep=GONE))
    assert floor == Bid(at_least=2)


def test_no_forecast_is_no_opinion() -> None:
    answer = Forecast().propose(seen(Envelope(1, 9, 10), GONE))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING


def test_a_forecast_that_lies_in_the_past_is_no_forecast() -> None:
    past = Series((NOW - 30, NOW - 1), (50.0, 50.0))
    assert isinstance(Forecast().propose(seen(Envelope(1, 9, 10), past)), Abstain)


def test_the_buffer_and_the_target_leave_room() -> None:
    policy = Forecast(target=0.5, buffer=0.2)
    assert bids(seen(Envelope(1, 99, 10), ahead(50.0)), policy)[0].at_least == 12


def test_the_ceiling_follows_its_own_forecast() -> None:
    floor, ceiling, _ = bids(seen(Envelope(1, 9, 10), ahead(20.0), ceiling=ahead(75.0)))
    assert floor.at_least == 2
    assert ceiling == Bid(want=8, at_least=8)


def test_the_ceiling_leaves_the_platforms_scaler_what_the_present_load_can_use() -> None:
    # 57 / (10 threads x 0.75) is 8 replicas, and one to spare; what was higher long ago is over.
    measured = Series((NOW - 200, NOW - 90, NOW - 10), (400.0, 57.0, 40.0))
    observation = seen(Envelope(1, 20, 10), ahead(60.0), demand=measured)
    _, ceiling, _ = bids(observation)
    assert ceiling == Bid(want=9, at_least=9)
    eager = replace(observation, native=NativeScaling(up_threshold=0.5))
    assert bids(eager)[1].at_least == 13


def test_without_that_room_the_ceiling_is_its_forecast_and_the_spare() -> None:
    measured = Series((NOW - 10,), (400.0,))
    policy = Forecast(room=False, spare=2)
    _, ceiling, _ = bids(seen(Envelope(1, 9, 10), ahead(20.0), demand=measured), policy)
    assert ceiling == Bid(want=4, at_least=4)


def test_missing_demand_neither_opens_nor_lowers_the_ceiling() -> None:
    _, ceiling, _ = bids(seen(Envelope(1, 9, 10), ahead(20.0), demand=GONE))
    assert ceiling == Bid(at_least=2)


@pytest.mark.parametrize(("met", "words"), [(True, "keeps"), (False, "is nearest to")])
def test_the_reason_tells_the_risk_that_an_slo_chose(met: bool, words: str) -> None:
    chosen = ChosenRisk("forecast", 0.985, 0.01, 0.008, 168.0, met, NOW)
    observation = replace(seen(Envelope(2, 9, 10), ahead(41.0)), learned=Learned(chosen=(chosen,)))
    answer = Forecast().propose(observation)
    assert f"the risk {words} 1.00% without room (tau 0.985)" in str(answer.reason)
    assert dict(answer.reason.facts)["tau"] == 0.985


def test_an_option_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="target must be at most 1, got 7"):
        Forecast(target=7.0)


@given(
    add=st.floats(0, 1e5),
    more=st.floats(0, 1e5),
    floor=st.integers(0, 100),
    threads=st.integers(1, 100),
)
def test_the_bids_never_contradict_each_other(
    add: float, more: float, floor: int, threads: int
) -> None:
    now = Envelope(floor, 200, threads)
    low, high, _ = bids(
        seen(now, ahead(add), keep=ahead(add + more), ceiling=ahead(add + 2 * more))
    )
    assert low.at_least is not None
    assert low.want is not None
    assert high.at_least is not None
    assert low.at_least <= low.want <= max(low.at_least, floor)
    assert high.at_least >= low.want
    stale = replace(seen(now, ahead(add)), signals={"forecast": ahead(add)})
    assert bids(stale)[0].at_least == low.at_least


@pytest.mark.parametrize(
    ("sights", "floor"),
    [
        ((Carried(5.0, 6.0),) * 5, 9),
        ((Carried(5.0, 6.0),) * 4, 5),
        ((Carried(5.0, 9.0),) * 5, 5),
        ((Carried(12.0, 12.0),) * 5, 5),
        ((), 5),
    ],
    ids=["well known", "seldom seen", "too wide", "above the threads", "never seen"],
)
def test_what_a_replica_was_seen_to_carry_counts_once_it_is_well_known(
    sights: tuple[Carried, ...], floor: int
) -> None:
    learned = Learned(capacity=Capacity("v1", 10, sights, NOW))
    observation = replace(seen(Envelope(2, 9, 10), ahead(41.0)), learned=learned)
    assert bids(observation, Forecast(use_carried=True))[0].at_least == floor
    assert bids(observation)[0].at_least == 5
