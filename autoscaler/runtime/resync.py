"""Readings of the platform, spread over time, soonest for those in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random

import structlog

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import is_outcome
from autoscaler.core.observation import Change
from autoscaler.core.reason import Code, because
from autoscaler.ports import Clock, Intent, Journal, JournalError, Live, Platform, Unread
from autoscaler.runtime.seat import Seat

log = structlog.get_logger(__name__)

# At most this many reads are begun at once; the platform's own pace comes on top.
AT_ONCE = 8
# A deployment that cannot be read is asked again after this long, doubled up to the resync.
FIRST_RETRY_S = 5.0
# A PUT outlives the daemon that sent it: until then "not done" may still become "done". Twice
# the write deadline and a gateway's patience with a client that is gone.
ARRIVES_S = 15.0
ASK_AGAIN_S = 2.0
# How often it is looked who is due, when nobody was.
PAUSE_S = 0.5


class Resync:
    """Re-read every deployment once per `every_s` (jittered), and sooner when in doubt."""

    def __init__(
        self,
        platform: Platform,
        journal: Journal,
        clock: Clock,
        random: Random,
        every_s: float,
    ) -> None:
        self.platform = platform
        self.journal = journal
        self.clock = clock
        self.random = random
        self.every_s = every_s
        self._patience: dict[str, float] = {}

    async def run(self, seats: Callable[[], Iterable[Seat]]) -> None:
        """Read for ever what is due, never-read deployments first."""
        while True:
            if not await self.once(seats()):
                await self.clock.sleep(PAUSE_S)

    async def once(self, seats: Iterable[Seat]) -> int:
        """Read what is due now, at most `AT_ONCE`; how many were."""
        now = self.clock.monotonic()
        due = [seat for seat in seats if seat.read_due <= now]
        due.sort(key=lambda seat: (seat.read_at is not None, seat.read_due))
        batch = due[:AT_ONCE]
        await asyncio.gather(*(self.read(seat) for seat in batch))
        return len(batch)

    async def read(self, seat: Seat) -> None:
        """Read one deployment and plan its next reading."""
        rid, writes = seat.managed.rid, seat.writes
        found = await self._ask(rid)
        now = self.clock.monotonic()
        if seat.writing or seat.writes != writes:
            # It may tell of before or after the write, and only the write itself knows which:
            # taken for news, an own change would look like somebody else's.
            seat.read_due = now + ASK_AGAIN_S
            return
        if isinstance(found, Unread):
            seat.unread = found.reason
            wait = self._patience.get(rid, FIRST_RETRY_S)
            self._patience[rid] = min(self.every_s, wait * 2)
            seat.read_due = now + wait * self.random.uniform(0.5, 1.0)
            return
        self._patience.pop(rid, None)
        if seat.dangling is not None and seat.read_at is None:
            seat.unsure = seat.dangling
        seat.was_read(found, self.clock.now())
        seat.read_due = now + self._next(found)
        if seat.dangling is not None:
            await self._resolve(seat, seat.dangling, found)

    async def _ask(self, rid: str) -> Live | Unread:
        try:
            return await self.platform.read(rid)
        except Exception as bug:  # one answer must not end all reading for ever
            log.exception("a bug while reading", rid=rid)
            error = type(bug).__name__
            return Unread(
                because(
                    Code.INTERNAL_ERROR,
                    "a bug of the daemon while reading ({error}); its log has more",
                    error=error,
                )
            )

    def _next(self, live: Live) -> float:
        jitter = self.random.uniform(0.8, 1.2)
        settled = live.health.state == "ACTIVE" and live.health.is_ready
        quick = min(self.every_s, 5.0)
        unsettled = live.health.state in {"STARTING", "DEGRADED"}
        return (quick if unsettled and not settled else self.every_s) * jitter

    async def _resolve(self, seat: Seat, intent: Intent, live: Live) -> None:
        """Conclude a write that a crash cut off, by what the platform says now."""
        now = self.clock.now()
        outcome, age = truth(intent, live), now - intent.at
        if outcome.kind is not Kind.APPLIED and 0 <= age < ARRIVES_S:
            seat.read_due = self.clock.monotonic() + min(ASK_AGAIN_S, ARRIVES_S - age)
            return
        try:
            await self.journal.resolve(intent, outcome, now)
        except JournalError:
            return
        except Exception:  # a record that cannot be read is one deployment's trouble
            log.exception("a bug while resolving", deployment=intent.deployment)
            return
        seat.dangling = seat.arrived = None
        if outcome.kind is Kind.APPLIED and seat.unsure is not None:
            # The first reading shows it already; a later one has told of the change itself.
            seat.unsure = None
            # The clock was ahead when it was announced, if that lies in the future.
            seat.changed(Change(min(intent.at, now), intent.before, live.envelope))


def truth(intent: Intent, live: Live) -> Outcome:
    """What came of an intent, judged by the envelope that is there now."""
    actual = live.envelope
    if is_outcome(actual, intent.before, intent.after):
        reason = because(Code.AS_PLANNED, "found applied after a restart")
        return Outcome(Kind.APPLIED, reason, actual=actual)
    if actual == intent.before:
        reason = because(Code.OUTCOME_UNKNOWN, "found not applied after a restart")
        return Outcome(Kind.FAILED, reason, actual=actual)
    reason = because(Code.DRIFTED, "found changed by somebody else after a restart")
    return Outcome(Kind.FAILED, reason, actual=actual)
