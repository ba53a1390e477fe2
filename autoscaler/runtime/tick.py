"""One tick of one group: observe, decide, fit, write, record, tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from autoscaler import steps
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.fleet import fit
from autoscaler.core.jump import Jump
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason
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
from autoscaler.runtime.each import (
    ACTED,
    DANGLING,
    PENDING,
    UNRECORDED,
    bug_of,
    candidate,
    learn,
    look,
    thought,
)
from autoscaler.runtime.fairshare import FairShare
from autoscaler.runtime.heap import Heap
from autoscaler.runtime.jury import Jury
from autoscaler.runtime.last_word import NOT_OURS, SAID, LastWord, Leaving
from autoscaler.runtime.ledger import Ledger
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
    fair: FairShare = field(default_factory=FairShare)
    """How the groups share the platform's pace."""


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a tick: Unix and monotonic seconds, how late, and how long it may write."""

    at: float
    up: float
    late_s: float
    within_s: float


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
        self.ledger = Ledger(group, world.journal)
        self.last_at: float | None = None
        self._last_up = 0.0
        self.alarm: Reason | None = None
        self._leaving = False
        self._count = 0
        self._trace = ""
        self.short = 0

    def go_on_from(self, before: Tick) -> None:
        """Take over what the same group's ticks before a reload still owe, spent and waited for."""
        self.ledger.go_on_from(before.ledger)
        self.last_at, self.alarm, self._last_up = before.last_at, before.alarm, before._last_up
        self.shared.raised = before.shared.raised
        self.shared.dropping_since = before.shared.dropping_since

    async def run(self, lag_s: float = 0.0, within_s: float | None = None) -> TickReport:
        """One whole tick; `lag_s` is how late it begins, told on.

        Its writes are to end within `within_s` seconds, those of the interval when left out.
        """
        within = self.interval_s if within_s is None else within_s
        with steps.tick(self.world.tracer, self.group) as self._trace:
            if not self._trace:
                return await self._run(lag_s, within)
            with structlog.contextvars.bound_contextvars(trace=self._trace):
                return await self._run(lag_s, within)

    async def _run(self, lag_s: float, within_s: float) -> TickReport:
        start = self._start(lag_s, within_s)
        await self._mind_the_gap(start.at, start.up)
        with step("observe", deployments=len(self.seats)):
            await self._observe(start.at)
        with step("decide"):
            decisions = await self._decide(start.at)
        self.alarm = self.shared.calm(decisions, self.world.clock.monotonic())
        return await self._carry_out(decisions, start)

    def _start(self, late_s: float, within_s: float) -> Start:
        clock = self.world.clock
        return Start(clock.now(), clock.monotonic(), late_s, within_s)

    async def _carry_out(self, decisions: list[Decision], start: Start) -> TickReport:
        at = start.at
        decisions = await self._write(decisions, start)
        with step("record"):
            await self.ledger.record(at, decisions, self.seats)
        took = self.world.clock.monotonic() - start.up
        self.last_at, self._last_up = at, start.up
        report = TickReport(self.group, at, took, start.late_s, decisions, self.interval_s)
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
        start = self._start(0.0, self.interval_s)
        at = start.at
        prefix = f"{int(at * 1000):012x}-{0xFFFF:04x}-{self.group}"
        found = [(s, self._one(s, at, f"{prefix}-{n:05x}")) for n, s in enumerate(self.seats)]
        # What has that much already needs no word.
        told = [(seat, one) for seat, one in found if one.plan.moves or one.plan.hold]
        self.seats = [seat for seat, _ in told]
        return await self._carry_out([one for _, one in told], start)

    def _may_write(self, seat: Seat) -> Outcome:
        if not self.world.last_word.membership.owns(seat.managed.rid):
            return NOT_OURS
        return PENDING if seat.dangling is None else DANGLING

    async def _write(self, decisions: list[Decision], start: Start) -> list[Decision]:
        """Let the most urgent plans go ahead; tell the others why they wait."""
        pending = {d.deployment: i for i, d in enumerate(decisions) if d.outcome is PENDING}
        now, ahead = self.world.clock.monotonic(), min(start.within_s, OLDEST_PLAN_S)
        if not pending:
            self._share(0, 0, now, ahead)
            return decisions
        candidates = [candidate(self.seats[i], decisions[i]) for i in pending.values()]
        room = self._room(now, ahead)
        with step("fit", wanted=len(candidates), room=room) as fitting:
            fitted = fit(candidates, self.shared.budget(room, self.seats, now))
            fitting.say(going=len(fitted.go), waiting=len(fitted.waiting))
        short = sum(one.reason.code is Code.BUDGET_SHORT for one in fitted.waiting)
        self._share(len(fitted.go), short, now, ahead)
        for waiting in fitted.waiting:
            index = pending[waiting.candidate.deployment]
            outcome = Outcome(Kind.DEFERRED, waiting.reason)
            decisions[index] = replace(decisions[index], outcome=outcome)
        going = [pending[candidate.deployment] for candidate in fitted.go]
        for index, granted in zip(going, fitted.go, strict=True):
            decisions[index] = replace(decisions[index], plan=granted.plan)
            self.shared.spent(granted.plan, now)
        await self.ledger.pay()
        ended = await asyncio.gather(
            *(self._apply(self.seats[i], decisions[i], start.up) for i in going)
        )
        for index, decision in zip(going, ended, strict=True):
            decisions[index] = decision
        return decisions

    def _room(self, now: float, ahead: float) -> int:
        # More would only be announced, and then be found too old to be written.
        room = self.world.platform.room(ahead)
        # At a stop everybody leaves at once, and nobody's turn comes later.
        return room if self._leaving else self.world.fair.of(self.group, room, now, ahead)

    def _share(self, going: int, short: int, now: float, ahead: float) -> None:
        self.short = short
        self.world.fair.took(self.group, going, short, now, ahead)

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
        clock = self.world.clock
        outcome = learn(seat, decision, outcome, clock.now())
        if outcome.reason.code in SAID:
            # Told as it would have been decided with that word, which everybody is to see.
            decision = self._one(seat, decision.at, decision.id)
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
            if not await self.ledger.announce(decision):
                return UNRECORDED
            return await world.platform.apply(rid, plan.before, plan.after)
        except Exception as bug:  # noqa: BLE001 - a bug here is one deployment's failure
            return bug_of(bug)

    async def note_rest(self) -> None:
        """Journal what was learnt in a tick that was cut short. Raises JournalError."""
        at = self.world.clock.now() if self.last_at is None else self.last_at
        await self.ledger.note_rest(at, self.seats)
