"""Growth is told from none, with an interval that is honest about samples that hang together."""

from __future__ import annotations

import math
import random

import pytest

from tests.soak.judge import table
from tests.soak.samples import Sample
from tests.soak.slope import DAY_S, growth

AT = [30.0 * n for n in range(80)]


def wandering(seed: int, slope_per_day: float) -> list[float]:
    """Samples around a line; each keeps nine tenths of the one before."""
    chance, away, found = random.Random(seed), 0.0, []  # noqa: S311 - a seed's chance
    for at in AT:
        away = 0.9 * away + chance.gauss(0.0, 0.1)
        found.append(100.0 + slope_per_day * at / DAY_S + away)
    return found


def test_a_straight_line_is_found_exactly() -> None:
    found = growth(AT, [100.0 + 2.0 * at / DAY_S for at in AT])
    assert math.isclose(found.per_day, 2.0, rel_tol=1e-6)
    assert not found.is_flat


def test_a_level_is_flat() -> None:
    assert growth(AT, [7.0] * len(AT)).is_flat


def test_a_leak_of_a_megabyte_a_minute_is_certain() -> None:
    found = growth(AT, wandering(1, 1440.0))
    assert found.low > 1200.0
    assert found.high < 1700.0


def test_wandering_without_growth_is_seldom_called_growth() -> None:
    called = sum(not growth(AT, wandering(seed, 0.0), seed=seed).is_flat for seed in range(4))
    assert called <= 2


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="20 samples are needed, got 3"):
        growth(AT[:3], [1.0, 2.0, 3.0])


def sample(at_s: float, tasks: int) -> Sample:
    return Sample(at_s, 100.0, 500_000, 18, 5, tasks, 2000, at_s)


def test_what_grows_is_named_and_the_journal_may() -> None:
    _, grew = table([sample(at, 5 + int(at // 60)) for at in AT], 0.0)
    assert grew == ["tasks"]
    text, grew = table([sample(at, 5) for at in AT], 0.0)
    assert grew == []
    assert "grew for certain: nothing" in text


def test_a_soak_that_was_too_short_says_so() -> None:
    text, grew = table([sample(at, 5) for at in AT[:5]], 0.0)
    assert (text, grew) == ("5 samples after the warm-up are too few to judge", [])
