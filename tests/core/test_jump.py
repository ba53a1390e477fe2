"""When the wall clock is set, what happened stays as old as it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.jump import Jump

NOW = 1_772_409_600.0
jumps = st.one_of(st.floats(2.0, 90_000.0), st.floats(-90_000.0, -2.0))


@given(by_s=jumps, age=st.floats(0.0, 90_000.0), since_s=st.floats(0.0, 300.0))
def test_what_was_before_the_last_look_keeps_its_age(
    by_s: float, age: float, since_s: float
) -> None:
    then = NOW - since_s - age
    jump = Jump(by_s, NOW + by_s, since_s)
    if not jump.at - since_s <= then <= jump.at:
        assert jump.at - jump.moved(then) == pytest.approx(age + since_s, abs=1e-3)


@given(
    by_s=jumps,
    since_s=st.floats(1.0, 300.0),
    set_after=st.floats(0.0, 1.0),
    made_after=st.floats(0.0, 1.0),
)
def test_what_was_made_in_the_tick_of_the_jump_never_looks_older_than_it_is(
    by_s: float, since_s: float, set_after: float, made_after: float
) -> None:
    age = since_s * (1 - made_after)
    now = NOW + since_s + by_s
    written = NOW + since_s * made_after + (by_s if made_after > set_after else 0.0)
    assert now - Jump(by_s, now, since_s).moved(written) <= age + 1e-3


@given(by_s=jumps, moment=st.floats(NOW - 2e5, NOW + 2e5), since_s=st.floats(0.0, 300.0))
def test_nothing_lies_in_the_future(by_s: float, moment: float, since_s: float) -> None:
    assert Jump(by_s, NOW, since_s).moved(moment) <= NOW


@given(st.lists(jumps, min_size=1, max_size=8))
def test_a_clock_that_is_set_again_and_again_moves_nothing(errors: list[float]) -> None:
    # Ten minutes ago, and looked at every 15 s: only what falls into the last look by chance
    # cannot be told.
    at, age, seen = NOW, 600.0, NOW - 600.0
    for before, error in pairwise([0.0, *errors]):
        at += 15.0 + error - before
        age += 15.0
        jump = Jump(error - before, at, 15.0)
        if jump.at - 15.0 <= seen <= jump.at:
            return
        seen = jump.moved(seen)
        assert at - seen == pytest.approx(age, abs=1e-3)
