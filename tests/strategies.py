"""Hypothesis strategies for everything in the core."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from autoscaler.core.envelope import DIALS, Dial, Envelope, Range
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
    Recommended,
    Series,
)
from autoscaler.core.proposal import Abstain, Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason, because

T = TypeVar("T")

# The promises of the core are tried this often in CI, and less at a desk.
MANY = 2000 if os.environ.get("CI") == "true" else 200
# Everything that stands on the core has properties of its own; these are slower, and there are many.
SOME = 200 if os.environ.get("CI") == "true" else 50

NOW = 1_790_000_000.0
STATES = ("ACTIVE", "STARTING", "DEGRADED", "DISABLED", "FAILED", "HIBERNATING")
SIGNALS = ("running_jobs", "error_share")

# A strategy that is built anew at every draw costs ten times what it draws: each is built once.
numbers = st.integers(0, 60)
reasons = st.builds(Reason, st.sampled_from(Code), st.just("because"))


@cache
def _between(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


@st.composite
def envelopes(draw: st.DrawFn, low: int = 0, high: int = 60) -> Envelope:
    floor = draw(_between(low, high))
    return Envelope(floor, draw(_between(floor, high)), draw(_between(1, 64)))


_GAPS = st.lists(st.floats(1, 120), max_size=12)
_AGES = st.floats(0, 400)
_TRUTHS = st.booleans()


@cache
def _values(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(0, 1e6, allow_nan=False), min_size=count, max_size=count)


@st.composite
def series(draw: st.DrawFn, newest: float = NOW) -> Series:
    gaps = draw(_GAPS)
    times = [newest - draw(_AGES)]
    for gap in gaps:
        times.append(times[-1] - gap)
    return Series(tuple(reversed(times)), tuple(draw(_values(len(times)))), draw(_TRUTHS))


bids = st.builds(Bid, st.none() | numbers, st.none() | numbers, st.none() | numbers)


_ENVELOPES = envelopes()
_LONG_AGES = st.floats(0, 90_000)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    return Change(NOW - draw(_LONG_AGES), draw(_ENVELOPES), draw(_ENVELOPES))


# Drawing every number of an observation costs 20 ms, and the promises of the core are tried
# thousands of times. The parts are therefore made once, by a fixed seed, and drawn whole.
_DICE = random.Random(20)  # noqa: S311 - examples, not secrets


def _pool(make: Callable[[], T], count: int) -> tuple[T, ...]:
    return tuple(make() for _ in range(count))


def _envelope() -> Envelope:
    floor = _DICE.randint(0, 60)
    return Envelope(floor, _DICE.randint(floor, 60), _DICE.randint(1, 64))


def _range(low: int) -> Range:
    start = _DICE.randint(low, 30)
    return Range(start, _DICE.choice([None, _DICE.randint(start, 60)]))


def _limits() -> Limits:
    floor = _range(0)
    top = None if floor.high is None else floor.high + _DICE.randint(0, 20)
    return Limits(floor, Range(floor.low, top), _range(1))


def _signal() -> Series | Missing:
    if _DICE.random() < 0.25:
        return Missing(_DICE.choice(list(Absence)))
    times = [NOW - _DICE.choice([0.0, _DICE.uniform(0, 400)])]
    for _ in range(_DICE.randint(0, 12)):
        times.append(times[-1] - _DICE.uniform(1, 120))
    values = tuple(_DICE.choice([0.0, _DICE.uniform(0, 2000), 1e6]) for _ in times)
    back = _DICE.choice([None, NOW - _DICE.uniform(0, 900)])
    return Series(tuple(reversed(times)), values, _DICE.random() < 0.7, back)


def _signals() -> dict[str, Series | Missing]:
    return {name: _signal() for name in SIGNALS if _DICE.random() < 0.8}


def _changes() -> tuple[Change, ...]:
    found = [
        Change(NOW - _DICE.uniform(0, 90_000), _envelope(), _envelope(), _DICE.random() < 0.3)
        for _ in range(_DICE.randint(0, 4))
    ]
    return tuple(sorted(found, key=lambda change: change.at))


def _wishes() -> tuple[Recommended, ...]:
    ends = sorted(NOW - _DICE.uniform(0, 4000) for _ in range(_DICE.randint(0, 4)))
    return tuple(Recommended(_envelope(), end - _DICE.uniform(0, 600), end) for end in ends)


def _words() -> tuple[Override, ...]:
    found = []
    for _ in range(_DICE.choice([0, 0, 1, 2])):
        control = _DICE.choice(list(Control))
        ends = _DICE.choice([None, NOW + _DICE.uniform(-100, 100)])
        if control in {Control.PAUSE, Control.BRAKE}:
            found.append(Override(control, "ada", "load test", ends))
        elif control is Control.MODE:
            found.append(Override(control, "ada", "trial", ends, mode=_DICE.choice([None, *Mode])))
        else:
            dial = _DICE.choice(list(Dial))
            found.append(Override(control, "ada", "incident", ends, dial, _DICE.randint(1, 40)))
    return tuple(found)


LIMITS_POOL = (Limits(), *_pool(_limits, 60))
SIGNALS_POOL = ({}, *_pool(_signals, 120))
CHANGES_POOL = ((), *_pool(_changes, 80))
WISHES_POOL = ((), *_pool(_wishes, 80))
WORDS_POOL = ((), *_pool(_words, 40))
LEARNED_POOL = (Learned(), *(Learned(ceiling) for ceiling in (1, 8, 32, 64)))
SEEN_POOL = tuple(NOW - age for age in (5.0, 0.0, 120.0, 600.0))
WATCHED_POOL = (NOW - 10_000.0, NOW - 60.0, NOW)
BEHIND_POOL = (None, NOW - 30.0, NOW - 5000.0)
HEALTH_POOL = tuple(Health(state, is_ready) for state in STATES for is_ready in (False, True))

_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "envelope": _ENVELOPES,
    "envelope_at": st.sampled_from(SEEN_POOL),
    "health": st.sampled_from(HEALTH_POOL),
    "limits": st.sampled_from(LIMITS_POOL),
    "signals": st.sampled_from(SIGNALS_POOL),
    "changes": st.sampled_from(CHANGES_POOL),
    "recommended": st.sampled_from(WISHES_POOL),
    "overrides": st.sampled_from(WORDS_POOL),
    "learned": st.sampled_from(LEARNED_POOL),
    "mode": st.sampled_from(Mode),
    "watched_since": st.sampled_from(WATCHED_POOL),
    "behind_since": st.sampled_from(BEHIND_POOL),
}


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    parts = {name: draw(strategy) for name, strategy in _PARTS.items()}
    return Observation(at=NOW, deployment="chat", **parts)


class Says:
    """A policy that always gives the same answer."""

    needs: tuple[str, ...] = ()

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def propose(self, seen: Observation) -> object:
        return self.answer


def _bid() -> Bid:
    return Bid(*(_DICE.choice([None, _DICE.randint(0, 60)]) for _ in range(3)))


def _answer() -> tuple[Proposal | Abstain, bool]:
    reason = Reason(_DICE.choice(list(Code)), "because")
    shadow = _DICE.random() < 0.2
    if _DICE.random() < 0.2:
        return Abstain(reason), shadow
    return Proposal({dial: _bid() for dial in DIALS if _DICE.random() < 0.6}, reason), shadow


ANSWERS_POOL = _pool(_answer, 200)


def entry(name: str, answer: object, *, shadow: bool = False, **parts: object) -> PolicyEntry:
    """A policy entry that always gives `answer`."""
    return PolicyEntry(name, Says(answer), shadow=shadow, **parts)  # type: ignore[arg-type]  # answers may be wrong on purpose


_SAID = st.lists(st.sampled_from(ANSWERS_POOL), max_size=4)


@st.composite
def entries(draw: st.DrawFn) -> tuple[PolicyEntry, ...]:
    said = draw(_SAID)
    return tuple(entry(f"p{i}", answer, shadow=shadow) for i, (answer, shadow) in enumerate(said))


def seen(**parts: object) -> Observation:
    """A calm observation: settled, long watched, nothing changed lately; then `parts`."""
    base: dict[str, object] = {
        "at": NOW,
        "deployment": "chat",
        "envelope": Envelope(4, 10, 32),
        "envelope_at": NOW - 5,
        "health": Health("ACTIVE", is_ready=True),
        "watched_since": NOW - 100_000,
    }
    return Observation(**(base | parts))  # type: ignore[arg-type]  # tests name the fields


def wants(
    floor: int | None = None, ceiling: int | None = None, threads: int | None = None
) -> Proposal:
    """A proposal that wants these numbers."""
    given = ((Dial.MIN_REPLICAS, floor), (Dial.MAX_REPLICAS, ceiling), (Dial.THREADS, threads))
    return Proposal(
        {dial: Bid(want=value) for dial, value in given if value is not None},
        because(Code.LOAD_ABOVE_TARGET, "a test wants it"),
    )
