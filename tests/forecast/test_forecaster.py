from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.observation import Absence, Missing, Series
from autoscaler.forecast import Forecaster, Options

DAY = 86_400.0
samples = st.lists(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e4)),
    min_size=1,
    max_size=200,
)


def edge(forecaster: Forecaster, at: float, name: str = "forecast") -> float:
    signal = forecaster.signals(at)[name]
    assert isinstance(signal, Series)
    return signal.last


def fed(values: list[float | None], options: Options | None = None) -> Forecaster:
    made = Forecaster(options or Options())
    for tick, value in enumerate(values):
        made.observe(tick * 30.0, value)
    return made


def noisy(count: int, level: float = 100.0, seed: int = 5) -> list[float | None]:
    chance = random.Random(seed)  # noqa: S311 - noise, nothing secret
    return [max(0.0, chance.gauss(level, math.sqrt(level))) for _ in range(count)]


@settings(max_examples=100, deadline=None)
@given(samples)
def test_whatever_comes_the_forecast_is_finite_ordered_and_deterministic(
    values: list[float | None],
) -> None:
    one, other = fed(values), fed(values)
    at = len(values) * 30.0
    assert one.signals(at) == other.signals(at)
    found = one.signals(at)
    if isinstance(found["forecast"], Missing):
        return
    add, keep = edge(one, at), edge(one, at, "forecast_keep")
    ceiling = edge(one, at, "forecast_ceiling")
    assert 0 <= add <= keep <= ceiling < math.inf


def test_reading_the_signals_changes_nothing() -> None:
    made = fed(noisy(50))
    assert made.signals(1500.0) == made.signals(1500.0)


def test_the_samples_lie_ahead_where_a_new_replica_would_serve() -> None:
    made = fed(noisy(50), Options(lead_s=120.0, every_s=30.0))
    at = 49 * 30.0
    signal = made.signals(at)["forecast"]
    assert isinstance(signal, Series)
    assert signal.times == (at + 120.0, at + 150.0)


def test_nothing_is_forecast_before_the_first_sample() -> None:
    made = Forecaster()
    made.observe(0.0, None)
    found = made.signals(0.0)
    assert set(found) == {"forecast", "forecast_keep", "forecast_ceiling"}
    assert all(isinstance(signal, Missing) for signal in found.values())


@pytest.mark.parametrize("tau", [0.9, 0.95, 0.98])
def test_demand_stays_within_the_forecast_as_often_as_was_asked(tau: float) -> None:
    made = fed(noisy(6000), Options(tau=tau))
    quality = made.quality()
    assert quality.coverage == pytest.approx(tau, abs=0.012)
    assert quality.loss_ratio is not None
    assert quality.loss_ratio < 1


def test_a_daily_rise_is_met_before_it_comes() -> None:
    def demand(at: float) -> float:
        return 400.0 if 9 * 3600 <= at % DAY < 17 * 3600 else 40.0

    made = Forecaster(Options(tau=0.95, every_s=60.0))
    at = 0.0
    while at < 8 * DAY + 9 * 3600 - 120:
        made.observe(at, demand(at))
        at += 60.0
    made.observe(at, demand(at))
    assert edge(made, at) > 350.0


def test_an_outage_is_held_and_not_learnt() -> None:
    made = fed(noisy(2000))
    before, trials = edge(made, 2000 * 30.0), made.quality().trials
    for tick in range(2000, 2100):
        made.observe(tick * 30.0, None)
    at = 2100 * 30.0
    signal = made.signals(at)["forecast"]
    assert isinstance(signal, Series)
    assert not signal.complete
    assert signal.last == pytest.approx(before, rel=0.3)
    assert made.quality().trials <= trials + 5


def test_after_a_long_outage_there_is_no_forecast() -> None:
    made = fed(noisy(100), Options(blind_s=3600.0))
    gone = made.signals(99 * 30.0 + 3601.0)["forecast"]
    assert isinstance(gone, Missing)
    assert gone.why is Absence.STALE
    assert gone.since == 99 * 30.0


def test_a_sudden_fall_to_nothing_is_held_for_ten_minutes_and_then_believed() -> None:
    made = fed(noisy(2000))
    at = 2000 * 30.0
    before = edge(made, at)
    for tick in range(2000, 2019):
        made.observe(tick * 30.0, 0.0)
    assert edge(made, 2018 * 30.0) == pytest.approx(before, rel=0.3)
    for tick in range(2019, 2200):
        made.observe(tick * 30.0, 0.0)
    assert edge(made, 2199 * 30.0) < 0.5 * before


def test_a_fall_that_happens_every_day_is_believed_at_once() -> None:
    def demand(at: float) -> float:
        return 0.0 if at % DAY >= 18 * 3600 else 100.0

    made = Forecaster(Options(every_s=60.0))
    at = 0.0
    while at < 3 * DAY + 18 * 3600 + 300:
        made.observe(at, demand(at))
        at += 60.0
    assert made.levels.one < 20.0


def test_ticks_left_out_are_a_gap_and_not_a_quiet_time() -> None:
    made = fed(noisy(500))
    trials = made.quality().trials
    made.observe(500 * 30.0 + 3600, 100.0)
    assert made.quality().trials == trials


def test_a_burst_raises_the_floor_by_the_next_tick() -> None:
    made = fed(noisy(500))
    made.observe(500 * 30.0, 2000.0)
    assert edge(made, 500 * 30.0) > 1.1 * made.levels.one


def test_a_lead_of_too_many_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match="lead_s must be at most 720 x every_s"):
        Options(lead_s=10_000.0, every_s=1.0)
    with pytest.raises(ValueError, match="tau must be at most"):
        Options(tau=1.0)
