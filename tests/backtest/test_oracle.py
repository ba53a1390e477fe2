from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.oracle import oracle_steps


def cheapest(needed: list[int], cold: int) -> int:
    """Every way to keep one replica level through its gaps, by brute force; `needed` is 0 or 1."""
    steps, best = len(needed), None
    for plan in itertools.product((0, 1), repeat=steps):
        if any(want and not paid for want, paid in zip(needed, plan, strict=True)):
            continue
        if not serves(needed, plan, cold):
            continue
        cost = sum(plan)
        best = cost if best is None else min(best, cost)
    assert best is not None
    return best


def serves(needed: list[int], plan: tuple[int, ...], cold: int) -> bool:
    """Whether each paid run began a cold start before its first use; one from step 0 is warm."""
    start = None
    for step, paid in enumerate(plan):
        if not paid:
            start = None
            continue
        if start is None:
            start = step
        if needed[step] and start > 0 and step - start < cold:
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=11), st.integers(1, 3))
def test_the_oracle_of_one_level_is_the_cheapest_that_never_falls_short(
    needed: list[int], cold: int
) -> None:
    demand = np.asarray(needed, dtype=np.float64)
    found = oracle_steps(demand, cold * STEP_S, least=0, most=1)
    assert found == cheapest(needed, cold)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(1, 2))
def test_levels_stand_alone(needed: list[int], cold: int) -> None:
    demand = np.asarray(needed, dtype=np.float64)
    alone = sum(
        cheapest([int(each >= level) for each in needed], cold)
        for level in range(1, max(needed) + 1)
    )
    assert oracle_steps(demand, cold * STEP_S, least=0, most=3) == alone


def test_the_oracle_keeps_the_smallest_size_and_never_passes_the_largest() -> None:
    assert oracle_steps(np.zeros(50), 120.0, least=1) == 50
    assert oracle_steps(np.full(50, 500.0), 120.0, most=60) == 50 * 60
