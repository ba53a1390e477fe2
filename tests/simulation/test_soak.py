"""A soak counts what one process holds, and tells growth from what comes and goes."""

from __future__ import annotations

import math

from autoscaler.cli.sim import composition
from autoscaler.lab.sim.composition import Ended
from autoscaler.lab.sim.soak import COUNTED, WARM_DAYS, Counted, Soaked, growth, soak

HOUR_S = 3600.0


def days(*memory: int) -> list[Counted]:
    """Days from the warm-up's end on, of which only the memory changes."""
    return [
        Counted(WARM_DAYS + day, held, 1000, 12, 5, 4096, 300) for day, held in enumerate(memory)
    ]


def soaked(*memory: int) -> Soaked:
    ended = Ended(1, 1.0, (), "", 0, 0, 1, 0.0, {})
    return Soaked(ended, tuple(days(*memory)))


def test_what_comes_and_goes_is_no_growth() -> None:
    assert growth(days(100, 130, 100, 100, 130, 100, 130, 100, 100), "memory") == 0


def test_growth_is_told_as_a_share_of_a_day() -> None:
    assert math.isclose(growth(days(*range(1000, 1090, 10)), "memory"), 0.01, rel_tol=0.01)


def test_the_days_of_the_warm_up_do_not_count() -> None:
    cold = [Counted(day, 1, 1, 1, 1, 1, 1) for day in range(int(WARM_DAYS))]
    assert growth([*cold, *days(*[1000] * 9)], "memory") == 0


def test_a_leak_of_two_hundredths_a_day_is_not_bounded() -> None:
    assert soaked(*[1000] * 9).bounded
    assert not soaked(*range(1000, 1180, 20)).bounded


def test_a_short_soak_counts_everything_and_breaks_nothing() -> None:
    told: list[str] = []
    seen = soak(3, composition(), days=0.13, size=3, every_s=HOUR_S, tell=told.append)
    assert seen.ended.broken == ()
    assert seen.ended.lives == 1
    assert len(told) == len(seen.days) == 3
    assert all(getattr(one, name) > 0 for one in seen.days for name in COUNTED)
