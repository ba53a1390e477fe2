from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.merge import SILENCE, merge, merge_all, settle
from autoscaler.core.proposal import Bid
from tests.strategies import bids, numbers


@given(bids, bids)
def test_merging_does_not_care_who_speaks_first(one: Bid, other: Bid) -> None:
    assert merge(one, other) == merge(other, one)


@given(bids, bids, bids)
def test_merging_does_not_care_about_grouping(a: Bid, b: Bid, c: Bid) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(bids)
def test_saying_it_twice_changes_nothing(bid: Bid) -> None:
    assert merge(bid, bid) == bid


@given(bids)
def test_silence_changes_nothing(bid: Bid) -> None:
    assert merge(bid, SILENCE) == merge(SILENCE, bid) == bid


@given(st.permutations([Bid(want=3), Bid(at_least=5), Bid(at_most=4), Bid(want=9)]))
def test_the_result_has_no_order(said: list[Bid]) -> None:
    assert merge_all(said) == Bid(9, 5, 4)


@given(bids, numbers)
def test_the_ceiling_beats_the_floor(bid: Bid, current: int) -> None:
    number = settle(bid, current)
    if bid.at_most is not None:
        assert number <= bid.at_most
    elif bid.at_least is not None:
        assert number >= bid.at_least


def test_no_opinion_leaves_the_current_value() -> None:
    assert settle(SILENCE, 7) == 7


@pytest.mark.fault(14)
def test_the_highest_want_wins() -> None:
    assert settle(merge_all([Bid(want=3), Bid(want=8)]), 5) == 8


def test_a_bid_says_what_it_is() -> None:
    assert str(Bid(want=3, at_most=4)) == "want 3, at most 4"
    assert str(SILENCE) == "no opinion"
