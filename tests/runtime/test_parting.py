"""An orderly stop: the envelope stays, or is raised to what the user declared for that."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.farewell import Farewell
from autoscaler.core.observation import Control, Mode, Override
from autoscaler.core.proposal import PolicyEntry
from autoscaler.core.reason import Code
from autoscaler.ports import Intent
from autoscaler.roster import Managed
from policies.target_load import TargetLoad
from tests.runtime.test_daemon import Stage
from tests.runtime.test_tick import RIDS, managed

LOAD = (PolicyEntry("load", TargetLoad()),)
SAFE = Farewell(min_replicas=6, max_replicas=20)
RID = RIDS["chat"]


@pytest.fixture
async def stage() -> Stage:
    made = Stage()
    made.source.load = 60.0
    made.daemon.schedule.start()
    return made


async def stopped(stage: Stage, *members: Managed, in_order: bool = True) -> Stage:
    """A daemon that ticked and is stopped then; everything that was written at its end."""
    await stage.adopt(stage.parts(*members))
    await stage.tick()
    stage.platform.writes.clear()
    await stage.daemon.stop(in_order=in_order)
    return stage


def at_end(stage: Stage) -> Outcome:
    return stage.ears.reports[-1].decisions[0].outcome


async def test_without_a_word_the_envelope_stays(stage: Stage) -> None:
    assert (await stopped(stage, managed())).platform.writes == []


async def test_what_is_declared_is_left_behind_with_intent_and_record(stage: Stage) -> None:
    await stopped(stage, managed(on_shutdown=SAFE), managed("rerank"))
    assert stage.platform.writes == [(RID, Envelope(6, 20, 32))]
    last = stage.journal.concluded[-1]
    assert last.outcome.kind is Kind.APPLIED
    assert stage.journal.intents[-1].id == last.id
    assert {step.reason.code for step in last.plan.trail} == {Code.ON_SHUTDOWN}
    assert stage.journal.closed
    assert stage.platform.closed


@pytest.mark.parametrize("broken", [False, True])
async def test_what_a_tick_that_is_cut_short_has_learnt_is_kept(
    stage: Stage, *, broken: bool
) -> None:
    await stage.adopt(stage.parts(managed(), managed("rerank")))
    await stage.tick()
    (seat,) = (one for one in stage.daemon.seats.values() if one.managed.name == "chat")
    seat.learned, seat.noted = replace(seat.learned, thread_ceiling=40), False
    stage.journal.notes.clear()
    stage.journal.broken = broken
    await stage.daemon.stop()
    learnt = [(note.deployment, note.learned.thread_ceiling) for note in stage.journal.notes]
    assert learnt == ([] if broken else [("chat", 40)])
    assert stage.journal.closed


async def test_a_stop_that_is_no_orderly_one_changes_nothing(stage: Stage) -> None:
    assert (await stopped(stage, managed(on_shutdown=SAFE), in_order=False)).platform.writes == []


async def test_what_has_that_much_already_is_not_written(stage: Stage) -> None:
    stage.platform.holds(RID, Envelope(8, 25, 32))
    assert (await stopped(stage, managed(on_shutdown=SAFE))).platform.writes == []


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.RECOMMEND])
async def test_a_mode_that_writes_nothing_writes_nothing_at_the_end(
    stage: Stage, mode: Mode
) -> None:
    await stopped(stage, managed(on_shutdown=SAFE, mode=mode))
    assert stage.platform.writes == []
    assert stage.journal.intents == []


async def test_raise_only_may_be_raised(stage: Stage) -> None:
    await stopped(stage, managed(on_shutdown=SAFE, mode=Mode.RAISE_ONLY))
    assert stage.platform.writes == [(RID, Envelope(6, 20, 32))]


async def test_a_pause_forbids_it(stage: Stage) -> None:
    stage.journal.said = {"fleet": (Override(Control.PAUSE, "ada", "hands off"),)}
    await stopped(stage, managed(on_shutdown=SAFE))
    assert stage.platform.writes == []
    assert at_end(stage).reason.code is Code.PAUSED


async def test_without_a_journal_nothing_is_written_at_the_end_either(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed(on_shutdown=SAFE)))
    await stage.tick()
    stage.platform.writes.clear()
    stage.journal.broken = True
    await stage.daemon.stop(in_order=True)
    assert stage.platform.writes == []


async def test_a_write_of_unknown_end_is_not_followed_by_another(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed(on_shutdown=SAFE)))
    await stage.tick()
    stage.platform.writes.clear()
    seat = stage.daemon.seats["chat"]
    seat.dangling = Intent("x", 0.0, "chat", RID, Envelope(1, 2, 3), Envelope(2, 2, 3))
    await stage.daemon.stop(in_order=True)
    assert stage.platform.writes == []


async def test_a_platform_that_hangs_does_not_keep_the_daemon_from_ending(stage: Stage) -> None:
    async def hang(rid: str, before: Envelope, after: Envelope) -> Outcome:
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it never comes

    await stage.adopt(stage.parts(managed(on_shutdown=Farewell(min_replicas=6, within_s=0.01))))
    await stage.tick()
    stage.platform.apply = hang  # type: ignore[method-assign]  # the platform went away
    await stage.daemon.stop(in_order=True)
    # Its intent is open, and the next start finds out what came of it.
    assert stage.journal.intents[-1].plan.after.min_replicas == 6
    assert stage.journal.closed


async def test_what_does_not_fit_into_the_pace_is_told(stage: Stage) -> None:
    await stage.adopt(stage.parts(managed(on_shutdown=SAFE), managed("rerank", on_shutdown=SAFE)))
    await stage.tick()
    stage.platform.writes.clear()
    stage.platform.places = 1
    await stage.daemon.stop(in_order=True)
    assert len(stage.platform.writes) == 1
    kinds = {one.outcome.reason.code for one in stage.ears.reports[-1].decisions}
    assert kinds == {Code.AS_PLANNED, Code.BUDGET_SHORT}
