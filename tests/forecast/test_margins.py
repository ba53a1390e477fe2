from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.forecast.margins import Edge, Margins, Pace, first_quantile
from autoscaler.forecast.quality import pinball, tau_for

taus = st.sampled_from([0.8, 0.9, 0.95, 0.98])


@settings(max_examples=60, deadline=None)
@given(taus, st.lists(st.floats(-3, 3), min_size=1, max_size=40))
def test_an_edge_covers_its_share_of_any_sequence_whatever_its_law(
    tau: float, scores: list[float]
) -> None:
    edge, rounds, missed = Edge(tau, 0.02, 0.0), 2000, 0
    start = edge.q
    for index in range(rounds):
        score = scores[index % len(scores)]
        missed += score > edge.q
        edge.learn(score)
    # q moved by the sum of its steps and stays within the scores: that bounds the misses.
    # The youth of the edge (steps up to 0.1) adds at most its share of the rounds.
    bound = (2 * 3.0 + abs(start)) / (0.02 * rounds) + 500 / rounds
    assert abs(missed / rounds - (1 - tau)) <= bound


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50), taus)
def test_margins_stay_finite_and_never_ask_for_less_than_nothing(
    truths: list[float], tau: float
) -> None:
    margins = Margins(2, tau, 30.0, Pace())
    for truth in truths:
        roots = [math.sqrt(truth) * 0.5, 3.0]
        covered = margins.cover(roots)
        margins.learn(roots, covered, truth)
        edge, middle, spread = margins.followed(roots, margins.cover(roots))
        assert all(math.isfinite(each) for each in (edge, middle, spread, *covered))
        assert min(covered) >= 0
        assert spread > 0


def test_the_expert_that_costs_least_is_followed() -> None:
    margins = Margins(2, 0.95, 30.0, Pace())
    for step in range(400):
        truth = 100.0 + 40.0 * math.sin(step)
        roots = [math.sqrt(truth) + 0.1 * math.cos(step * 7), math.sqrt(900.0) * (step % 2)]
        margins.learn(roots, margins.cover(roots), truth)
    assert margins.best() == 0
    roots = [10.0, 30.0]
    assert margins.followed(roots, margins.cover(roots)).middle == pytest.approx(10.0, abs=0.5)


def test_a_margin_begins_at_the_normal_quantile_of_the_mean_error() -> None:
    assert first_quantile(0.975) == pytest.approx(1.959964 * math.sqrt(math.pi / 2))


def test_pinball_is_the_cost_of_missing_and_of_idling() -> None:
    assert pinball(10.0, 0.9) == pytest.approx(9.0)
    assert pinball(-10.0, 0.9) == pytest.approx(1.0)


def test_risk_follows_from_what_a_miss_and_an_idle_hour_cost() -> None:
    assert tau_for(19.0, 1.0) == pytest.approx(0.95)
    with pytest.raises(ValueError, match="above 0"):
        tau_for(0.0, 1.0)
