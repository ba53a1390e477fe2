"""The worst moments are found where work found no room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.lab.report.watch import Told, Track
from autoscaler.lab.report.worst import MOST_DECISIONS, decisions_around, window_of, worst_moments

SMALL, LARGE = Envelope(1, 4, 32), Envelope(3, 6, 32)


def test_the_spell_that_lost_most_comes_first() -> None:
    load = np.ones(1000)
    load[100:103] = 3.0
    load[500:510] = 2.0
    found = worst_moments(load, np.ones(1000, dtype=np.int64))
    assert [(each.start, each.end) for each in found] == [(500, 510), (100, 103)]
    assert found[0].lost == pytest.approx(100.0)
    assert found[1].short == pytest.approx(2.0)
    assert found[0].lasted_s == 100.0


def test_spells_a_few_minutes_apart_are_one() -> None:
    load = np.ones(200)
    load[[50, 70]] = 2.0
    (only,) = worst_moments(load, np.ones(200, dtype=np.int64))
    assert (only.start, only.end) == (50, 71)


def test_room_for_everything_leaves_nothing_to_show() -> None:
    assert worst_moments(np.ones(10), np.ones(10, dtype=np.int64)) == []


@given(st.lists(st.floats(0, 50), min_size=1, max_size=300))
def test_windows_stay_inside_the_run(loads: list[float]) -> None:
    load = np.asarray(loads)
    for each in worst_moments(load, np.full(load.size, 10)):
        first, last = window_of(each, load.size)
        assert 0 <= first <= each.start < each.end <= last <= load.size


def test_what_says_the_same_again_is_not_repeated() -> None:
    load = np.ones(300)
    load[100:130] = 2.0
    (moment,) = worst_moments(load, np.ones(300, dtype=np.int64))
    track = Track()
    track.decisions = [
        Told(90, SMALL, LARGE, ("load: a peak of 40 jobs",)),
        *(Told(100 + i, LARGE, LARGE, (f"load: a peak of {40 + i} jobs",)) for i in range(20)),
        Told(125, LARGE, LARGE, ("held by freshness: no lowering",)),
    ]
    found = decisions_around(track, moment, 0)
    assert [each.step for each in found] == [90, 125]
    assert len(found) <= MOST_DECISIONS
