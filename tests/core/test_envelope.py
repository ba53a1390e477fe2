from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import DIALS, Dial, Envelope, Range, is_outcome, legal


@given(st.fixed_dictionaries({dial: st.integers(-5, 50) for dial in DIALS}))
def test_any_numbers_become_a_legal_envelope(numbers: dict[Dial, int]) -> None:
    made = legal(numbers)
    assert 0 <= made.min_replicas <= made.max_replicas
    assert made.threads >= 1


@pytest.mark.parametrize("numbers", [(3, 2, 1), (-1, 2, 1), (0, 0, 0)])
def test_an_illegal_envelope_cannot_be_built(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"min_replicas|threads"):
        Envelope(*numbers)


def test_an_envelope_reads_like_the_dials() -> None:
    made = Envelope(2, 5, 32)
    assert str(made) == "2..5 x 32"
    assert [made[dial] for dial in DIALS] == [2, 5, 32]
    assert (made.floor_capacity, made.ceiling_capacity) == (64, 160)


@pytest.mark.parametrize(("low", "high"), [(-1, 3), (4, 3)])
def test_an_impossible_range_is_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="low end"):
        Range(low, high)


def test_a_range_clamps_and_contains() -> None:
    assert [Range(2, 4).clamp(n) for n in (1, 3, 9)] == [2, 3, 4]
    assert Range(2).clamp(99) == 99
    assert 3 in Range(2, 4)
    assert 5 not in Range(2, 4)
    assert (str(Range(2, 4)), str(Range(2))) == ("2..4", "2..")


BEFORE, AFTER = Envelope(4, 7, 32), Envelope(12, 21, 48)


@pytest.mark.parametrize("threads", [32, 40, 47, 48])
def test_a_write_may_have_been_cut_to_the_platforms_maximum_of_threads(threads: int) -> None:
    assert is_outcome(Envelope(12, 21, threads), BEFORE, AFTER)


@pytest.mark.parametrize(
    "found",
    [
        BEFORE,
        Envelope(4, 7, 40),
        Envelope(12, 20, 48),
        Envelope(11, 21, 40),
        Envelope(12, 21, 49),
        Envelope(12, 21, 31),
    ],
)
def test_anything_else_was_left_by_somebody_else(found: Envelope) -> None:
    assert not is_outcome(found, BEFORE, AFTER)


def test_of_threads_alone_what_is_as_before_was_not_written() -> None:
    assert is_outcome(Envelope(4, 7, 40), BEFORE, Envelope(4, 7, 48))
    assert not is_outcome(BEFORE, BEFORE, Envelope(4, 7, 48))


def test_fewer_threads_than_were_asked_for_are_no_outcome_of_a_lowering() -> None:
    assert is_outcome(Envelope(4, 7, 16), BEFORE, Envelope(4, 7, 16))
    assert not is_outcome(Envelope(4, 7, 12), BEFORE, Envelope(4, 7, 16))
    assert not is_outcome(Envelope(4, 7, 24), BEFORE, Envelope(4, 7, 16))
