from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import pytest

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Envelope, Range
from autoscaler.core.guards import GUARDS
from autoscaler.core.observation import Absence, Control, Limits, Missing, Mode, Override
from autoscaler.core.proposal import PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.journal.rows import changes_in
from autoscaler.ports import Alone, Intent, Question, Sample
from autoscaler.roster import Managed, SignalSpec
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.ledger import LATEST_S
from autoscaler.runtime.resync import Resync, truth
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import OLDEST_PLAN_S, Tick, World
from autoscaler.runtime.words import Words
from policies.target_load import TargetLoad
from tests.fakes.world import Ears, FakeClock, FakeJournal, FakePlatform, FakeSource
from tests.strategies import NOW, entry, wants

START = Envelope(2, 4, 32)
RIDS = {"chat": "ri.a.b.c.chat", "rerank": "ri.a.b.c.rerank"}
SPEC = SignalSpec("prom", Question("running_jobs", "q", "deployment", 90.0), window_s=600.0)
LIMITS = Limits(Range(1, 30), Range(1, 30), Range(1, 64))


def managed(name: str = "chat", mode: Mode = Mode.APPLY, **parts: object) -> Managed:
    base: dict[str, object] = {
        "name": name,
        "rid": RIDS[name],
        "group": "online",
        "match": name,
        "mode": mode,
        "limits": LIMITS,
        "policies": (PolicyEntry("load", TargetLoad()),),
        "guards": tuple(guard() for guard in GUARDS),
        "signals": {"running_jobs": SPEC},
    }
    return Managed(**(base | parts))  # type: ignore[arg-type]  # tests name the fields


@dataclass
class Stage:
    """A group of deployments on a stage, with a clock that a test moves."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    ears: Ears = field(default_factory=Ears)
    stopping: bool = False
    platform: FakePlatform = field(init=False)
    source: FakeSource = field(init=False)
    words: Words = field(init=False)
    seats: list[Seat] = field(default_factory=list)
    tick: Tick = field(init=False)

    def __post_init__(self) -> None:
        self.words = Words(self.clock, self.journal)
        self.platform = FakePlatform(self.clock)
        self.source = FakeSource(self.clock)

    async def set(self, *cast: Managed, envelope: Envelope = START) -> Stage:
        for one in cast or (managed(),):
            seat = Seat(one, watched_since=NOW - 10_000)
            self.platform.holds(one.rid, envelope)
            seat.was_read(self.platform.live[one.rid], self.clock.now())
            self.seats.append(seat)
        world = World(
            self.clock,
            self.platform,
            {"prom": self.source},
            self.journal,
            (self.ears,),
            LastWord(self.clock, Alone(), self.words, lambda: self.stopping),
        )
        self.tick = Tick("online", 15.0, self.seats, world)
        return self

    async def turn(self, load: float | None = None, after: float = 15.0) -> Decision:
        """Let `after` seconds pass with this load, then tick; the first seat's decision."""
        if load is not None:
            self.source.load = load
        self.clock.forward(after)
        for seat in self.seats:
            if seat.live.envelope == self.platform.live[seat.managed.rid].envelope:
                seat.read_at = self.clock.now()  # re-read since the last change, and settled
        return (await self.tick.run()).decisions[0]


@pytest.mark.fault(83)
async def test_a_busy_deployment_is_raised_in_one_write() -> None:
    stage = await Stage().set()
    decision = await stage.turn(load=200)
    assert decision.outcome.kind is Kind.APPLIED
    # 200 jobs / (32 threads x 70 %) = 8.9 replicas; the ceiling has half as much again above it.
    assert stage.platform.writes == [(RIDS["chat"], Envelope(9, 12, 32))]
    assert stage.journal.intents[0].id == stage.journal.concluded[0].id
    assert stage.ears.reports[0].decisions == [decision]


async def test_no_more_writes_are_begun_than_fit_into_the_age_of_a_plan() -> None:
    stage = await Stage().set()
    stage.tick.interval_s = 300.0
    await stage.turn(load=200)
    # Whatever came later would be announced and then found too old to be written.
    assert stage.platform.asked_for_s == OLDEST_PLAN_S


async def test_the_next_tick_sees_the_new_envelope_and_rests() -> None:
    stage = await Stage().set()
    await stage.turn(load=200)
    decision = await stage.turn(load=200)
    assert decision.plan.before == Envelope(9, 12, 32)
    # The ceiling of 12 was cut by the step guard; it grows to its headroom now.
    calm = await stage.turn(load=200)
    assert calm.outcome.kind is Kind.UNCHANGED
    assert len(stage.platform.writes) == 2


async def test_lowering_waits_for_five_quiet_minutes() -> None:
    stage = await Stage().set()
    await stage.turn(load=200)
    lowered_after = None
    for turn in range(1, 60):
        decision = await stage.turn(load=20)
        if decision.plan.after.min_replicas < 9:
            lowered_after = turn * 15
            break
    assert lowered_after is not None
    # 60 s of window, then 300 s in which nothing higher was wanted.
    assert 300 <= lowered_after <= 375


@pytest.mark.fault(87)
@pytest.mark.parametrize(
    ("mode", "kind"),
    [(Mode.RECOMMEND, Kind.RECOMMENDED), (Mode.OBSERVE, Kind.HELD)],
)
async def test_only_the_apply_modes_write(mode: Mode, kind: Kind) -> None:
    stage = await Stage().set(managed(mode=mode))
    decision = await stage.turn(load=200)
    assert decision.outcome.kind is kind
    assert stage.platform.writes == []
    assert stage.journal.intents == []
    assert stage.seats[0].changes == ()


async def test_a_deployment_that_was_never_read_is_a_held_decision() -> None:
    stage = await Stage().set()
    stage.tick.seats = [Seat(managed())]
    decision = await stage.turn(load=200)
    assert decision.outcome.kind is Kind.HELD
    assert decision.outcome.reason.code is Code.NO_READING


@pytest.mark.fault(60)
async def test_an_unrecorded_write_does_not_happen() -> None:
    stage = await Stage().set()
    stage.journal.broken = True
    decision = await stage.turn(load=200)
    assert decision.outcome.reason.code is Code.JOURNAL_UNAVAILABLE
    assert stage.platform.writes == []
    assert not stage.tick.ledger.up
    stage.journal.broken = False
    assert (await stage.turn(load=200)).outcome.kind is Kind.APPLIED
    assert stage.tick.ledger.up


async def test_a_conclusion_that_could_not_be_recorded_is_recorded_next_tick() -> None:
    stage = await Stage().set()
    intend = stage.journal.intend

    async def break_after(decision: Decision) -> None:
        await intend(decision)
        stage.journal.broken = True

    stage.journal.intend = break_after  # type: ignore[method-assign]  # the disk fills between the two
    applied = await stage.turn(load=200)
    assert applied.outcome.kind is Kind.APPLIED
    assert stage.journal.concluded == []
    stage.journal.broken = False
    stage.journal.intend = intend  # type: ignore[method-assign]  # and is freed again
    await stage.turn(load=200)
    assert stage.journal.concluded[0].id == applied.id


@pytest.mark.fault(82)
async def test_when_writes_are_scarce_the_most_urgent_raise_goes_first() -> None:
    stage = await Stage().set(managed("chat"), managed("rerank"))
    stage.platform.places = 1
    stage.source.values = {"chat": Sample(NOW + 15, 60.0), "rerank": Sample(NOW + 15, 300.0)}
    decision = await stage.turn()
    assert decision.outcome.kind is Kind.DEFERRED
    assert decision.outcome.reason.code is Code.BUDGET_SHORT
    assert [rid for rid, _ in stage.platform.writes] == [RIDS["rerank"]]


@pytest.mark.fault(1, 17)
async def test_a_failing_source_stops_lowering_but_not_the_other_deployments() -> None:
    stage = await Stage().set(managed("chat"), managed("rerank"))
    stage.source.values = {"chat": Missing(Absence.EMPTY)}
    report_first = await stage.turn(load=300)
    assert report_first.outcome.kind is Kind.HELD
    assert report_first.outcome.reason.code is Code.SIGNAL_MISSING
    assert [rid for rid, _ in stage.platform.writes] == [RIDS["rerank"]]


@pytest.mark.fault(2, 6)
@pytest.mark.parametrize("trouble", ["failing", "crash"])
async def test_a_source_in_trouble_is_missing_data(trouble: str) -> None:
    stage = await Stage().set()
    setattr(stage.source, trouble, True)
    decision = await stage.turn()
    signal = decision.seen.signals["running_jobs"]
    assert isinstance(signal, Missing)
    assert signal.why is Absence.SOURCE_FAILED
    assert decision.outcome.kind is Kind.HELD


@pytest.mark.fault(13)
async def test_a_source_that_returns_says_when() -> None:
    stage = await Stage().set()
    await stage.turn()
    stage.source.failing = True
    blind = await stage.turn()
    gone = blind.seen.signals["running_jobs"]
    assert isinstance(gone, Missing)
    assert gone.since == NOW + 15
    stage.source.failing = False
    back = await stage.turn()
    series = back.seen.signals["running_jobs"]
    assert not isinstance(series, Missing)
    assert series.recovered_at == NOW + 45


async def test_a_bug_while_applying_is_one_deployments_failure() -> None:
    stage = await Stage().set()
    stage.platform.crash = True
    decision = await stage.turn(load=200)
    assert decision.outcome.kind is Kind.FAILED
    assert "KeyError" in str(decision.outcome.reason)
    assert "a bug of the platform room" not in str(decision.outcome.reason)


async def test_a_learnt_thread_maximum_is_kept() -> None:
    stage = await Stage().set(managed(policies=(entry("more", wants(threads=60)),)))
    learnt = because(Code.THREADS_TOO_HIGH, "the platform allows 48")
    stage.platform.answers = [
        Outcome(Kind.APPLIED, learnt, Envelope(2, 4, 48), 200, thread_ceiling=48)
    ]
    await stage.turn()
    assert stage.seats[0].learned.thread_ceiling == 48
    assert stage.journal.notes[-1].learned.thread_ceiling == 48
    assert (await stage.turn()).plan.after.threads <= 48


async def test_while_stopping_nothing_new_is_written() -> None:
    stage = await Stage().set()
    stage.stopping = True
    decision = await stage.turn(load=200)
    assert decision.outcome.reason.code is Code.SHUTTING_DOWN
    assert stage.platform.writes == []


@pytest.mark.fault(34)
async def test_drift_is_adopted_and_thought_through_again() -> None:
    stage = await Stage().set()
    stage.platform.holds(RIDS["chat"], Envelope(3, 20, 32))
    decision = await stage.turn(load=200)
    assert decision.outcome.reason.code is Code.DRIFTED
    assert stage.platform.writes == []
    again = await stage.turn(load=200)
    assert again.plan.before == Envelope(3, 20, 32)
    assert again.outcome.kind is Kind.APPLIED


async def test_an_equal_tick_leaves_no_row() -> None:
    stage = await Stage().set(envelope=Envelope(2, 3, 32))
    for _ in range(5):
        await stage.turn(load=40)
    assert len(stage.journal.concluded) == 1
    assert len(stage.journal.notes) == 1


async def test_whatever_was_announced_is_concluded_also_when_it_says_nothing_new() -> None:
    stage = await Stage().set()
    pacing = Outcome(Kind.DEFERRED, because(Code.PACING, "no turn was left"))
    stage.platform.answers = [pacing, pacing, pacing]
    for _ in range(3):
        await stage.turn(load=200)
    assert [d.id for d in stage.journal.concluded] == [d.id for d in stage.journal.intents]
    assert len(stage.journal.intents) == 3


@pytest.mark.fault(85)
async def test_a_pause_holds() -> None:
    stage = await Stage().set()
    stage.seats[0].overrides = (Override(Control.PAUSE, "ada", "load test"),)
    decision = await stage.turn(load=200)
    assert (decision.outcome.kind, str(decision.outcome.reason)) == (
        Kind.HELD,
        "paused by ada (load test)",
    )


def dangling(stage: Stage) -> Intent:
    return Intent("1", NOW, "chat", RIDS["chat"], Envelope(2, 4, 32), Envelope(9, 12, 32))


async def test_a_write_without_a_known_end_blocks_further_writes_until_it_is_found_out() -> None:
    stage = await Stage().set()
    seat = stage.seats[0]
    seat.dangling = dangling(stage)
    decision = await stage.turn(load=200)
    assert decision.outcome.reason.code is Code.OUTCOME_UNKNOWN
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    resync = Resync(stage.platform, stage.journal, stage.clock, Random(1), 300.0)  # noqa: S311 - jitter
    await resync.read(seat)
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.APPLIED]
    assert await stage.turn(load=200) is seat.latest
    assert seat.latest.outcome.reason.code is not Code.OUTCOME_UNKNOWN
    assert Envelope(9, 12, 32) in [change.after for change in seat.changes]


@pytest.mark.fault(41, 63)
async def test_a_write_that_was_announced_while_the_clock_was_ahead_is_not_of_the_future() -> None:
    """The process was killed, and the clock set right, before anybody saw what came of it."""
    stage = await Stage().set()
    seat = stage.seats[0]
    seat.dangling, seat.read_at = replace(dangling(stage), at=NOW + 7200), None
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    await Resync(stage.platform, stage.journal, stage.clock, Random(1), 300.0).read(seat)  # noqa: S311 - jitter
    assert [(one.at, one.foreign) for one in seat.changes] == [(stage.clock.now(), False)]


@pytest.mark.fault(63)
async def test_the_truth_of_an_intent_is_what_the_platform_has() -> None:
    stage = await Stage().set()
    intent = dangling(stage)
    live = stage.platform.live[RIDS["chat"]]
    assert truth(intent, live).kind is Kind.FAILED
    assert truth(intent, replace(live, envelope=intent.after)).kind is Kind.APPLIED
    other = truth(intent, replace(live, envelope=Envelope(1, 1, 1)))
    assert other.reason.code is Code.DRIFTED


CUT = Envelope(9, 12, 40)


@pytest.mark.fault(63)
async def test_a_write_that_was_cut_to_the_maximum_of_threads_is_an_own_one_after_a_crash() -> None:
    """Refused with 48 threads, sent again with the platform's 40, killed before its record."""
    stage = await Stage().set()
    intent = replace(dangling(stage), after=Envelope(9, 12, 48))
    seat = stage.seats[0]
    seat.dangling, seat.read_at = intent, None
    stage.platform.holds(RIDS["chat"], CUT)
    await Resync(stage.platform, stage.journal, stage.clock, Random(1), 300.0).read(seat)  # noqa: S311 - jitter
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.APPLIED]
    assert [(one.after, one.foreign) for one in seat.changes] == [(CUT, False)]


UNKNOWN = Outcome(Kind.FAILED, because(Code.OUTCOME_UNKNOWN, "no answer"))


async def read(stage: Stage) -> None:
    await Resync(stage.platform, stage.journal, stage.clock, Random(1), 300.0).read(stage.seats[0])  # noqa: S311 - jitter


@pytest.mark.fault(29, 63)
async def test_a_write_that_arrives_late_is_an_own_one_in_memory_and_in_the_journal() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    given_up = await stage.turn(load=200)
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    await read(stage)
    changes = stage.seats[0].changes
    assert [(one.after, one.foreign) for one in changes] == [(Envelope(9, 12, 32), False)]
    await stage.turn(load=200)
    (intent, outcome), *more = stage.journal.resolved
    assert (intent.decision_id, outcome.kind, more) == (given_up.id, Kind.APPLIED, [])


@pytest.mark.fault(29, 34)
async def test_a_write_that_arrives_right_before_the_next_is_not_told_as_somebody_elses() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    await stage.turn(load=200)
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    decision = await stage.turn(load=400)
    outcome = decision.outcome
    assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.OUTCOME_UNKNOWN)
    assert [(one.after, one.foreign) for one in stage.seats[0].changes] == [
        (Envelope(9, 12, 32), False)
    ]
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.APPLIED]
    assert changes_in(decision) == []


@pytest.mark.fault(41)
async def test_a_write_that_may_still_arrive_is_as_old_after_a_clock_was_set() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    await stage.turn(load=200)
    stage.seats[0].overrides = (Override(Control.PAUSE, "ada", "load test"),)
    stage.clock.at += 7200
    await stage.turn(after=LATEST_S - 1)
    assert stage.journal.resolved == []
    await stage.turn(after=1)
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.FAILED]


@pytest.mark.fault(20, 29)
async def test_a_write_that_was_cut_and_arrives_late_is_nobody_elses() -> None:
    stage = await Stage().set()
    stage.platform.answers = [replace(UNKNOWN, thread_ceiling=16)]
    await stage.turn(load=200)
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 16))
    await read(stage)
    changes = stage.seats[0].changes
    assert [(one.after, one.foreign) for one in changes] == [(Envelope(9, 12, 16), False)]
    await stage.turn(load=200)
    assert [intent.after for intent, _ in stage.journal.resolved] == [Envelope(9, 12, 16)]


@pytest.mark.fault(29)
async def test_a_write_that_has_not_arrived_after_a_minute_and_a_half_never_will() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    await stage.turn(load=200)
    stage.seats[0].overrides = (Override(Control.PAUSE, "ada", "load test"),)
    # Each turn begins with a reading.
    await stage.turn(after=LATEST_S - 1)
    assert stage.journal.resolved == []
    await stage.turn(after=1)
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.FAILED]
    assert stage.seats[0].unsure is None


async def test_a_late_write_that_cannot_be_resolved_stops_no_tick() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    await stage.turn(load=200)
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    await read(stage)

    async def bug(*_: object) -> None:
        raise KeyError("a row that nobody understands")

    stage.journal.resolve = bug  # type: ignore[assignment,method-assign]  # a bug of the journal room
    await stage.turn(load=200)
    assert stage.tick.ledger.up
    assert stage.seats[0].arrived is None


@pytest.mark.fault(29, 60)
async def test_what_the_journal_could_not_be_told_of_a_late_write_it_is_told_later() -> None:
    stage = await Stage().set()
    stage.platform.answers = [UNKNOWN]
    await stage.turn(load=200)
    stage.platform.holds(RIDS["chat"], Envelope(9, 12, 32))
    await read(stage)
    stage.journal.broken = True
    await stage.turn(load=200)
    assert stage.journal.resolved == []
    stage.journal.broken = False
    await stage.turn(load=200)
    assert [outcome.kind for _, outcome in stage.journal.resolved] == [Kind.APPLIED]


@pytest.mark.fault(38)
async def test_a_quota_that_keeps_replicas_away_is_told_and_not_asked_for_more_and_more() -> None:
    stage = await Stage().set()
    load, floors = 200.0, []
    for _ in range(140):
        # Requests pile up, for the platform cannot start what it was asked for.
        load *= 1.02
        decision = await stage.turn(load=load)
        rid = RIDS["chat"]
        stage.platform.holds(rid, stage.platform.live[rid].envelope, "STARTING")
        stage.seats[0].was_read(stage.platform.live[rid], stage.clock.now())
        floors.append(decision.plan.after.min_replicas)
    told = [d.outcome.reason.code for r in stage.ears.reports for d in r.decisions]
    assert Code.RAISE_NOT_REACHED in told
    # After the first ten minutes there are two attempts in twenty-five.
    later = [b for a, b in pairwise(floors[41:]) if b > a]
    assert len(later) <= 3
    ready = stage.platform.live[RIDS["chat"]].envelope
    stage.platform.holds(RIDS["chat"], ready)
    stage.seats[0].was_read(stage.platform.live[RIDS["chat"]], stage.clock.now())
    assert stage.seats[0].observe(stage.clock.now()).behind_since is None
