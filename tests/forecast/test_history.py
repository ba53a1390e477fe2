from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.forecast.history import (
    BLOCKS,
    CELLS,
    DAY_CELLS,
    History,
    Means,
    decoded,
    encoded,
)

demands = st.floats(0, 1e6)
# (minute, demand), minutes rising by up to a day
walks = st.lists(st.tuples(st.integers(0, 1500), demands), min_size=1, max_size=60)


@given(demands)
def test_a_demand_survives_its_code_within_a_thousandth(value: float) -> None:
    assert decoded(encoded(value)) == pytest.approx(value, rel=1e-3, abs=1e-5)


@given(demands, demands)
def test_codes_keep_the_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert encoded(low) <= encoded(high)


def test_beyond_a_million_it_saturates() -> None:
    assert decoded(encoded(1e9)) == pytest.approx(1e6, rel=1e-3)


@settings(max_examples=100, deadline=None)
@given(walks)
def test_the_ring_answers_as_a_plain_dictionary_would(walk: list[tuple[int, float]]) -> None:
    history, minute = History(), 100_000
    plain: dict[int, float] = {}
    for step, value in walk:
        minute += step
        history.add(minute * 60.0 + 5, value)
        plain[minute] = max(value, plain.get(minute, 0.0))
    start = max(min(plain), minute - CELLS + 1)
    for end in (minute, max(start, minute - 1000)):
        known = [value for cell, value in plain.items() if start <= cell <= end]
        expected = max(known, default=-1.0)
        assert history.most(start, end) == pytest.approx(expected, rel=1e-3, abs=1e-5)
        lowest = min(known, default=-1.0)
        assert history.least(start, end) == pytest.approx(lowest, rel=1e-3, abs=1e-5)
    assert history.most(start - 1, minute) == -1.0 or start > min(plain)
    assert history.most(start, minute + 1) == -1.0


def test_what_is_older_than_fourteen_days_is_forgotten() -> None:
    history = History()
    history.add(0.0, 9.0)
    history.add(15 * 86_400.0, 1.0)
    last = 15 * DAY_CELLS
    assert history.last == last
    assert history.first == last - CELLS + 1
    assert history.most(history.first, last) == pytest.approx(1.0, rel=1e-3)


def test_a_late_sample_changes_nothing() -> None:
    history = History()
    history.add(600.0, 5.0)
    history.add(60.0, 50.0)
    assert history.most(history.first, history.last) == pytest.approx(5.0, rel=1e-3)


def test_means_leave_out_the_block_in_progress() -> None:
    means = Means()
    for at, value in ((0.0, 2.0), (100.0, 4.0), (300.0, 100.0)):
        means.add(at, value)
    assert means.mean(0, 0) == pytest.approx(3.0)
    assert means.mean(0, 1) == -1.0


def test_means_skip_unknown_blocks_and_wrap_around() -> None:
    means = Means()
    for block in (0, 1, 3, BLOCKS + 2):
        means.add(block * 300.0, float(block))
    assert means.mean(3, 5) == pytest.approx(3.0)
    assert means.mean(4, 9) == -1.0
    assert means.mean(0, 1) == -1.0
