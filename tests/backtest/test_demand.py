from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.lab.backtest.demand import (
    Scale,
    arrivals_of,
    demand_of,
    history_steps,
    smoothed,
)
from autoscaler.lab.backtest.spans import between, published
from autoscaler.lab.traces import Trace

counts = st.lists(st.integers(0, 5000), min_size=4, max_size=30)


@settings(max_examples=50, deadline=None)
@given(counts, st.sampled_from([10.0, 60.0, 300.0, 600.0]))
def test_every_bucket_keeps_its_count(found: list[int], bucket_s: float) -> None:
    trace = Trace("any", bucket_s, tuple(float(each) for each in found))
    fine = arrivals_of(trace, np.random.default_rng(7))
    assert fine.size == len(found) * bucket_s / 10
    assert (fine >= 0).all()
    kept = fine.reshape(len(found), -1).sum(axis=1)
    assert kept == pytest.approx(found)


@settings(max_examples=30, deadline=None)
@given(counts)
def test_the_same_trace_gives_the_same_demand(found: list[int]) -> None:
    trace = Trace("same", 60.0, tuple(float(each) for each in found))
    assert np.array_equal(demand_of(trace), demand_of(trace))


def test_the_busiest_moments_fill_twenty_replicas_and_nothing_passes_the_cut() -> None:
    rng = np.random.default_rng(3)
    busy = Trace("busy", 60.0, tuple(rng.integers(10, 90, 3000).astype(float)))
    demand = demand_of(busy)
    assert np.quantile(demand, 0.999) == pytest.approx(20.0)
    cut = demand_of(busy, Scale(peak_replicas=20.0, clip_replicas=15.0))
    assert cut.max() == 15.0


def test_no_requests_are_no_demand() -> None:
    assert not demand_of(Trace("idle", 60.0, (0.0,) * 20)).any()


def test_what_arrives_stays_for_the_service_time() -> None:
    arrivals = np.zeros(100)
    arrivals[10] = 6.0
    assert smoothed(arrivals, 10.0, 10.0).sum() == pytest.approx(6.0, rel=1e-6)
    assert smoothed(np.full(100, 6.0), 10.0, 10.0)[-1] == pytest.approx(6.0)


def test_a_short_trace_is_half_history() -> None:
    assert history_steps(100) == 50
    assert history_steps(14 * 8640) == 7 * 8640


def test_buckets_finer_than_a_step_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10 s"):
        demand_of(Trace("fine", 1.0, (1.0, 2.0)))


def test_a_part_of_a_trace_is_cut_at_days() -> None:
    trace = Trace("wikipedia_limbo", 3600.0, tuple(float(i) for i in range(24 * 40)))
    assert between(trace, 1.0, 2.0).requests == tuple(float(i) for i in range(24, 48))
    assert published(trace).duration_s == 35 * 86_400
    assert published(Trace("other", 60.0, (1.0, 2.0))).requests == (1.0, 2.0)
