"""How much a policy does, in function calls: the same on every machine, however busy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Change, Health, Observation, Recommended, Series
from autoscaler.testing.strategies import NOW

SAMPLE_EVERY_S = 15.0


def busy_observation(needs: Sequence[str], samples: int) -> Observation:
    """A long past: `samples` samples of every signal, an eighth of them ahead, and many changes."""
    first = NOW - samples * SAMPLE_EVERY_S * 7 / 8
    times = tuple(first + SAMPLE_EVERY_S * place for place in range(samples))
    steps = [Envelope(2 + place % 5, 10 + place % 3, 32) for place in range(33)]
    began = NOW - 32 * 450
    return Observation(
        at=NOW,
        deployment="chat",
        envelope=steps[-1],
        envelope_at=NOW - 5,
        health=Health("ACTIVE", is_ready=True),
        signals={
            name: Series(
                times, tuple(40.0 + 37 * ((place * 7 + number) % 11) for place in range(samples))
            )
            for number, name in enumerate(needs)
        },
        changes=tuple(
            Change(began + 450 * place, steps[place], steps[place + 1]) for place in range(32)
        ),
        recommended=tuple(
            Recommended(steps[place], began + 450 * place, began + 450 * (place + 1))
            for place in range(32)
        ),
        watched_since=NOW - 90 * 86_400,
    )


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, of Python or C, are called by `work`."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event in {"call", "c_call"}:
            count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    # `work` itself, and the call that takes the counter off again.
    return count - 2
