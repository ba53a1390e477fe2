from __future__ import annotations

import math

from autoscaler.core.observation import Absence, Missing, Series, Signal
from autoscaler.ports import Learnt
from autoscaler.roster import ForecastSpec
from autoscaler.runtime.foresight import Foresight
from tests.strategies import NOW

SPECS = {"forecast": ForecastSpec(of="jobs", lead_s=120.0)}


def jobs(at: float, value: float) -> dict[str, Signal]:
    return {"jobs": Series((at,), (value,))}


def wave(at: float) -> float:
    return 100 + 60 * math.sin(2 * math.pi * at / 86_400)


def lived(foresight: Foresight, hours: float, start: float = NOW) -> float:
    at = start
    for _ in range(int(hours * 120)):
        at += 30
        foresight.observe(at, jobs(at, wave(at)), None)
    return at


def test_a_forecast_is_a_signal_whose_samples_lie_ahead() -> None:
    foresight = Foresight(SPECS, 30.0)
    at = lived(foresight, 1)
    signals = jobs(at + 30, wave(at + 30))
    foresight.observe(at + 30, signals, None)
    ahead = signals["forecast"]
    assert isinstance(ahead, Series)
    assert ahead.times[0] >= at + 30 + 120
    keep, ceiling = signals["forecast_keep"], signals["forecast_ceiling"]
    assert isinstance(keep, Series)
    assert isinstance(ceiling, Series)
    assert wave(at) * 0.9 < ahead.last <= keep.last <= ceiling.last


def test_missing_demand_is_held_and_not_learnt() -> None:
    foresight = Foresight(SPECS, 30.0)
    at = lived(foresight, 1)
    trials = foresight.quality()["forecast"].trials
    signals: dict[str, Signal] = {}
    for _ in range(20):
        at += 30
        signals = {"jobs": Missing(Absence.SOURCE_FAILED)}
        foresight.observe(at, signals, None)
    ahead = signals["forecast"]
    assert isinstance(ahead, Series)
    assert ahead.last > 50
    assert not ahead.complete
    assert foresight.quality()["forecast"].trials <= trials + 6


def test_a_restart_goes_on_with_what_was_stored() -> None:
    before = Foresight(SPECS, 30.0)
    at = lived(before, 3)
    stored = before.learnt("chat", at)
    assert not before.due(at + 599)
    assert before.due(at + 600)
    after = Foresight(SPECS, 30.0)
    assert after.empty() == ["forecast"]
    after.recall(stored, None)
    assert after.empty() == []
    assert after.quality() == before.quality()


def test_a_damaged_store_is_begun_anew() -> None:
    foresight = Foresight(SPECS, 30.0)
    foresight.recall([Learnt("chat", "forecast", NOW, b"rubbish")], None)
    assert foresight.empty() == ["forecast"]
    foresight.recall([Learnt("chat", "gone", NOW, b"rubbish")], None)
    assert foresight.empty() == ["forecast"]


def test_a_learnt_start_up_time_becomes_the_lead_and_keeps_the_history() -> None:
    foresight = Foresight(SPECS, 30.0)
    at = lived(foresight, 2)
    history = foresight.forecasters["forecast"].history
    foresight.observe(at + 30, jobs(at + 30, 100.0), 130.0)
    assert foresight.forecasters["forecast"].options.lead_s == 120.0
    foresight.observe(at + 60, jobs(at + 60, 100.0), 300.0)
    assert foresight.forecasters["forecast"].options.lead_s == 300.0
    assert foresight.forecasters["forecast"].history is history


def test_the_past_of_a_source_fills_a_new_forecast() -> None:
    foresight = Foresight(SPECS, 30.0)
    times = tuple(NOW + 60.0 * minute for minute in range(3 * 1440))
    past = Series(times, tuple(wave(t) for t in times))
    for _ in foresight.fill("forecast", past, None):
        pass
    quality = foresight.quality()["forecast"]
    # The last day is lived through twice a minute.
    assert quality.trials > 2000
    assert quality.coverage is not None
    assert abs(quality.coverage - 0.95) < 0.03


def test_a_cost_ratio_sets_the_risk() -> None:
    assert ForecastSpec(cost_ratio=19.0).risk == 0.95
    assert ForecastSpec(tau=0.9).risk == 0.9
