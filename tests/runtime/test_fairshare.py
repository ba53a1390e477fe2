from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.runtime.fairshare import FairShare

AHEAD_S = 15.0


def served(rounds: int, pace: int, wants: list[int], apart_s: float = 0.1) -> list[int]:
    """What each group has written after so many rounds of a pace of so many writes a round."""
    fair, done, taken_until = FairShare(), [0] * len(wants), 0.0
    for turn in range(rounds):
        for place, wanted in enumerate(wants):
            now = turn * AHEAD_S + place * apart_s
            # A bucket without anything saved up: what is taken is taken from the time ahead.
            free_s = now + AHEAD_S - max(now, taken_until)
            room = int(free_s * pace / AHEAD_S + 1e-6)
            went = min(wanted, fair.of(f"group-{place}", room, now, AHEAD_S))
            taken_until = max(now, taken_until) + went * AHEAD_S / pace
            fair.waits(f"group-{place}", wanted - went, now + AHEAD_S)
            done[place] += went
    return done


def test_alone_a_group_has_all() -> None:
    assert FairShare().of("online", 5, 0.0, AHEAD_S) == 5


def test_a_group_leaves_half_to_another_that_waits_and_ticks_right_after() -> None:
    fair = FairShare()
    fair.waits("batch", 100, due=0.0)
    assert fair.of("online", 6, 0.0, AHEAD_S) == 3


def test_what_another_needs_less_than_its_part_is_not_kept_for_it() -> None:
    fair = FairShare()
    fair.waits("batch", 1, due=0.0)
    assert fair.of("online", 6, 0.0, AHEAD_S) == 5


def test_nothing_is_kept_for_a_tick_that_comes_when_the_pace_is_new_again() -> None:
    fair = FairShare()
    fair.waits("batch", 100, due=AHEAD_S)
    assert fair.of("online", 6, 0.0, AHEAD_S) == 6


def test_a_group_that_does_not_tick_any_more_is_not_waited_for() -> None:
    fair = FairShare()
    fair.waits("batch", 100, due=0.0)
    assert fair.of("online", 6, AHEAD_S, AHEAD_S) == 3
    assert fair.of("online", 6, AHEAD_S + 0.1, AHEAD_S) == 6


def test_a_group_that_has_written_all_is_not_waited_for() -> None:
    fair = FairShare()
    fair.waits("batch", 100, due=0.0)
    fair.waits("batch", 0, due=AHEAD_S)
    assert fair.of("online", 6, 0.0, AHEAD_S) == 6


def test_a_second_group_is_not_starved_by_the_first() -> None:
    first, second = served(100, pace=5, wants=[1000, 1000])
    assert first + second >= 0.9 * 500
    assert abs(first - second) <= 0.1 * 500


def test_ten_groups_take_turns_with_a_pace_of_three() -> None:
    done = served(200, pace=3, wants=[1000] * 10)
    assert sum(done) >= 0.9 * 600
    assert min(done) >= 0.5 * 60


@given(
    pace=st.integers(1, 40),
    wants=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    apart_s=st.floats(0.0, 1.5),
)
def test_everybody_who_waits_is_served_in_the_end(
    pace: int, wants: list[int], apart_s: float
) -> None:
    rounds = 20 * len(wants)
    assert min(served(rounds, pace, wants, apart_s)) >= 1


@given(
    room=st.integers(0, 100),
    others=st.lists(st.tuples(st.integers(0, 50), st.floats(-40.0, 40.0)), max_size=6),
    ahead_s=st.floats(1.0, 30.0),
    rounds=st.integers(1, 5),
)
def test_no_share_is_more_than_there_is_or_less_than_an_equal_part(
    room: int, others: list[tuple[int, float]], ahead_s: float, rounds: int
) -> None:
    fair = FairShare()
    for place, (writes, due) in enumerate(others):
        fair.waits(f"other-{place}", writes, due)
    for _ in range(rounds):
        share = fair.of("online", room, 0.0, ahead_s)
        assert room // (1 + len(others)) <= share <= room
