from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.runtime.fairshare import FairShare, Waiting

AHEAD_S = 15.0


def served(rounds: int, pace: int, wants: list[int], apart_s: float = 0.1) -> list[int]:
    """What each group has written after so many rounds of a pace of so many writes a round."""
    shares, done, taken_until = FairShare(), [0] * len(wants), 0.0
    for turn in range(rounds):
        for place, wanted in enumerate(wants):
            now = turn * AHEAD_S + place * apart_s
            # A bucket without anything saved up: what is taken is taken from the time ahead.
            free_s = now + AHEAD_S - max(now, taken_until)
            room = int(free_s * pace / AHEAD_S + 1e-6)
            went = min(wanted, shares.of(f"group-{place}", room, now, AHEAD_S))
            taken_until = max(now, taken_until) + went * AHEAD_S / pace
            shares.took(f"group-{place}", went, wanted - went, now, AHEAD_S)
            done[place] += went
    return done


def fair(**waiting: tuple[int, float]) -> FairShare:
    """Groups by how many of their writes wait, and when their next ticks are."""
    return FairShare({name: Waiting(writes, due) for name, (writes, due) in waiting.items()})


def test_alone_a_group_has_all() -> None:
    assert FairShare().of("online", 5, 0.0, AHEAD_S) == 5


def test_a_group_leaves_half_to_another_that_waits_and_ticks_right_after() -> None:
    assert fair(batch=(100, 0.1)).of("online", 6, 0.0, AHEAD_S) == 3


def test_of_an_odd_number_the_first_has_the_larger_half() -> None:
    assert fair(batch=(100, 0.1)).of("online", 5, 0.0, AHEAD_S) == 3


def test_what_another_needs_less_than_its_part_is_not_kept_for_it() -> None:
    assert fair(batch=(1, 0.1)).of("online", 6, 0.0, AHEAD_S) == 5


def test_nothing_is_kept_for_a_tick_that_comes_when_the_pace_is_new_again() -> None:
    assert fair(batch=(100, 14.9)).of("online", 6, 0.0, AHEAD_S) == 6
    assert fair(batch=(100, 15.0)).of("online", 6, 0.0, AHEAD_S) == 6


def test_a_group_that_does_not_tick_any_more_is_not_waited_for() -> None:
    assert fair(batch=(100, 0.0)).of("online", 6, AHEAD_S, AHEAD_S) == 3
    assert fair(batch=(100, 0.0)).of("online", 6, AHEAD_S + 0.1, AHEAD_S) == 6


def test_a_group_that_has_written_all_is_not_waited_for() -> None:
    shares = fair(batch=(100, 0.1))
    shares.took("batch", 100, 0, 0.1, AHEAD_S)
    assert shares.of("online", 6, AHEAD_S, AHEAD_S) == 6


def test_of_one_write_the_group_that_has_had_fewer_has_the_next() -> None:
    shares = FairShare()
    shares.took("batch", 0, 3, 0.1, AHEAD_S)
    shares.took("online", 1, 3, 0.2, AHEAD_S)
    assert shares.of("online", 1, 15.0, AHEAD_S) == 0
    assert shares.of("batch", 1, 15.1, AHEAD_S) == 1
    shares.took("batch", 1, 2, 15.1, AHEAD_S)
    assert shares.of("online", 1, 30.0, AHEAD_S) == 1


def test_nobody_saves_up_in_a_time_without_need() -> None:
    shares = FairShare()
    for _ in range(50):
        shares.took("online", 5, 5, 0.0, AHEAD_S)
    shares.took("batch", 0, 9, 0.1, AHEAD_S)
    # Not all, although it has had none and the other 250.
    assert shares.of("online", 6, AHEAD_S, AHEAD_S) == 3


def test_whoever_is_far_behind_is_kept_no_more_than_waits() -> None:
    shares = fair(batch=(2, 0.1))
    for _ in range(50):
        shares.took("online", 5, 3, 0.0, AHEAD_S)
    assert shares.of("online", 6, 0.0, AHEAD_S) == 4


def test_who_has_had_all_it_wanted_is_not_forgotten_to_have_had_it() -> None:
    shares = fair(batch=(9, 0.1))
    shares.took("online", 4, 0, 0.0, AHEAD_S)
    assert shares.of("online", 3, 0.0, AHEAD_S) == 0


def test_a_second_group_is_not_starved_by_the_first() -> None:
    first, second = served(100, pace=5, wants=[1000, 1000])
    assert first + second == 500
    assert abs(first - second) <= 10


def test_ten_groups_take_turns_with_a_pace_of_three() -> None:
    done = served(200, pace=3, wants=[1000] * 10)
    assert sum(done) >= 0.95 * 600
    assert max(done) - min(done) <= 5


@given(
    pace=st.integers(1, 40),
    wants=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    apart_s=st.floats(0.0, 1.5),
)
def test_everybody_who_waits_is_served_in_the_end_and_little_is_wasted(
    pace: int, wants: list[int], apart_s: float
) -> None:
    rounds = 20 * len(wants)
    done = served(rounds, pace, wants, apart_s)
    assert min(done) >= rounds * min(1.0, pace / len(wants)) / 5
    assert sum(done) >= 0.7 * rounds * min(pace, sum(wants))


@given(
    room=st.integers(0, 100),
    others=st.lists(
        st.tuples(st.integers(1, 50), st.floats(-40.0, 40.0), st.integers(0, 50)), max_size=6
    ),
    ahead_s=st.floats(1.0, 30.0),
)
def test_no_share_is_more_than_there_is_and_whoever_had_least_has_an_equal_part(
    room: int, others: list[tuple[int, float, int]], ahead_s: float
) -> None:
    waiting = {f"other-{n}": Waiting(writes, due) for n, (writes, due, _) in enumerate(others)}
    served = {f"other-{n}": had for n, (_, _, had) in enumerate(others)}
    assert 0 <= FairShare(waiting, served).of("online", room, 0.0, ahead_s) <= room
    fewest = min(served.values(), default=0)
    least = FairShare(waiting | {"online": Waiting(100, 0.0)}, served | {"online": fewest})
    assert least.of("online", room, 0.0, ahead_s) >= room // (1 + len(others))
