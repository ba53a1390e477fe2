"""One tick of one group: observe, decide, fit, write, record, tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from autoscaler import steps
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.fleet import fit
from autoscaler.core.jump import Jump
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.standing import standing
from autoscaler.ports import (
    Clock,
    Journal,
    JournalError,
    Listener,
    Platform,
    Source,
    TickReport,
)
from autoscaler.roster import ALONE, FleetSpec
from autoscaler.runtime.each import ACTED, bug_of, candidate, is_news, learn, look, thought
from autoscaler.runtime.heap import Heap
from autoscaler.runtime.jury import Jury
from autoscaler.runtime.last_word import NOT_OURS, SAID, LastWord, Leaving
from autoscaler.runtime.observe import answers_for, distinct
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.shared import Shared
from autoscaler.steps import UNTRACED, Tracer, step

log = structlog.get_logger(__name__)

# The event loop gets its turn after this many decisions: at 60 us each, every 3 ms.
TURN = 50
# From this many deployments on, the garbage collector is worth keeping away.
LARGE = 500
# A plan older than this is not written any more: the world has moved on.
OLDEST_PLAN_S = 30.0
# Whoever was not looked at for longer, or for three intervals, counts as newly seen: what was
# wanted in between, while the machine slept or the clock was wrong, nobody knows.
GAP_S = 120.0
# Clocks are slewed by less between two ticks; by more they are set.
JUMP_S = 2.0
# Forecasts stored in one tick: 40 KiB each, so that no tick writes more than 2 MiB of them.
STORED_AT_ONCE = 50

PENDING = Outcome(Kind.DEFERRED, because(Code.PACING, "it is about to be written"))
DANGLING = Outcome(
    Kind.DEFERRED,
    because(Code.OUTCOME_UNKNOWN, "an earlier write has no known end; it is being looked up"),
)
UNRECORDED = Outcome(
    Kind.DEFERRED,
    because(Code.JOURNAL_UNAVAILABLE, "the journal cannot record it, so it is not written"),
)


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside of the group that a tick touches."""

    clock: Clock
    platform: Platform
    sources: Mapping[str, Source]
    journal: Journal
    listeners: Sequence[Listener]
    last_word: LastWord
    tracer: Tracer = UNTRACED
    jury: Jury | None = None
    """Who asks the policies; one of its own for a tick that stands alone."""


class Tick:
    """Ticks of one group, one after the other. Its seats are shared with nobody."""

    def __init__(
        self,
        group: str,
        interval_s: float,
        seats: Sequence[Seat],
        world: World,
        fleet: FleetSpec = ALONE,
    ) -> None:
        self.group = group
        self.interval_s = interval_s
        self.seats = seats
        self.world = world
        self.specs = distinct(seats)
        self.shared = Shared(fleet)
        self.jury = world.jury or Jury(world.clock)
        self._sitting = self.jury.sit(interval_s)
        self.heap = Heap(world.clock)
        self.unrecorded: list[Decision] = []
        self.journal_up = True
        self.last_at: float | None = None
        self._last_up = 0.0
        self.alarm: Reason | None = None
        self._leaving = False
        self._count = 0
        self._trace = ""
        self._intended: set[str] = set()
        self._doubtful: set[str] = set()

    def go_on_from(self, before: Tick) -> None:
        """Take over what the same group's ticks before a reload still owe, spent and waited for."""
        self.unrecorded, self.journal_up = before.unrecorded, before.journal_up
        self.last_at, self.alarm, self._last_up = before.last_at, before.alarm, before._last_up
        self.shared.raised = before.shared.raised
        self.shared.dropping_since = before.shared.dropping_since

    async def run(self, lag_s: float = 0.0) -> TickReport:
        """One whole tick; `lag_s` is how late it begins, told on."""
        with steps.tick(self.world.tracer, self.group) as self._trace:
            if not self._trace:
                return await self._run(lag_s)
            with structlog.contextvars.bound_contextvars(trace=self._trace):
                return await self._run(lag_s)

    async def _run(self, lag_s: float) -> TickReport:
        world = self.world
        began, at = world.clock.monotonic(), world.clock.now()
        await self._mind_the_gap(at, began)
        with step("observe", deployments=len(self.seats)):
            await self._observe(at)
        with step("decide"):
            decisions = await self._decide(at)
        self.alarm = self.shared.calm(decisions, world.clock.monotonic())
        return await self._carry_out(decisions, at, began, lag_s)

    async def _carry_out(
        self, decisions: list[Decision], at: float, began: float, lag_s: float
    ) -> TickReport:
        world = self.world
        decisions = await self._write(decisions, began)
        with step("record"):
            await self._record(at, decisions)
        took = world.clock.monotonic() - began
        self.last_at, self._last_up = at, began
        report = TickReport(self.group, at, took, lag_s, decisions, self.interval_s)
        with step("tell"):
            await self._tell(report)
        if len(self.seats) >= LARGE:
            self.heap.settle()
        return report

    async def _tell(self, report: TickReport) -> None:
        for listener in self.world.listeners:
            try:
                listener.told(report)
            except Exception:  # a listener that fails does not stop the others
                log.exception("a bug of a listener", listener=type(listener).__name__)
            # Each takes up to 50 ms for 10,000 decisions: others get their turn in between.
            await asyncio.sleep(0)

    async def _mind_the_gap(self, at: float, up: float) -> None:
        last, longest = self.last_at, max(GAP_S, 3 * self.interval_s)
        since_s = up - self._last_up
        if last is not None and abs(at - last - since_s) > JUMP_S:
            await self._keep_ages(Jump(at - last - since_s, at, since_s))
        if last is None or 0 <= at - last <= longest:
            return
        for seat in self.seats:
            seat.look_anew(at)

    async def _keep_ages(self, jump: Jump) -> None:
        for seat in self.seats:
            seat.keep_ages(jump)
        try:
            await self.world.journal.keep_ages([seat.managed.name for seat in self.seats], jump)
        except JournalError as error:
            log.warning("changes keep their old time in the journal", error=str(error))

    async def _observe(self, at: float) -> None:
        # A late source must not eat the time of the decisions.
        deadline = min(10.0, max(1.0, self.interval_s * 0.6))
        answers = await answers_for(self.specs, self.world.sources, at, deadline)
        for turn, seat in enumerate(self.seats):
            look(seat, answers, at)
            if turn % TURN == TURN - 1:
                await asyncio.sleep(0)

    async def _decide(self, at: float) -> list[Decision]:
        self._count += 1
        self._sitting = self.jury.sit(self.interval_s)
        await self._sitting.hear(self._apart(at))
        prefix = f"{int(at * 1000):012x}-{self._count % 0x10000:04x}-{self.group}"
        decisions = []
        for turn, seat in enumerate(self.seats):
            decisions.append(self._one(seat, at, f"{prefix}-{turn:05x}"))
            if turn % TURN == TURN - 1:
                await asyncio.sleep(0)
        return decisions

    def _apart(self, at: float) -> Iterator[tuple[PolicyEntry, Observation]]:
        """Policies that are evaluated in processes of their own, with what they are to see."""
        for seat in self.seats:
            entries = [entry for entry in seat.managed.policies if entry.apart is not None]
            if entries and seat.read_at is not None:
                seen = seat.observe(at)
                yield from ((entry, seen) for entry in entries)

    def _one(self, seat: Seat, at: float, ident: str) -> Decision:
        managed = seat.managed
        seen = seat.observe(at)
        if seat.read_at is None:
            plan = Plan(seen.envelope, seen.envelope, seen.envelope).held("reading", seat.unread)
        else:
            plan = self._plan(seat, seen)
            if any(isinstance(v.answer, Proposal) and not v.shadow for v in plan.votes):
                seat.wanted(plan.wanted, at)
        outcome = standing(plan, seen.mode, seen) or self._may_write(seat)
        return Decision(
            ident,
            at,
            managed.name,
            managed.rid,
            managed.group,
            seen.mode,
            seen,
            plan,
            outcome,
            self._trace,
        )

    def _plan(self, seat: Seat, seen: Observation) -> Plan:
        farewell = seat.managed.on_shutdown if self._leaving else None
        if farewell is not None:
            return farewell.plan(seen, seat.managed.guards)
        return thought(seat, seen, self._sitting.ask)

    def parting(self) -> Tick | None:
        """The last tick of those for which something is declared; None without any."""
        seats = [seat for seat in self.seats if seat.managed.on_shutdown and seat.read_at]
        if not seats:
            return None
        spans = (seat.managed.on_shutdown.within_s for seat in seats if seat.managed.on_shutdown)
        last = Tick(self.group, max(spans), seats, self.world, self.shared.spec)
        last.go_on_from(self)
        last._leaving = True
        return last

    async def leave(self) -> TickReport:
        """Leave every deployment with what is declared for the time without a daemon."""
        began, at = self.world.clock.monotonic(), self.world.clock.now()
        prefix = f"{int(at * 1000):012x}-{0xFFFF:04x}-{self.group}"
        found = [(s, self._one(s, at, f"{prefix}-{n:05x}")) for n, s in enumerate(self.seats)]
        # What has that much already needs no word.
        told = [(seat, one) for seat, one in found if one.plan.moves or one.plan.hold]
        self.seats = [seat for seat, _ in told]
        return await self._carry_out([one for _, one in told], at, began, 0.0)

    def _may_write(self, seat: Seat) -> Outcome:
        if not self.world.last_word.membership.owns(seat.managed.rid):
            return NOT_OURS
        return PENDING if seat.dangling is None else DANGLING

    async def _write(self, decisions: list[Decision], began: float) -> list[Decision]:
        """Let the most urgent plans go ahead; tell the others why they wait."""
        pending = {d.deployment: i for i, d in enumerate(decisions) if d.outcome is PENDING}
        if not pending:
            return decisions
        candidates = [candidate(self.seats[i], decisions[i]) for i in pending.values()]
        now = self.world.clock.monotonic()
        # More would only be announced, and then be found too old to be written.
        room = self.world.platform.room(min(self.interval_s, OLDEST_PLAN_S))
        with step("fit", wanted=len(candidates), room=room) as fitting:
            fitted = fit(candidates, self.shared.budget(room, self.seats, now))
            fitting.say(going=len(fitted.go), waiting=len(fitted.waiting))
        for waiting in fitted.waiting:
            index = pending[waiting.candidate.deployment]
            outcome = Outcome(Kind.DEFERRED, waiting.reason)
            decisions[index] = replace(decisions[index], outcome=outcome)
        going = [pending[candidate.deployment] for candidate in fitted.go]
        for index, granted in zip(going, fitted.go, strict=True):
            decisions[index] = replace(decisions[index], plan=granted.plan)
            self.shared.spent(granted.plan, now)
        ended = await asyncio.gather(
            *(self._apply(self.seats[i], decisions[i], began) for i in going)
        )
        for index, decision in zip(going, ended, strict=True):
            decisions[index] = decision
        return decisions

    async def _apply(self, seat: Seat, decision: Decision, began: float) -> Decision:
        leaving, rid = self.world.last_word.leaving, seat.managed.rid
        seat.writing, leaving[rid] = (
            True,
            Leaving(seat, decision, began + OLDEST_PLAN_S, self._leaving),
        )
        try:
            with step("write", deployment=decision.deployment, decision=decision.id) as writing:
                outcome = await self._attempt(seat, decision)
                writing.say(outcome=outcome.kind.value, reason=outcome.reason.code.value)
        finally:
            seat.writing, seat.writes = False, seat.writes + 1
            leaving.pop(rid, None)
        plan, clock = decision.plan, self.world.clock
        if outcome.reason.code in SAID:
            # Told as it would have been decided with that word, which everybody is to see.
            decision = self._one(seat, decision.at, decision.id)
        learn(seat, plan, outcome, clock.now())
        if outcome.thread_ceiling is not None:
            seat.learned = replace(seat.learned, thread_ceiling=outcome.thread_ceiling)
            seat.noted = False
        if outcome.kind in ACTED or outcome.reason.code is Code.DRIFTED:
            # Look soon: it is settling, or its real state is not what was thought.
            seat.read_due = clock.monotonic() + 5.0
        return replace(decision, outcome=outcome)

    async def _attempt(self, seat: Seat, decision: Decision) -> Outcome:
        world, plan, rid = self.world, decision.plan, seat.managed.rid
        try:
            # The platform asks again right before the PUT; here it saves an intent for nothing.
            early = await world.last_word(rid, plan.before, plan.after)
            if early is not None:
                return early
            if not await self._announced(decision):
                return UNRECORDED
            return await world.platform.apply(rid, plan.before, plan.after)
        except Exception as bug:  # noqa: BLE001 - a bug here is one deployment's failure
            return bug_of(bug)

    async def _announced(self, decision: Decision) -> bool:
        try:
            with step("intend"):
                await self.world.journal.intend(decision)
        except JournalError:
            self.journal_up = False
            # A journal that was only slow may have it all the same.
            self._doubtful.add(decision.id)
            return False
        self._intended.add(decision.id)
        return True

    async def _record(self, at: float, decisions: list[Decision]) -> None:
        """Journal what is new; keep what could not be recorded for the next tick."""
        announced, self._intended = self._intended, set()
        doubtful, self._doubtful = self._doubtful, set()
        # Whatever was announced is concluded, also when it says nothing new.
        fresh = [
            d
            for d, seat in zip(decisions, self.seats, strict=True)
            if is_news(seat, d) or d.id in announced or d.id in doubtful
        ]
        due = [seat for seat in self.seats if not seat.noted]
        notes = [seat.note(at) for seat in due]
        try:
            if self.unrecorded or fresh:
                await self._conclude([*self.unrecorded, *fresh])
            await self.world.journal.note(self.group, at, notes)
            await self._store_forecasts(at)
        except JournalError:
            self.journal_up = False
            owed = announced | doubtful
            acted = [d for d in fresh if d.outcome.kind in ACTED or d.id in owed]
            self.unrecorded = [*self.unrecorded, *acted]
            return
        self.journal_up = True
        self.unrecorded = []
        for seat in due:
            seat.noted = True

    async def note_rest(self) -> None:
        """Journal what was learnt in a tick that was cut short."""
        due = [seat for seat in self.seats if not seat.noted and seat.read_at is not None]
        if due:
            at = self.world.clock.now() if self.last_at is None else self.last_at
            await self.world.journal.note(self.group, at, [seat.note(at) for seat in due])

    async def _conclude(self, decisions: list[Decision]) -> None:
        journal = self.world.journal
        try:
            await journal.conclude(decisions)
        except JournalError:
            raise
        except Exception:
            log.exception("a decision cannot be recorded", group=self.group)
            # One that cannot be written down must not take the others along.
            for decision in decisions if len(decisions) > 1 else ():
                await self._conclude([decision])

    async def _store_forecasts(self, at: float) -> None:
        due = [s for s in self.seats if s.foresight is not None and s.foresight.due(at)]
        learnt = [
            one
            for seat in due[:STORED_AT_ONCE]
            if seat.foresight is not None
            for one in seat.foresight.learnt(seat.managed.name, at)
        ]
        if learnt:
            await self.world.journal.keep(learnt)
