"""How a rail holds dials back without breaking the envelope."""

from __future__ import annotations

from autoscaler.core.envelope import Dial, Envelope


def between(before: Envelope, floor: int, ceiling: int, threads: int) -> Envelope:
    """An envelope of dials that a rail held back, each between `before` and where it was going.

    A floor that may not rise with its ceiling stops there; a ceiling that would fall below a
    floor that is kept stops at the floor. So holding one dial never lowers another.
    """
    if floor > ceiling:
        if ceiling >= before.max_replicas:
            floor = ceiling
        else:
            ceiling = floor
    return Envelope(floor, ceiling, threads)


def toward(before: int, after: int, bound: int) -> int:
    """`after`, but lowered no further than `bound` and never raised by that."""
    return max(after, min(before, bound))


def direction(before: int, after: int) -> int:
    """1 for up, -1 for down, 0 for unmoved."""
    return (after > before) - (after < before)


REPLICAS = (Dial.MIN_REPLICAS, Dial.MAX_REPLICAS)
