"""The platform's own scaler alone, lived through in stored minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.observation import NativeScaling
from autoscaler.forecast import LivedAlone, Sizes, end_of, living_alone
from autoscaler.forecast.alone import LEAST_SLO
from autoscaler.forecast.history import History

SIZES = Sizes(carries=10, least=1, most=20)
NATIVE = NativeScaling()
MINUTES = 2 * 1440 + 2


def history(demand: Callable[[int], float], minutes: int = MINUTES) -> History:
    """Two days and a bit; of them the newer half is scored."""
    past = History()
    for minute in range(minutes):
        past.add(minute * 60.0, demand(minute))
    return past


def alone(
    demand: Callable[[int], float],
    sizes: Sizes = SIZES,
    lead_s: float = 120.0,
    native: NativeScaling = NATIVE,
) -> LivedAlone:
    found = end_of(living_alone(history(demand), lead_s, sizes, native))
    assert found is not None
    return found


def test_a_calm_load_is_carried_by_the_least() -> None:
    assert alone(lambda _: 5.0) == LivedAlone(0.0, 1.0)
    assert alone(lambda _: 5.0, Sizes(10, least=3, most=9)) == LivedAlone(0.0, 3.0)


def test_one_replica_a_minute_is_late_for_a_jump_and_stays_long_after_it() -> None:
    def jump(minute: int) -> float:
        return 100.0 if minute % 720 < 60 else 1.0

    found = alone(jump)
    # An hour in twelve; the first ten minutes of it and the cold start find too little.
    assert 0.1 < found.violations < 0.5
    # It goes down by one every half hour: eleven hours are not long enough to be back at one.
    assert found.replicas > 5
    slower = alone(jump, lead_s=600.0)
    assert slower.violations > found.violations


def test_it_is_held_by_the_ceiling() -> None:
    found = alone(lambda _: 100.0, Sizes(10, least=1, most=4))
    assert found.replicas == 4
    assert found.violations == pytest.approx(1.0)


def test_without_a_share_of_load_it_never_climbs() -> None:
    stubborn = NativeScaling(up_threshold=1.01)
    assert alone(lambda _: 10.0, native=stubborn).replicas == 1


def test_less_than_a_day_cannot_be_scored() -> None:
    short = history(lambda _: 5.0, 1440)
    assert end_of(living_alone(short, 120.0, SIZES, NATIVE)) is None


def test_minutes_without_data_are_no_calm() -> None:
    past = History()
    for minute in range(MINUTES):
        if minute < 1000 or minute > 1800:
            past.add(minute * 60.0, 50.0 if minute < 1000 else 30.0)
    found = end_of(living_alone(past, 120.0, SIZES, NATIVE))
    assert found is not None
    # It had seven for the 50 and let none of them go while nothing was known.
    assert found.violations == 0.0
    assert found.replicas > 4.5


@pytest.mark.parametrize(
    ("had", "share", "slo"), [(0.02, 0.5, 0.01), (0.02, 1.0, 0.02), (0.0, 1.0, LEAST_SLO)]
)
def test_an_slo_is_a_share_of_it_and_never_nothing(had: float, share: float, slo: float) -> None:
    assert LivedAlone(had, 3.0).slo(share) == slo


def test_it_works_in_slices() -> None:
    work: Iterator[None] = living_alone(history(lambda _: 5.0), 120.0, SIZES, NATIVE)
    assert sum(1 for _ in work) >= 4


@given(
    level=st.floats(0, 200),
    swing=st.floats(0, 1),
    least=st.integers(0, 5),
    more=st.integers(0, 20),
    lead_s=st.floats(1, 3600),
)
def test_it_stays_inside_its_limits_whatever_the_load(
    level: float, swing: float, least: int, more: int, lead_s: float
) -> None:
    sizes = Sizes(10, least, least + more)
    found = alone(lambda m: level * (1 + swing * math.sin(m / 100)), sizes, lead_s)
    assert 0 <= found.violations <= 1
    assert max(1, least) <= found.replicas <= max(1, least + more)
