from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from random import Random

import pytest

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Control, Health, Missing, Observation, Override, Series
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, because
from autoscaler.ports import Intent, JournalError, Live, Memory, TickReport, Unread
from autoscaler.roster import ForecastSpec
from autoscaler.runtime.foresight import Foresight
from autoscaler.runtime.resync import Resync
from autoscaler.runtime.seat import Seat
from tests.runtime.test_tick import RIDS, START, Stage, managed
from tests.strategies import NOW


def resync_of(stage: Stage) -> Resync:
    chance = Random(1)  # noqa: S311 - jitter
    return Resync(stage.platform, stage.journal, stage.clock, chance, 60.0)


# --- readings and writes that cross ---------------------------------------------------------


async def test_a_reading_from_before_a_write_is_not_somebody_elses_change() -> None:
    stage = await Stage().set()
    seat, before = stage.seats[0], stage.platform.live[RIDS["chat"]]
    arrives = asyncio.Event()

    async def late(_rid: str) -> Live | Unread:
        await arrives.wait()
        return before

    stage.platform.read = late  # type: ignore[method-assign,assignment]  # an answer that takes its time
    reading = asyncio.create_task(resync_of(stage).read(seat))
    await asyncio.sleep(0)
    assert (await stage.turn(200.0)).outcome.kind is Kind.APPLIED
    arrives.set()
    await reading
    assert [change.foreign for change in seat.changes] == [False]
    assert seat.live.envelope == stage.platform.live[RIDS["chat"]].envelope
    assert seat.read_due <= stage.clock.monotonic() + 5.0


async def test_a_reading_that_overtakes_the_writes_own_answer_is_not_somebody_elses_change() -> (
    None
):
    stage = await Stage().set()
    seat, apply, resync = stage.seats[0], stage.platform.apply, resync_of(stage)

    async def slow(rid: str, before: Envelope, after: Envelope) -> Outcome:
        outcome = await apply(rid, before, after)
        await resync.read(seat)
        return outcome

    stage.platform.apply = slow  # type: ignore[method-assign]  # it reads back a little later
    assert (await stage.turn(200.0)).outcome.kind is Kind.APPLIED
    assert [change.foreign for change in seat.changes] == [False]


async def test_a_reading_that_crashes_does_not_end_the_reading_of_the_others() -> None:
    stage = await Stage().set(managed(), managed("rerank"))
    read = stage.platform.read

    async def poisoned(rid: str) -> Live | Unread:
        if rid == RIDS["chat"]:
            raise KeyError("a bug")
        return await read(rid)

    stage.platform.read = poisoned  # type: ignore[method-assign]  # one answer hits a bug
    stage.clock.forward(100.0)
    assert await resync_of(stage).once(stage.seats) == 2
    assert stage.seats[0].unread.code is Code.INTERNAL_ERROR
    assert stage.seats[0].read_due > stage.clock.monotonic()
    assert stage.seats[1].read_at == stage.clock.now()


async def test_an_intent_that_cannot_be_resolved_does_not_end_the_reading() -> None:
    stage = await Stage().set()
    seat = stage.seats[0]
    seat.dangling = Intent("d", NOW - 99, "chat", RIDS["chat"], Envelope(1, 1, 32), START)

    async def damaged(*_all: object) -> None:
        raise ValueError("not JSON")

    stage.journal.resolve = damaged  # type: ignore[method-assign,assignment]  # a damaged row
    await resync_of(stage).read(seat)
    assert seat.dangling is not None
    assert (await stage.turn(200.0)).outcome.kind is Kind.DEFERRED


# --- bulkheads ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Broken:
    def shape(self, plan: Plan, seen: Observation) -> Plan:
        raise ZeroDivisionError


@pytest.mark.fault(48)
async def test_a_guard_that_crashes_holds_its_deployment_and_no_other() -> None:
    stage = await Stage().set(managed(guards=(Broken(),)), managed("rerank"))
    await stage.turn(200.0)
    chat, rerank = stage.ears.reports[-1].decisions
    assert (chat.outcome.kind, chat.outcome.reason.code) == (Kind.HELD, Code.INTERNAL_ERROR)
    assert rerank.outcome.kind is Kind.APPLIED


async def test_a_forecast_that_crashes_costs_its_own_signals() -> None:
    stage = await Stage().set(managed(forecasts={"ahead": ForecastSpec()}), managed("rerank"))

    class Crashing(Foresight):
        def observe(self, *_all: object) -> None:
            raise ZeroDivisionError

    stage.seats[0].foresight = Crashing({}, 15.0)
    await stage.turn(200.0)
    chat, rerank = stage.ears.reports[-1].decisions
    assert isinstance(chat.seen.signal("ahead_keep"), Missing)
    assert rerank.outcome.kind is Kind.APPLIED


async def test_a_listener_that_crashes_does_not_stop_the_others() -> None:
    stage = await Stage().set()

    class Deaf:
        def told(self, report: TickReport) -> None:
            raise ZeroDivisionError

    stage.tick.world = replace(stage.tick.world, listeners=(Deaf(), stage.ears))
    await stage.turn(200.0)
    assert len(stage.ears.reports) == 1


async def test_a_decision_that_cannot_be_recorded_takes_no_other_along() -> None:
    stage = await Stage().set(managed(), managed("rerank"))
    conclude = stage.journal.conclude

    async def picky(decisions: list[Decision]) -> None:
        if any(one.deployment == "chat" for one in decisions):
            raise TypeError("not JSON")
        await conclude(decisions)

    stage.journal.conclude = picky  # type: ignore[method-assign,assignment]  # one is poison
    await stage.turn(200.0)
    assert [one.deployment for one in stage.journal.concluded] == ["rerank"]
    assert len(stage.ears.reports) == 1


def test_a_reason_that_cannot_be_recorded_is_no_answer() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        needs: tuple[str, ...] = ()

        def propose(self, seen: Observation) -> Proposal:
            odd = because(Code.COMPUTED, "{what}", what=object())  # type: ignore[arg-type]  # the mistake
            return Proposal({Dial.MIN_REPLICAS: Bid(want=3)}, odd)

    answer = PolicyEntry("odd", Odd()).ask(
        Observation(NOW, "chat", START, NOW, Health("ACTIVE", is_ready=True))
    )
    assert answer.reason.code is Code.POLICY_INVALID


# --- what counts as known -------------------------------------------------------------------


@pytest.mark.fault(13)
async def test_a_source_that_was_away_when_the_daemon_started_is_back_and_not_quiet() -> None:
    stage = await Stage().set(envelope=Envelope(8, 9, 32))
    stage.source.failing = True
    for _ in range(60):
        await stage.turn()
    stage.source.failing = False
    decision = await stage.turn(0.0)
    assert decision.outcome.kind is not Kind.APPLIED
    assert decision.plan.after.min_replicas == 8
    series = decision.seen.signal("running_jobs")
    assert isinstance(series, Series)
    assert series.recovered_at == decision.at


@pytest.mark.fault(45)
async def test_after_a_suspended_hour_nobody_knows_what_was_wanted() -> None:
    stage = await Stage().set(envelope=Envelope(8, 9, 32))
    for _ in range(90):
        await stage.turn(8 * 32 * 0.7)
    decision = await stage.turn(1.0, after=3600.0)
    assert decision.seen.watched_since == decision.at
    assert decision.plan.after.min_replicas == 8


@pytest.mark.fault(41)
async def test_a_clock_that_was_put_back_does_not_freeze_a_signal() -> None:
    stage = await Stage().set()
    await stage.turn(10.0)
    stage.clock.at -= 3600.0
    decision = await stage.turn(200.0)
    series = decision.seen.signal("running_jobs")
    assert isinstance(series, Series)
    assert (series.last_at, series.last) == (decision.at, 200.0)
    assert decision.outcome.kind is Kind.APPLIED


@pytest.mark.fault(41)
@pytest.mark.parametrize("before", [0.0, -7200.0])
async def test_a_clock_that_is_put_forward_ends_no_cooldown(before: float) -> None:
    # Two hours behind for a while, and then right: found by the simulation.
    stage = await Stage().set()
    await stage.turn(200.0)
    if before:
        stage.clock.at += before
        await stage.turn(200.0)
    stage.clock.at += 7200.0
    seen = (await stage.turn(1.0)).seen
    assert seen.at - seen.changes[0].at == pytest.approx(30.0 if before else 15.0)


@pytest.mark.fault(41)
async def test_a_clock_that_was_ahead_for_a_while_does_not_begin_a_cooldown_anew() -> None:
    stage = await Stage().set()
    await stage.turn(200.0)
    stage.clock.at += 7200.0
    await stage.turn(200.0)
    stage.clock.at -= 7200.0
    seen = (await stage.turn(200.0)).seen
    assert seen.at - seen.changes[0].at == pytest.approx(30.0)


@pytest.mark.fault(41)
async def test_a_clock_that_goes_wrong_again_and_again_keeps_the_age_of_a_change() -> None:
    # Each time that it was put right the change seemed two hours younger: the simulation's 20005.
    stage = await Stage().set()
    await stage.turn(200.0)
    for error in (-7200.0, 7200.0) * 3:
        stage.clock.at += error
        await stage.turn(200.0)
    seen = (await stage.turn(200.0)).seen
    assert seen.at - seen.changes[0].at == pytest.approx(7 * 15.0)
    assert stage.journal.jumped == [-7200.0, 7200.0] * 3


@pytest.mark.fault(41, 60)
async def test_a_journal_that_cannot_keep_ages_stops_no_tick() -> None:
    stage = await Stage().set()
    await stage.turn(200.0)
    stage.clock.at -= 7200.0
    stage.journal.broken = True
    seen = (await stage.turn(200.0)).seen
    assert seen.at - seen.changes[0].at == pytest.approx(15.0)


async def test_a_signal_that_left_the_configuration_no_longer_counts_as_stale() -> None:
    stage = await Stage().set()
    seat = stage.seats[0]
    spec = seat.managed.signals["running_jobs"]
    seat.signals["gone"] = seat.series["gone"] = Series((NOW - 9000,), (1.0,))
    with_gone = replace(seat.managed, signals={"running_jobs": spec, "gone": spec})
    seat.managed = with_gone
    seat.manage(managed(), 15.0)
    assert "gone" not in seat.signals
    assert "gone" not in seat.series


async def test_a_signal_that_asks_for_something_else_begins_anew() -> None:
    stage = await Stage().set()
    await stage.turn(40.0)
    seat = stage.seats[0]
    spec = seat.managed.signals["running_jobs"]
    seat.manage(seat.managed, 15.0)
    assert seat.series["running_jobs"].last == 40.0
    other = replace(spec, question=replace(spec.question, query="rate_of_something_else"))
    seat.manage(managed(signals={"running_jobs": other}), 15.0)
    assert seat.series == {}


# --- the moment before the PUT --------------------------------------------------------------


@pytest.mark.fault(85)
async def test_a_pause_that_comes_while_a_slow_source_answers_is_obeyed() -> None:
    stage = await Stage().set()
    read = stage.source.read

    async def slow(*asked: object) -> object:
        pause = Override(Control.PAUSE, "ops", "incident 42")
        stage.journal.said = {"chat": (pause,)}
        return await read(*asked)  # type: ignore[arg-type]  # handed through

    stage.source.read = slow  # type: ignore[method-assign,assignment]  # the pause arrives meanwhile
    decision = await stage.turn(200.0)
    assert (decision.outcome.kind, decision.outcome.reason.code) == (Kind.HELD, Code.PAUSED)
    assert not stage.platform.writes
    assert not stage.journal.intents


async def test_a_plan_that_grew_old_waiting_for_its_turn_is_not_written() -> None:
    stage = await Stage().set()

    async def crowded(rid: str, before: Envelope, after: Envelope) -> Outcome:
        stage.clock.forward(31.0)
        kept = await stage.tick.world.last_word(rid, before, after)
        assert kept is not None
        return kept

    stage.platform.apply = crowded  # type: ignore[method-assign]  # a long line at the platform
    decision = await stage.turn(200.0)
    assert (decision.outcome.kind, decision.outcome.reason.code) == (Kind.DEFERRED, Code.TOO_OLD)
    assert stage.tick.world.last_word.leaving == {}


async def test_an_intent_that_a_slow_journal_may_have_is_concluded() -> None:
    stage = await Stage().set()
    intend = stage.journal.intend

    async def slow(decision: Decision) -> None:
        await intend(decision)
        raise JournalError("it did not answer in time")

    stage.journal.intend = slow  # type: ignore[method-assign]  # written, but told too late
    kept = [(await stage.turn(200.0)).id for _ in range(3)]
    assert [one.id for one in stage.journal.concluded] == kept


async def test_an_intent_that_a_slow_journal_may_have_is_concluded_once_it_answers() -> None:
    stage = await Stage().set()
    intend = stage.journal.intend

    async def slow(decision: Decision) -> None:
        await intend(decision)
        stage.journal.broken = True
        raise JournalError("it did not answer in time")

    stage.journal.intend = slow  # type: ignore[method-assign]  # written, but told too late
    first = await stage.turn(200.0)
    assert stage.journal.concluded == []
    stage.journal.broken, stage.journal.intend = False, intend  # type: ignore[method-assign]  # well again
    second = await stage.turn(200.0)
    assert [one.id for one in stage.journal.concluded] == [first.id, second.id]


@pytest.mark.fault(60)
async def test_a_journal_that_fails_for_days_is_owed_no_more_than_after_one_tick() -> None:
    stage = await Stage().set()
    stage.journal.broken = True
    first, *_, last = [await stage.turn(200.0) for _ in range(100)]
    assert last.outcome.reason.code is Code.JOURNAL_UNAVAILABLE
    assert [one.id for one in stage.tick.ledger.owed] == [first.id]
    stage.journal.broken = False
    assert (await stage.turn(200.0)).outcome.kind is Kind.APPLIED
    assert stage.journal.concluded[0].id == first.id
    assert stage.tick.ledger.owed == []


@pytest.mark.parametrize("seconds", [0.0, 29.0])
async def test_a_plan_that_another_daemon_stopped_says_so(seconds: float) -> None:
    stage = await Stage().set()

    async def taken(_rid: str, before: Envelope, _after: Envelope) -> Outcome:
        stage.clock.forward(seconds)
        return Outcome(Kind.HELD, because(Code.NOT_OURS, "another's"), before)

    stage.platform.apply = taken  # type: ignore[method-assign,assignment]  # another daemon has it by now
    assert (await stage.turn(200.0)).outcome.reason.code is Code.NOT_OURS


async def restarted(stage: Stage, down_s: float) -> Stage:
    """Another daemon on the same journal, whose windows were filled before its first tick."""
    note = stage.seats[0].note(stage.clock.now())
    last, was = stage.clock.now(), stage.seats[0]
    memory = Memory(
        was.changes,
        note.recommended,
        (),
        note.learned,
        note.watched_since,
        last,
        dict(note.returned),
    )
    stage.clock.forward(down_s)
    seat = Seat(was.managed)
    seat.remember(memory, stage.clock.now(), gap_s=120.0)
    seat.was_read(was.live, stage.clock.now())
    seat.series = {name: replace(one, recovered_at=None) for name, one in was.series.items()}
    stage.seats[:] = [seat]
    return stage


@pytest.mark.fault(13, 65)
@pytest.mark.parametrize("back_s", [0, 60], ids=["away at the stop", "back before the stop"])
async def test_a_quick_restart_does_not_end_the_grace_of_a_source_that_came_back(
    back_s: int,
) -> None:
    stage = await Stage().set(envelope=Envelope(8, 9, 32))
    for _ in range(60):
        await stage.turn(8 * 32 * 0.7)
    stage.source.failing = True
    await stage.turn()
    stage.source.failing = False
    returned = stage.clock.now() + 15
    for _ in range(back_s // 15):
        await stage.turn(0.0)
    # It was recorded when it happened, and not only at an orderly end.
    expected = returned if back_s else None
    assert stage.journal.notes[-1].returned == (("running_jobs", expected),)
    stage = await restarted(stage, 20.0)
    first = await stage.turn(0.0)
    series = first.seen.signal("running_jobs")
    assert isinstance(series, Series)
    assert series.recovered_at == (returned if back_s else first.at)
    while stage.clock.now() < series.recovered_at + 299:
        assert (await stage.turn(0.0, after=5.0)).plan.after.min_replicas == 8


async def test_a_signal_that_is_seen_again_is_no_longer_remembered_as_away() -> None:
    stage = await Stage().set()
    seat = stage.seats[0]
    seat.returned = {"running_jobs": None}
    await stage.turn(60)
    assert seat.returned == {}
    assert seat.note(stage.clock.now()).returned == (("running_jobs", stage.clock.now()),)
    for _ in range(245):
        await stage.turn(60)
    # After the longest time that anybody looks back it is nobody's business any more.
    assert seat.note(stage.clock.now()).returned == ()
