"""Recommendations from past demand: the least that is safe, or a reason for silence."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope, Range
from autoscaler.core.observation import Limits, NativeScaling, Series
from autoscaler.lab.history import Demand, Unanswered, demand_from
from autoscaler.lab.recommend.judge import (
    Case,
    Confidence,
    Judged,
    Terms,
    cheapest,
    confidence,
    judge,
)
from autoscaler.lab.recommend.replay import standing
from tests.fakes.traces import demand, flat

MINUTE = 60.0
QUICK = Terms(daemon=False)


def judged(case: Case, terms: Terms = QUICK) -> Judged:
    found = judge(case, terms)
    assert isinstance(found, Judged), found
    return found


def test_a_load_between_two_sizes_flaps_and_a_floor_stops_it() -> None:
    # Foundry's published rule at 44 jobs and 32 threads: one replica is too full, two too empty.
    found = judged(Case("chat", flat(44.0, 4), current=Envelope(1, 10, 32)))
    assert found.envelope == Envelope(2, 2, 32)
    assert found.now is not None
    assert found.now.moves_per_day > 80
    assert found.then.moves_per_day == 0
    assert found.then.violations == 0
    assert "min_replicas 2 brings that to 0" in found.advice[0]


def test_less_than_a_day_of_data_has_no_answer() -> None:
    found = judge(Case("chat", flat(44.0, 0.5)), QUICK)
    assert found == Unanswered("12.0 h of data, at least a day is needed")


def test_no_load_has_no_answer() -> None:
    found = judge(Case("chat", flat(0.0, 2)), QUICK)
    assert isinstance(found, Unanswered)
    assert "no" in found.why or "load" in found.why


def test_limits_that_are_too_low_are_said_and_kept() -> None:
    limits = Limits(Range(1, 2), Range(1, 3), Range(1))
    found = judged(Case("chat", flat(200.0, 2), limits=limits))
    assert not found.within_budget
    assert found.envelope == Envelope(2, 3, 32)


def test_a_ceiling_that_is_always_reached_is_named() -> None:
    found = judged(Case("chat", flat(200.0, 2), current=Envelope(1, 4, 32)))
    assert any("max_replicas 4 is reached" in text for text in found.advice)


def test_a_long_way_down_is_priced() -> None:
    day = [300.0 - 290.0 * math.cos(minute / 1440 * 2 * math.pi) for minute in range(3 * 1440)]
    found = judged(Case("batch", demand(day), current=Envelope(1, 40, 32)))
    settings_told = [text for text in found.advice if text.startswith("set ")]
    assert settings_told
    assert "scaleDownDelay" in settings_told[0]
    assert "fewer replica-hours" in settings_told[0]


def test_the_daemon_is_replayed_on_the_same_days() -> None:
    wave = [60.0 + 50.0 * math.sin(minute / 1440 * 2 * math.pi) for minute in range(3 * 1440)]
    found = judged(Case("chat", demand(wave), current=Envelope(1, 10, 32)), Terms())
    assert found.daemon is not None
    assert found.now is not None
    assert abs(found.daemon.days - found.then.days) < 0.1
    assert found.daemon.violations < 0.05


def test_confidence_follows_span_and_gaps() -> None:
    assert confidence(flat(10.0, 14)) is Confidence.HIGH
    assert confidence(flat(10.0, 6)) is Confidence.MEDIUM
    assert confidence(flat(10.0, 2)) is Confidence.LOW
    times = tuple(1.7e9 + index * MINUTE for index in range(14 * 1440) if index % 5)
    holed = demand_from("chat", Series(times, (1.0,) * len(times)), MINUTE)
    assert isinstance(holed, Demand)
    assert abs(holed.gap_share - 0.2) < 0.01
    assert confidence(holed) is Confidence.LOW


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(0, 300), min_size=200, max_size=300),
    st.sampled_from([0.0, 0.01, 0.1, 0.5]),
)
def test_what_is_said_to_be_within_the_budget_is(jobs: list[float], budget: float) -> None:
    load = [value / 32 for value in jobs]
    case, terms = Case("chat", flat(1.0, 2)), Terms(budget, daemon=False)
    envelope, within = cheapest(load, case, terms)
    found = standing(load, envelope, NativeScaling(), terms.cold_start_s)
    assert within == (found.violations <= budget)
    assert within, "without limits there always is a floor that carries everything"


def test_a_floor_that_stops_the_flapping_is_cheaper_than_a_lower_one() -> None:
    jobs = [44.0] * 2880
    jobs[100:103] = jobs[2000:2003] = [300.0] * 3
    found = judged(Case("chat", demand(jobs)), Terms(budget=0.5, daemon=False))
    assert found.envelope.min_replicas == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.5, 500), min_size=200, max_size=400), st.integers(1, 64))
def test_demand_keeps_its_level_on_the_way_into_the_simulation(
    jobs: list[float], threads: int
) -> None:
    from autoscaler.lab.backtest import demand_of

    found = demand(jobs, 30.0)
    scale = found.scale(threads)
    assert not isinstance(scale, Unanswered)
    load = demand_of(found.trace, scale)
    assert math.isclose(float(load.mean()) * threads, sum(jobs) / len(jobs), rel_tol=1e-6)
    assert float(load.max()) * threads <= max(jobs) * 1.35 + 1e-6
