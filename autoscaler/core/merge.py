"""Many bids to one bid to one number: an algebra in which no order matters.

As in the Nomad Autoscaler the highest number wins, with two differences on purpose: a policy that
is only tried (`shadow`) never wins over the others, and one that fails does not end the decision.
"""

from __future__ import annotations

from collections.abc import Iterable

from autoscaler.core.proposal import Bid

SILENCE = Bid()


def merge(one: Bid, other: Bid) -> Bid:
    """The highest want, the highest floor, the lowest ceiling.

    Commutative, associative and idempotent, with `SILENCE` as its neutral element.
    """
    return Bid(
        _highest(one.want, other.want),
        _highest(one.at_least, other.at_least),
        _lowest(one.at_most, other.at_most),
    )


def merge_all(bids: Iterable[Bid]) -> Bid:
    """All bids on one dial as one bid."""
    merged = SILENCE
    for bid in bids:
        merged = merge(merged, bid)
    return merged


def settle(bid: Bid, current: int) -> int:
    """One number from one bid: the want or else the current value, then floor, then ceiling.

    The ceiling beats the floor: a cost cap is a promise, a floor is a hope.
    """
    number = current if bid.want is None else bid.want
    if bid.at_least is not None and number < bid.at_least:
        number = bid.at_least
    if bid.at_most is not None and number > bid.at_most:
        number = bid.at_most
    return number


def _highest(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _lowest(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
