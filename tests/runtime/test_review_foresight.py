from __future__ import annotations

from autoscaler.core.observation import Series
from autoscaler.runtime.foresight import Foresight
from tests.runtime.test_foresight import SPECS, jobs, lived, wave
from tests.strategies import NOW

DAY = 86_400.0
TIMES = tuple(NOW - 2 * DAY + 60.0 * minute for minute in range(2 * 1440))
PAST = Series(TIMES, tuple(wave(t) for t in TIMES))


def test_a_tick_that_comes_before_the_past_does_not_keep_it_out() -> None:
    foresight = Foresight(SPECS, 30.0)
    lived(foresight, 0.1)
    assert foresight.empty() == ["forecast"]
    for _ in foresight.fill("forecast", PAST, None):
        pass
    assert foresight.empty() == []
    assert foresight.quality()["forecast"].trials > 2000


def test_ticks_while_the_past_is_learnt_do_not_mix_with_it() -> None:
    alone, foresight = Foresight(SPECS, 30.0), Foresight(SPECS, 30.0)
    for _ in alone.fill("forecast", PAST, None):
        pass
    for turn, _ in enumerate(foresight.fill("forecast", PAST, None)):
        at = NOW + 30.0 * turn
        foresight.observe(at, jobs(at, 1.0), None)
    assert foresight.quality() == alone.quality()


def test_a_past_that_was_cut_short_is_asked_for_again() -> None:
    foresight = Foresight(SPECS, 30.0)
    filling = iter(foresight.fill("forecast", PAST, None))
    next(filling)
    assert foresight.empty() == ["forecast"]
