from __future__ import annotations

import math
from array import array
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.lab.backtest.measures import Measures, compute_seconds, measured
from autoscaler.lab.backtest.pool import against, pooled
from autoscaler.lab.backtest.simulate import Run

DOCS = Path(__file__).parents[2] / "docs" / "measures.md"


def a_run(capacity: list[float], wish: list[int] | None = None) -> Run:
    sizes = [int(each) for each in capacity]
    return Run(
        array("d", capacity),
        array("i", sizes),
        array("i", wish or sizes),
        array("i", [32] * len(sizes)),
        array("d", [0.0] * len(sizes)),
    )


def judged(demand: list[float], capacity: list[float], oracle: int = 1) -> Measures:
    return measured(np.asarray(demand), a_run(capacity), oracle, math.nan)


def test_requests_that_arrive_in_overload_count_whole() -> None:
    found = judged([1.0, 3.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0], oracle=6)
    assert found.violations == pytest.approx(0.5)
    assert found.unserved == pytest.approx(1 / 6)
    assert found.time_share == pytest.approx(0.25)
    assert found.cost_vs_oracle == pytest.approx(8 / 6)


def test_elasticity_as_the_spec_group_counts_it() -> None:
    # needed 2, 4, 2, 2 and supplied 2, 2, 4, 2
    found = judged([1.5, 3.2, 1.1, 2.0], [2.0, 2.0, 4.0, 2.0])
    assert found.theta_u == pytest.approx((2 / 4) / 4)
    assert found.theta_o == pytest.approx((2 / 2) / 4)
    assert found.tau_u == pytest.approx(0.25)
    assert found.tau_o == pytest.approx(0.25)
    # supply stays, rises, falls; need rises, falls, stays
    assert found.upsilon == pytest.approx(1.0)
    assert found.deviation == pytest.approx((0.125**5 + 0.25**5 + 0.25**5 + 0.25**5 + 1.0) ** 0.2)


def test_compute_seconds_follow_the_larger_of_cores_and_memory() -> None:
    assert compute_seconds(40, vcpus=0.5, memory_gib=1.0) == pytest.approx(4.0)
    assert compute_seconds(100, vcpus=1.0, memory_gib=15.0) == pytest.approx(40.0)


def test_a_move_is_a_change_of_the_wish() -> None:
    steps = 8640
    run = a_run([2.0] * steps, [1, 2, 2, 3] + [3] * (steps - 4))
    found = measured(np.full(steps, 1.0), run, steps, math.nan)
    assert found.actions_per_day == 2
    assert found.thread_changes_per_day == 0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 60)), min_size=2, max_size=50))
def test_shares_are_shares(rows: list[tuple[float, int]]) -> None:
    found = judged([d for d, _ in rows], [float(s) for _, s in rows])
    for name in ("violations", "unserved", "late", "time_share", "theta_u", "tau_u", "tau_o"):
        assert 0 <= getattr(found, name) <= 1 + 1e-9


def test_pooled_cost_weighs_traces_by_their_hours() -> None:
    small = judged([1.0] * 10, [3.0] * 10, oracle=10)
    large = judged([10.0] * 100, [11.0] * 100, oracle=1000)
    both = pooled([small, large], [10 * 10 / 3600, 1000 * 10 / 3600])
    assert both["cost_pooled"] == pytest.approx((30 + 1100) / 1010)
    assert both["cost_vs_oracle"] == pytest.approx((3.0 + 1.1) / 2)
    assert both["replica_hours"] == pytest.approx(1130 * 10 / 3600)
    assert both["cost_pooled_low"] <= both["cost_pooled"] <= both["cost_pooled_high"]


def test_a_set_against_itself_is_one() -> None:
    rows = [judged([1.0, 4.0], [2.0, 2.0]), judged([5.0, 1.0], [2.0, 3.0])]
    same = against(rows, rows)
    assert same["violations_ratio"] == pytest.approx(1.0)
    assert same["replica_hours_ratio_low"] == pytest.approx(1.0)


def test_every_measure_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    assert [f.name for f in fields(Measures) if f"`{f.name}`" not in text] == []
