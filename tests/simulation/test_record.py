"""What the world remembers of operators' words: until when a pause must be obeyed."""

from __future__ import annotations

import pytest

from autoscaler.lab.sim.record import Pause, Record
from autoscaler.lab.sim.world import World


@pytest.fixture
def record() -> Record:
    return Record(World(1))


def pause(record: Record, seconds: float, ident: str = "one") -> None:
    world = record.world
    until, ends = world.now + seconds, world.wall + seconds
    record.pauses.append(Pause("fleet", world.now, until, ends=ends, id=ident))


def stands(record: Record) -> bool:
    return record.stopped("chat", "online", record.world.now, brake=False) is not None


def put(record: Record, error: float) -> None:
    record.world.set_wall(error)
    record.clock_set()


def test_a_pause_holds_until_its_end(record: Record) -> None:
    pause(record, 600)
    record.world.pass_by(599)
    assert stands(record)
    record.world.pass_by(2)
    assert not stands(record)


def test_a_clock_that_was_ahead_has_ended_it_for_good(record: Record) -> None:
    pause(record, 600)
    put(record, 400)
    record.world.pass_by(201)
    assert not stands(record)
    put(record, 0)
    assert not stands(record)


def test_a_pause_that_is_made_after_the_clock_was_put_right_holds(record: Record) -> None:
    put(record, 7200)
    put(record, 0)
    pause(record, 600)
    record.clock_set()
    assert stands(record)


def test_a_clock_that_is_behind_ends_none_early(record: Record) -> None:
    pause(record, 600)
    put(record, -400)
    record.world.pass_by(500)
    assert stands(record)


def test_a_pause_that_somebody_ends_is_over_and_no_other(record: Record) -> None:
    pause(record, 600)
    pause(record, 600, "other")
    record.word_ended("one")
    assert stands(record)
    record.word_ended("other")
    assert not stands(record)
