"""An SLO chooses the risk: by replay, in slices, once a day, and not before it can."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Health, Learned, Series
from autoscaler.core.proposal import PolicyEntry
from autoscaler.forecast.alone import LEAST_SLO
from autoscaler.ports import Live
from autoscaler.roster import ForecastSpec, Managed
from autoscaler.runtime.choosing import RETRY_S, RiskChooser, sizes_of
from autoscaler.runtime.foresight import Foresight
from autoscaler.runtime.seat import Seat
from policies.forecast import Forecast
from tests.fakes.world import FakeClock
from tests.runtime.test_foresight import jobs, wave
from tests.runtime.test_tick import LIMITS, managed
from tests.strategies import NOW

SPEC = ForecastSpec(of="running_jobs", slo=0.02)
DAY_S = 86_400.0
THREADS = 8


def forecasting(spec: ForecastSpec = SPEC, name: str = "chat") -> Managed:
    policy = PolicyEntry("ahead", Forecast())
    return managed(name, forecasts={"forecast": spec}, policies=(policy,))


def seated(days: float, name: str = "chat") -> Seat:
    """A deployment that was read and whose forecast knows so many days of past."""
    one = forecasting(name=name)
    seat = Seat(one)
    seat.manage(one, 30.0)
    seat.was_read(Live(one.rid, Envelope(2, 9, THREADS), Health("ACTIVE", is_ready=True)), NOW)
    times = tuple(NOW - 60.0 * minute for minute in range(round(days * 1440), 0, -1))
    assert seat.foresight is not None
    for _ in seat.foresight.fill("forecast", Series(times, tuple(map(wave, times))), None):
        pass
    return seat


def chosen(seat: Seat, clock: FakeClock | None = None) -> RiskChooser:
    chooser = RiskChooser(lambda: [seat], clock or FakeClock())
    asyncio.run(chooser.round())
    return chooser


def test_an_slo_begins_with_a_safe_risk_until_one_is_chosen() -> None:
    assert ForecastSpec(slo=0.01).risk == 0.99
    assert ForecastSpec(slo=0.01, tau=0.995).risk == 0.995
    assert ForecastSpec(slo=0.2).risk == ForecastSpec().tau


def test_ways_to_set_the_risk_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"slo must be 0 .* beside a cost_ratio, got"):
        ForecastSpec(slo=0.01, cost_ratio=9.0)
    with pytest.raises(ValueError, match=r"slo_of_platform must be 0 .* beside a slo, got"):
        ForecastSpec(slo=0.01, slo_of_platform=0.5)


def test_the_cheapest_risk_that_kept_the_slo_is_taken_with_its_margins() -> None:
    seat = seated(3)
    foresight = seat.foresight
    assert foresight is not None
    before = foresight.forecasters["forecast"]
    chosen(seat)
    risk = seat.learned.risk_of("forecast")
    assert risk is not None
    assert risk.met
    assert risk.expected <= 0.02
    assert risk.at == NOW
    after = foresight.forecasters["forecast"]
    assert after.options.tau == risk.tau < before.options.tau
    assert after.history is before.history
    # It has rehearsed three days of minutes, so that its margins are not those of a beginner.
    assert after.adding.age > 4000
    assert not seat.noted


def test_the_platform_alone_can_be_the_measure() -> None:
    seat = seated(3)
    spec = ForecastSpec(of="running_jobs", slo_of_platform=0.5)
    seat.manage(forecasting(spec), 30.0)
    chosen(seat)
    risk = seat.learned.risk_of("forecast")
    assert risk is not None
    assert risk.alone is not None
    assert risk.replicas is not None
    assert risk.of_platform == 0.5
    assert risk.slo == max(LEAST_SLO, 0.5 * risk.alone.expected)
    assert risk.met
    assert risk.expected <= risk.slo
    assert risk.replicas < risk.alone.replicas


def test_another_share_of_the_platform_is_chosen_for_anew() -> None:
    seat = seated(3)
    seat.manage(forecasting(ForecastSpec(of="running_jobs", slo_of_platform=1.0)), 30.0)
    chosen(seat)
    assert seat.foresight is not None
    assert seat.foresight.choice_due(seat.learned, NOW + 1) == []
    seat.manage(forecasting(ForecastSpec(of="running_jobs", slo_of_platform=0.5)), 30.0)
    assert seat.foresight.choice_due(seat.learned, NOW + 1) == ["forecast"]
    seat.manage(forecasting(ForecastSpec(of="running_jobs", slo=0.01)), 30.0)
    assert seat.foresight.choice_due(seat.learned, NOW + 1) == ["forecast"]


def test_ticks_go_on_from_the_chosen_risk_at_once() -> None:
    seat = seated(3)
    chosen(seat)
    assert seat.foresight is not None
    signals = jobs(NOW + 30, wave(NOW + 30))
    signals["running_jobs"] = signals.pop("jobs")
    seat.foresight.observe(NOW + 30, signals, None)
    ahead = signals["forecast"]
    assert isinstance(ahead, Series)
    assert wave(NOW) * 0.8 < ahead.last < wave(NOW) * 2


def test_a_risk_holds_for_a_day() -> None:
    seat, clock = seated(3), FakeClock()
    chooser = chosen(seat, clock)
    first = seat.learned
    clock.forward(DAY_S - 60)
    asyncio.run(chooser.round())
    assert seat.learned is first
    clock.forward(120)
    asyncio.run(chooser.round())
    assert seat.learned is not first


def test_with_too_little_past_the_safe_risk_stays_and_it_is_tried_again_in_an_hour() -> None:
    seat, clock = seated(1), FakeClock()
    chooser = chosen(seat, clock)
    assert seat.learned.chosen == ()
    assert seat.foresight is not None
    assert seat.foresight.forecasters["forecast"].options.tau == 0.98
    fuller = seated(3)
    seat.foresight.forecasters = fuller.foresight.forecasters if fuller.foresight else {}
    asyncio.run(chooser.round())
    assert seat.learned.chosen == ()
    clock.forward(RETRY_S)
    asyncio.run(chooser.round())
    assert seat.learned.risk_of("forecast") is not None


def test_a_ceiling_that_is_too_low_keeps_no_slo_and_says_so() -> None:
    seat = seated(3)
    tight = replace(LIMITS, max_replicas=replace(LIMITS.max_replicas, high=12))
    seat.managed = replace(seat.managed, limits=tight)
    chosen(seat)
    risk = seat.learned.risk_of("forecast")
    assert risk is not None
    assert not risk.met
    assert risk.expected > 0.02
    assert risk.tau == 0.999


def test_a_restart_goes_on_with_the_chosen_risk() -> None:
    seat = seated(3)
    chosen(seat)
    stored = seat.foresight.learnt("chat", NOW) if seat.foresight else []
    again = Seat(forecasting(), learned=seat.learned)
    again.manage(again.managed, 30.0)
    assert again.foresight is not None
    again.foresight.recall(stored, None)
    risk = seat.learned.risk_of("forecast")
    assert risk is not None
    assert again.foresight.forecasters["forecast"].options.tau == risk.tau
    assert again.foresight.choice_due(again.learned, NOW) == []


def test_another_slo_is_chosen_for_anew_and_one_that_was_taken_away_is_forgotten() -> None:
    seat = seated(3)
    chosen(seat)
    stricter = Foresight({"forecast": replace(SPEC, slo=0.001)}, 30.0)
    stricter.believe(seat.learned)
    assert stricter.taus == {}
    stricter.forecasters = seat.foresight.forecasters if seat.foresight else {}
    assert stricter.choice_due(seat.learned, NOW) == ["forecast"]
    without = Foresight({"forecast": ForecastSpec()}, 30.0)
    without.believe(seat.learned)
    assert without.taus == {}


def test_a_bug_in_one_choice_does_not_stop_the_others() -> None:
    broken, fine = seated(3), seated(3, "rerank")
    assert broken.foresight is not None
    broken.foresight.forecasters["forecast"].history = None  # type: ignore[assignment]  # a bug
    chooser = RiskChooser(lambda: [broken, fine], FakeClock())
    asyncio.run(chooser.round())
    assert broken.learned == Learned()
    assert fine.learned.risk_of("forecast") is not None


def test_a_policys_target_and_buffer_are_what_it_plans_with() -> None:
    policy = PolicyEntry("ahead", Forecast(target=0.8, buffer=0.6))
    sizes = sizes_of(replace(forecasting(), policies=(policy,)), "forecast", 10)
    assert (sizes.carries, sizes.share, sizes.least, sizes.most) == (10, 0.5, 1, 30)
    assert sizes.replicas(26.0) == 6
    assert sizes_of(forecasting(), "another", 10).share == 1.0
