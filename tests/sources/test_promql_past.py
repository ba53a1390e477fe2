"""The grid of a range query."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.sources.promql.past import Grid

TIMES = st.floats(0, 4e9)


@given(TIMES, st.floats(0, 1e5), st.floats(1, 3_600))
def test_no_point_lies_beyond_what_was_asked_for(start: float, span: float, step: float) -> None:
    grid = Grid.over(start, start + span, step)
    assert grid is not None
    assert start - 0.002 <= grid.start <= start
    assert grid.end <= start + span + 1e-6
    assert grid.end + step > start + span - 1e-3


@given(TIMES, st.integers(2, 50_000), st.floats(0.5, 3_600))
def test_two_halves_are_the_whole(start: float, points: int, step: float) -> None:
    grid = Grid(start, step, points)
    early, late = grid.halves()
    assert early.points + late.points == points
    assert min(early.points, late.points) >= 1
    assert abs(late.start - early.end - step) < 1e-5
    assert abs(late.end - grid.end) < 1e-5
