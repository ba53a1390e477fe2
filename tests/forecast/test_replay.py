from __future__ import annotations

import math
import random

import pytest

from autoscaler.forecast import Options, Sizes, choose
from autoscaler.forecast.history import History
from autoscaler.forecast.replay import live

SIZES = Sizes(carries=8)


def lived(days: float, spikes: float = 0.0) -> History:
    history, chance = History(), random.Random(3)  # noqa: S311 - noise, nothing secret
    for minute in range(round(days * 1440)):
        level = 60 + 40 * math.sin(2 * math.pi * minute / 1440)
        spike = 4 if chance.random() < spikes else 1
        history.add(minute * 60.0, max(0.0, chance.gauss(level, math.sqrt(level))) * spike)
    return history


def test_the_cheapest_risk_that_keeps_the_promise_is_taken() -> None:
    choice = choose(lived(3), Options(), SIZES, budget=0.02, risks=(0.8, 0.95, 0.99))
    assert choice is not None
    assert choice.met
    assert choice.lived.violations <= 0.02
    cheaper = [tried for tried in choice.tried if tried.tau < choice.tau]
    assert cheaper
    assert all(tried.violations > 0.02 for tried in cheaper)


@pytest.mark.parametrize("now", [0.8, 0.95, 0.975, 0.999])
def test_the_risk_that_is_taken_does_not_depend_on_the_present_one(now: float) -> None:
    risks = (0.8, 0.9, 0.95, 0.975, 0.99, 0.999)
    from_default = choose(lived(2.2), Options(), SIZES, budget=0.01, risks=risks)
    from_now = choose(lived(2.2), Options(tau=now), SIZES, budget=0.01, risks=risks)
    assert from_default is not None
    assert from_now is not None
    assert from_now.tau == from_default.tau


def test_a_day_that_moves_nothing_takes_two_replays() -> None:
    first = choose(lived(2.2), Options(), SIZES, budget=0.01)
    assert first is not None
    again = choose(lived(2.2), Options(tau=first.tau), SIZES, budget=0.01)
    assert again is not None
    assert again.tau == first.tau
    assert len(again.tried) == 2


def test_less_risk_violates_less_and_costs_more() -> None:
    choice = choose(lived(3), Options(), SIZES, budget=0.0, risks=(0.8, 0.95, 0.999))
    assert choice is not None
    violations = [tried.violations for tried in choice.tried]
    replicas = [tried.replicas for tried in choice.tried]
    assert violations == sorted(violations, reverse=True)
    assert replicas == sorted(replicas)


def test_a_promise_that_no_risk_keeps_is_told() -> None:
    choice = choose(lived(3, spikes=0.2), Options(), SIZES, budget=0.0, risks=(0.8, 0.9))
    assert choice is not None
    assert not choice.met
    assert choice.tau == 0.9


def test_less_than_a_day_to_score_chooses_nothing() -> None:
    assert choose(lived(1.5), Options(), SIZES, budget=0.1) is None


def test_minutes_that_nobody_knows_are_not_scored() -> None:
    history = History()
    for minute in range(3 * 1440):
        if minute % 10:
            history.add(minute * 60.0, 50.0)
    found = live(history, Options(), SIZES)
    assert found is not None
    assert found.hours == pytest.approx(36 * 0.9, rel=0.02)


def test_a_budget_outside_of_a_share_is_refused() -> None:
    with pytest.raises(ValueError, match=r"budget must be in 0\.\.1"):
        choose(lived(3), Options(), SIZES, budget=2.0)
    with pytest.raises(ValueError, match="carries must be above 0"):
        Sizes(carries=0)
    with pytest.raises(ValueError, match="share must be above 0"):
        Sizes(carries=8, share=0)
