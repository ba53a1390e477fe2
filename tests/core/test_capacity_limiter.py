"""The concurrency limiters: what the vectors do not show, and what always holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.limiter import Average, Rule, Sample, Track, aimd, gradient2, vegas
from tests.strategies import SOME

Limiter = Callable[[Track, Sample, Rule], Track]


def test_a_limit_above_what_is_used_stays() -> None:
    for rule in (gradient2, aimd):
        assert rule(Track(100), Sample(1, 10), Rule()).limit == 100
    assert vegas(Track(100, lowest=1.0), Sample(1, 10), Rule()).limit == 100


def test_vegas_probes_its_baseline_again_now_and_then() -> None:
    track = Track(1, lowest=1.0, probed=28)
    assert vegas(track, Sample(9, 9), Rule(least=1)).lowest == 1.0
    found = vegas(Track(1, lowest=1.0, probed=29), Sample(9, 9), Rule())
    assert (found.lowest, found.probed, found.limit) == (9, 0, 1)


def test_vegas_steps_up_between_a_short_queue_and_alpha() -> None:
    # limit 100: the step is 2, alpha 6, beta 12; a queue of 4 is between the step and alpha.
    track = Track(100, lowest=0.96)
    assert vegas(track, Sample(1.0, 80), Rule(smoothing=1)).limit == 102


def test_vegas_steps_down_on_a_drop_and_on_a_long_queue() -> None:
    track, rule = Track(100, lowest=0.5), Rule(smoothing=1)
    assert vegas(track, Sample(1.0, 1, dropped=True), rule).limit == 98
    assert vegas(track, Sample(1.0, 80), rule).limit == 98


def test_aimd_takes_a_timeout_for_a_drop() -> None:
    assert aimd(Track(100), Sample(5.1, 90), Rule(timeout=5)).limit == 90


def test_gradient2_cannot_see_a_latency_that_never_changes() -> None:
    # Upstream issue 137: constant timeouts look like a calm service; whoever uses it bounds it.
    track = Track(20.0)
    for _ in range(500):
        track = gradient2(track, Sample(30.0, track.limit), Rule())
    assert track.limit == 200


samples = st.lists(
    st.builds(Sample, st.floats(1e-6, 1e6), st.floats(0, 500), st.booleans()), max_size=60
)


@settings(max_examples=SOME)
@given(st.sampled_from((gradient2, vegas, aimd)), samples)
def test_a_limit_never_leaves_its_bounds(rule: Limiter, found: list[Sample]) -> None:
    bounds = Rule(least=4, most=64)
    track = Track(20.0)
    for sample in found:
        track = rule(track, sample, bounds)
        assert 4 <= track.limit <= 64


@settings(max_examples=SOME)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 1000))
def test_an_average_lies_between_its_samples(found: list[float], window: int) -> None:
    average = Average()
    for sample in found:
        average = average.add(sample, window)
    assert min(found) <= average.value + 1e-6
    assert average.value <= max(found) + 1e-6
    assert average.count == min(10, len(found))


@pytest.mark.parametrize("rule", [gradient2, vegas, aimd])
def test_the_same_samples_give_the_same_limit(rule: Limiter) -> None:
    states = []
    for _ in range(2):
        track = Track(20.0)
        for i in range(100):
            track = rule(track, Sample(1 + i % 7, 15 + i % 5), Rule())
        states.append(track)
    assert states[0] == states[1]
