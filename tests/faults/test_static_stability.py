"""Whatever fails, the platform goes on scaling inside the envelope that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Answer, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.ports import Unread
from autoscaler.runtime.each import ACTED
from policies.target_load import TargetLoad
from tests.runtime.test_tick import RIDS, Stage, managed

GOOD = Envelope(8, 12, 32)
BUSY = 8 * 32 * 0.7
TICKS = 40
"""Of a minute: longer than every window, cooldown and grace."""


class Crashes:
    """A policy or a guard with a bug."""

    needs: tuple[str, ...] = ()

    def propose(self, seen: Observation) -> Answer:
        raise ZeroDivisionError

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        raise ZeroDivisionError


@dataclass
class Nobody:
    """Another daemon owns everything."""

    def owns(self, rid: str) -> bool:
        return False


def no_source(stage: Stage) -> None:
    stage.source.failing = True


def source_with_a_bug(stage: Stage) -> None:
    stage.source.crash = True


def partial_data(stage: Stage) -> None:
    stage.source.complete = False


def no_reading(stage: Stage) -> None:
    seat = stage.seats[0]
    seat.read_at, seat.unread = None, Unread(because(Code.API_UNAVAILABLE, "away")).reason


def failed_deployment(stage: Stage) -> None:
    rid = RIDS["chat"]
    stage.platform.holds(rid, GOOD, "FAILED")
    stage.seats[0].was_read(stage.platform.live[rid], stage.clock.now())


def no_journal(stage: Stage) -> None:
    stage.journal.broken = True


def policy_with_a_bug(stage: Stage) -> None:
    entries = (PolicyEntry("odd", Crashes()), PolicyEntry("load", TargetLoad()))
    _manage(stage, policies=entries)


def guard_with_a_bug(stage: Stage) -> None:
    _manage(stage, guards=(Crashes(),))


def no_policy(stage: Stage) -> None:
    _manage(stage, policies=())


def another_daemon(stage: Stage) -> None:
    stage.tick.world.last_word.membership = Nobody()


def stopping(stage: Stage) -> None:
    stage.stopping = True


def _manage(stage: Stage, **parts: object) -> None:
    seat = stage.seats[0]
    seat.managed = replace(seat.managed, **parts)  # type: ignore[arg-type]  # tests name the fields


Failure = Callable[[Stage], None]
FAILURES: tuple[Failure, ...] = (
    no_source,
    source_with_a_bug,
    partial_data,
    no_reading,
    failed_deployment,
    no_journal,
    policy_with_a_bug,
    guard_with_a_bug,
    no_policy,
    another_daemon,
    stopping,
)


async def a_while_of(failures: tuple[Failure, ...]) -> Stage:
    """A while without any load, in which all this fails."""
    stage = await Stage().set(managed(), envelope=GOOD)
    for _ in range(30):
        await stage.turn(BUSY)
    assert stage.platform.writes == []
    for fail in failures:
        fail(stage)
    stage.source.load = 0.0
    with capture_logs():  # a picture of each bug would take longer than all the rest
        for _ in range(TICKS):
            stage.clock.forward(60)
            await stage.tick.run()
    return stage


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: each.__name__)
async def test_whatever_fails_the_envelope_stays_as_it_is(failure: Failure) -> None:
    stage = await a_while_of((failure,))
    assert stage.platform.writes == []
    assert stage.platform.live[RIDS["chat"]].envelope == GOOD
    kinds = {one.outcome.kind for r in stage.ears.reports for one in r.decisions}
    assert not kinds & ACTED


async def test_when_everything_fails_at_once_the_envelope_stays_as_it_is() -> None:
    assert (await a_while_of(FAILURES)).platform.writes == []


async def test_the_same_hours_without_a_failure_lower_it() -> None:
    # Or else the tests above could not fail.
    assert (await a_while_of(())).platform.writes != []
