"""Counters over a window and quantiles of histograms, against known values and by property."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.sources.exposition.window import MARKS, Growth, Window, grown, quantile_of

GROWTHS = st.lists(st.integers(0, 1_000), min_size=1, max_size=20)


def after(*readings: float, seconds: float = 60.0, step: float = 15.0) -> Growth | None:
    window: Window[str] = Window(seconds)
    for place, value in enumerate(readings):
        window.take(place * step, [("chat", "one", value)])
    return window.growth("chat")


def test_one_scrape_tells_no_rate() -> None:
    assert after(1_000.0) is None


def test_two_scrapes_tell_what_was_counted_between_them() -> None:
    assert after(1_000.0, 1_030.0) == Growth(30.0, 15.0)


def test_only_the_window_counts() -> None:
    assert after(0.0, 100.0, 101.0, 102.0, 103.0, 104.0, 105.0) == Growth(4.0, 60.0)


def test_a_counter_that_fell_began_again_at_zero() -> None:
    assert after(100.0, 110.0, 4.0, 9.0) == Growth(10.0 + 4.0 + 5.0, 45.0)


def test_a_gap_longer_than_the_window_begins_anew() -> None:
    window: Window[str] = Window(60.0)
    window.take(0.0, [("chat", "one", 10.0)])
    window.take(15.0, [("chat", "one", 20.0)])
    window.take(500.0, [("chat", "one", 900.0)])
    assert window.growth("chat") is None
    window.take(510.0, [("chat", "one", 901.0)])
    assert window.growth("chat") == Growth(1.0, 10.0)


def test_a_series_that_appears_counts_from_when_it_is_first_seen() -> None:
    window: Window[str] = Window(60.0)
    window.take(0.0, [("chat", "a", 10.0)])
    window.take(15.0, [("chat", "a", 20.0), ("chat", "b", 5_000.0)])
    window.take(30.0, [("chat", "a", 30.0), ("chat", "b", 5_001.0)])
    assert window.growth("chat") == Growth(21.0, 30.0)


def test_a_group_that_appears_is_measured_over_its_own_time() -> None:
    window: Window[str] = Window(300.0)
    for at in (0.0, 15.0, 30.0):
        window.take(at, [("old", "a", at)])
    window.take(45.0, [("old", "a", 45.0), ("new", "b", 0.0)])
    window.take(60.0, [("old", "a", 60.0), ("new", "b", 1_500.0)])
    assert window.growth("new") == Growth(1_500.0, 15.0)
    assert window.growth("old") == Growth(60.0, 60.0)


def test_a_group_that_is_gone_has_no_rate() -> None:
    window: Window[str] = Window(60.0)
    window.take(0.0, [("chat", "a", 10.0)])
    window.take(15.0, [("chat", "a", 20.0)])
    window.take(30.0, [])
    assert window.growth("chat") is None


def test_the_same_scrape_taken_twice_counts_once() -> None:
    window: Window[str] = Window(60.0)
    window.take(0.0, [("chat", "a", 10.0)])
    window.take(15.0, [("chat", "a", 20.0)])
    window.take(15.0, [("chat", "a", 99.0)])
    window.take(14.0, [("chat", "a", 99.0)])
    assert window.growth("chat") == Growth(10.0, 15.0)


@pytest.mark.fault(68)
def test_memory_is_bounded_however_often_it_is_scraped() -> None:
    window: Window[str] = Window(60.0)
    for tick in range(20_000):
        window.take(tick * 0.01, [("chat", f"pod-{tick // 1_000}", float(tick))])
    assert len(window._marks) <= MARKS + 2
    assert len(window._last) <= 8
    growth = window.growth("chat")
    assert growth is not None
    assert 59.0 <= growth.seconds <= 60.0


def test_names_that_come_and_go_are_forgotten() -> None:
    window: Window[str] = Window(60.0)
    for tick in range(1_000):
        window.take(tick * 15.0, [(f"d{tick}", "a", 1.0)])
    assert len(window._totals) <= 6


@given(GROWTHS)
def test_what_was_counted_is_what_is_told_whatever_restarts_between(growths: list[int]) -> None:
    window: Window[str] = Window(1e6)
    raw, total = 0.0, 0.0
    window.take(0.0, [("chat", "a", raw)])
    for tick, growth in enumerate(growths, start=1):
        restarted = growth % 3 == 0 and growth < raw
        raw = float(growth) if restarted else raw + growth
        total += growth
        window.take(float(tick), [("chat", "a", raw)])
    assert window.growth("chat") == Growth(total, float(len(growths)))


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=30), st.floats(1, 500))
def test_no_rate_is_ever_negative_nor_over_more_than_the_window(
    readings: list[float], seconds: float
) -> None:
    growth = after(*readings, seconds=seconds)
    if growth is not None:
        assert growth.amount >= 0
        assert 0 < growth.seconds <= seconds


@given(st.lists(st.lists(st.integers(0, 50), min_size=2, max_size=2), min_size=2, max_size=10))
def test_groups_add_up_over_their_series(rows: list[list[int]]) -> None:
    both: Window[str] = Window(1e6)
    each: Window[str] = Window(1e6)
    sums = [0, 0]
    for tick, row in enumerate(rows):
        sums = [total + more for total, more in zip(sums, row, strict=True)]
        both.take(float(tick), [("x", place, float(total)) for place, total in enumerate(sums)])
        each.take(float(tick), [(str(place), place, float(t)) for place, t in enumerate(sums)])
    whole, first, second = both.growth("x"), each.growth("0"), each.growth("1")
    assert whole is not None
    assert first is not None
    assert second is not None
    assert whole.amount == first.amount + second.amount


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_a_counter_never_counts_backwards(before: float, now: float) -> None:
    assert 0 <= grown(before, now) <= now


INF = math.inf


@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.5, {1.0: 50.0, 2.0: 100.0, INF: 100.0}, 1.0),
        (0.75, {1.0: 50.0, 2.0: 100.0, INF: 100.0}, 1.5),
        (0.25, {1.0: 50.0, 2.0: 100.0, INF: 100.0}, 0.5),
        (0.99, {1.0: 50.0, 2.0: 80.0, INF: 100.0}, 2.0),
        (0.1, {-1.0: 50.0, 2.0: 80.0, INF: 100.0}, -1.0),
        (0.5, {1.0: 0.0, 2.0: 10.0, 4.0: 10.0, INF: 10.0}, 1.5),
        (0.5, {1.0: 10.0, 2.0: 9.0, INF: 20.0}, 1.0),
        (0.5, {1.0: 0.0, INF: 0.0}, math.nan),
        (0.5, {INF: 10.0}, math.nan),
        (0.5, {1.0: 10.0, 2.0: 10.0}, math.nan),
        (0.5, {}, math.nan),
    ],
)
def test_quantiles_are_those_of_promql(
    q: float, buckets: dict[float, float], expected: float
) -> None:
    assert quantile_of(q, buckets) == pytest.approx(expected, nan_ok=True)


@st.composite
def histograms(draw: st.DrawFn) -> dict[float, float]:
    bounds = draw(st.lists(st.integers(-50, 1_000), min_size=1, max_size=12, unique=True))
    counts = draw(st.lists(st.integers(0, 500), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    total, found = 0.0, {}
    for bound, count in zip([*sorted(bounds), INF], counts, strict=True):
        total += count
        found[float(bound)] = total
    return found


@given(histograms(), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_quantiles_rise_and_stay_within_the_buckets(
    buckets: dict[float, float], one: float, other: float
) -> None:
    low, high = (quantile_of(q, buckets) for q in sorted((one, other)))
    if buckets[INF] == 0:
        assert math.isnan(low)
        return
    finite = [bound for bound in buckets if bound < INF]
    assert low <= high + 1e-9
    assert min(0.0, *finite) <= low
    assert high <= max(finite) + 1e-9
