"""Thinning keeps every extreme, and says the same in fewer numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.lab.report.picture import LEAST_BUCKETS, MOST_BUCKETS, buckets_for
from autoscaler.lab.report.thin import edges_of, highest, lowest, runs, short

numbers = st.lists(st.floats(0, 1e6), min_size=1, max_size=400)


@given(numbers, st.integers(1, 100))
def test_no_spike_is_lost(values: list[float], buckets: int) -> None:
    found = np.asarray(values)
    edges = edges_of(found.size, buckets)
    assert len(edges) <= buckets
    assert max(highest(found, edges)) == short(max(values))
    assert min(lowest(found, edges)) == short(min(values))


@given(st.lists(st.integers(0, 5), max_size=200))
def test_run_lengths_say_the_same(values: list[float]) -> None:
    told = runs(values)
    pairs = zip(told[::2], told[1::2], strict=True)
    assert [value for value, count in pairs for _ in range(int(count))] == values


@given(st.floats(0, 1e9))
def test_a_short_number_is_near_enough_to_draw(value: float) -> None:
    assert abs(short(value) - value) <= 0.006 * value + 1e-9 or abs(short(value) - value) <= 0.5


@given(st.integers(0, 10_000))
def test_many_runs_are_drawn_coarser(count: int) -> None:
    assert LEAST_BUCKETS <= buckets_for(count + 1) <= buckets_for(count) <= MOST_BUCKETS
