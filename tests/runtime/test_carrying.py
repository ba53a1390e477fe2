"""What one replica carries is learnt under a queue that stands, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.codec import decode, encode
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import (
    Absence,
    Capacity,
    Carried,
    Health,
    Learned,
    Missing,
    Series,
    Signal,
)
from autoscaler.ports import Live
from autoscaler.runtime.carrying import KEPT, SETTLED_S, CapacityWatch, with_sight
from autoscaler.runtime.seat import Seat
from tests.runtime.test_tick import SPEC, managed
from tests.strategies import NOW

READY = Health("ACTIVE", is_ready=True, model_version="v1")
FIXED = Envelope(4, 4, 32)


def watched(
    minutes: float,
    running: float | list[float] = 80.0,
    queued: float = 12.0,
    *,
    envelope: Envelope = FIXED,
    health: Health = READY,
    learned: Learned | None = None,
    complete: bool = True,
) -> Learned:
    """Ticks every 15 s; the first four minutes are those after a change."""
    watch, known = CapacityWatch(), learned or Learned()
    for turn in range(round((SETTLED_S + minutes * 60) / 15) + 1):
        at = NOW + 15.0 * turn
        value = running[turn % len(running)] if isinstance(running, list) else running
        known = watch.look(
            at,
            Series((at,), (value,), complete),
            Series((at,), (queued,)),
            envelope,
            health,
            known,
        )
    return known


def test_a_minute_under_a_queue_tells_what_one_replica_carries() -> None:
    capacity = watched(1.0).capacity
    assert capacity.seen == (Carried(20.0, 20.0),)
    assert (capacity.low, capacity.high, capacity.count) == (20.0, 20.0, 1)
    assert (capacity.version, capacity.threads) == ("v1", 32)


def test_the_least_of_the_minute_counts_and_not_its_peak() -> None:
    assert watched(1.0, [80.0, 100.0, 72.0]).capacity.low == 18.0


def test_between_floor_and_ceiling_it_is_an_interval_and_never_above_the_threads() -> None:
    capacity = watched(1.0, 96.0, envelope=Envelope(2, 6, 32)).capacity
    assert (capacity.low, capacity.high) == (16.0, 32.0)


@pytest.mark.parametrize(
    "learned",
    [
        watched(30.0, queued=0.0),
        watched(30.0, queued=0.5),
        watched(30.0, running=0.0),
        watched(30.0, complete=False),
        watched(30.0, health=Health("DEGRADED", is_ready=True, model_version="v1")),
        watched(30.0, health=Health("ACTIVE", is_ready=False, model_version="v1")),
        watched(-0.5),
        watched(0.7),
        watched(4.0, learned=Learned(startup_s=600.0)),
    ],
    ids=[
        "no queue",
        "a rounded queue",
        "idle",
        "partial",
        "degraded",
        "not ready",
        "just changed",
        "too short",
        "may still start",
    ],
)
def test_nothing_else_teaches(learned: Learned) -> None:
    assert learned.capacity == Capacity()


@pytest.mark.parametrize("gone", ["running", "queued", "old"])
def test_a_gap_begins_the_minute_anew(gone: str) -> None:
    watch, known = CapacityWatch(), Learned()
    for turn in range(200):
        at = NOW + 15.0 * turn
        running: Signal = Series((at,), (80.0,))
        queued: Signal = Series((at - (100 if gone == "old" else 0),), (9.0,))
        if turn % 4 == 3 and gone != "old":
            lost = Missing(Absence.SOURCE_FAILED)
            running, queued = (lost, queued) if gone == "running" else (running, lost)
        known = watch.look(at, running, queued, FIXED, READY, known)
    assert known.capacity.count == 0


def test_a_source_that_repeats_one_sample_is_one_reading() -> None:
    watch, known = CapacityWatch(), Learned()
    for turn in range(40):
        at = NOW + 15.0 * turn
        stuck = Series((at // 50 * 50,), (80.0,))
        known = watch.look(at, stuck, stuck, FIXED, READY, known)
    # Every 50 s a new sample: three of them take longer than a minute.
    assert 0 < known.capacity.count <= 3


def test_another_version_or_thread_count_is_learnt_anew() -> None:
    first = with_sight(Learned(), 80.0, FIXED, "v1", NOW)
    assert with_sight(first, 80.0, FIXED, "v1", NOW).capacity.count == 2
    assert with_sight(first, 80.0, FIXED, "v2", NOW).capacity.count == 1
    assert with_sight(first, 80.0, replace(FIXED, threads=16), "v1", NOW).capacity.count == 1


def test_one_odd_minute_does_not_move_it() -> None:
    learned = Learned()
    for running in (80.0, 81.0, 79.0, 8.0, 80.0):
        learned = with_sight(learned, running, FIXED, "v1", NOW)
    assert learned.capacity.low == 20.0


@given(
    sights=st.lists(st.floats(1, 1e6), min_size=1, max_size=40),
    low=st.integers(0, 50),
    more=st.integers(0, 50),
    threads=st.integers(1, 500),
)
def test_what_is_learnt_is_an_interval_of_possible_sizes_and_outlives_the_journal(
    sights: list[float], low: int, more: int, threads: int
) -> None:
    learned = Learned()
    for running in sights:
        learned = with_sight(learned, running, Envelope(low, low + more, threads), "v1", NOW)
    capacity = learned.capacity
    assert capacity.low is not None
    assert capacity.high is not None
    assert 0 < capacity.low <= capacity.high <= threads
    assert capacity.count == min(len(sights), KEPT)
    assert decode(Learned, encode(Learned, learned)) == learned


def test_a_seat_learns_it_from_its_signals_and_notes_it() -> None:
    one = managed(signals={"running_jobs": SPEC, "queued_jobs": SPEC})
    seat = Seat(one)
    for turn in range(40):
        at = NOW + 15.0 * turn
        seat.was_read(Live(one.rid, FIXED, READY), at)
        seat.signals |= {
            "running_jobs": Series((at,), (80.0,)),
            "queued_jobs": Series((at,), (5.0,)),
        }
        seat.watch_capacity(at)
    assert seat.learned.capacity.low == 20.0
    assert not seat.noted


def test_without_a_signal_for_the_queue_nothing_is_learnt() -> None:
    seat = Seat(managed())
    seat.was_read(Live(seat.managed.rid, FIXED, READY), NOW)
    seat.signals["running_jobs"] = Series((NOW,), (80.0,))
    seat.watch_capacity(NOW)
    assert seat.learned == Learned()
