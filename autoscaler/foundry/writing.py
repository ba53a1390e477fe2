"""One write: read, compare, merge, PUT, read back; and the truth about how it ended.

The platform knows no precondition, so the fresh reading is compared with what the plan was
made for, and whatever the PUT answered is checked by reading once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.health import Health
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because
from autoscaler.foundry.body import Object
from autoscaler.foundry.client import Client
from autoscaler.foundry.errors import (
    ErrorAnswer,
    FoundryError,
    InvalidAnswer,
    ServerError,
    ThreadCountTooHigh,
    TokenRenewed,
    may_have_been_done,
)
from autoscaler.foundry.pacing import REQUESTS_PER_WRITE, Turn
from autoscaler.foundry.verdict import Verdict, judge
from autoscaler.foundry.wire import altered, configuration_of, live_of, merge
from autoscaler.ports import Clock, LastWord, Live
from autoscaler.steps import step

OK = 200


@dataclass(frozen=True, slots=True)
class Ending:
    """How a write ended, and the refusal to remember, if there was one."""

    outcome: Outcome
    refusal: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done. `ceiling` is the maximum of threads learnt on the way.

    `renewed` says that a token was renewed for it already; it is not done a third time.
    """

    rid: str
    before: Envelope
    after: Envelope
    ceiling: int | None = None
    renewed: bool = False


class _Kept(Exception):  # noqa: N818 - a way out of the client, never an error that anybody sees
    """A PUT that was kept back, and what became of it instead."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome.reason))
        self.outcome = outcome


class Writer:
    """Carries out one change at a time. Never raises for a known failure."""

    def __init__(self, client: Client, clock: Clock, last_word: LastWord) -> None:
        self._client = client
        self._clock = clock
        self._last_word = last_word

    async def write(self, change: Change, turn: Turn) -> Ending:
        """Do it if the deployment still is as the plan saw it."""
        try:
            # Before the reading, also the second time: nothing is to wait between it and the PUT.
            await turn.afford(REQUESTS_PER_WRITE)
            with step("re-read"):
                raw, live = await self.reading(change.rid, turn)
        except FoundryError as error:
            return refused(change, error)
        early = _needless(change, live) or self._stopped(change, live)
        if early is not None:
            return Ending(replace(early, thread_ceiling=change.ceiling))
        return await self._put(change, live, merge(configuration_of(raw), change.after), turn)

    async def reading(self, rid: str, turn: Turn) -> tuple[Object, Live]:
        """The deployment, raw and understood. Raises FoundryError."""
        raw = await self._client.get(rid, turn)
        return raw, expect(rid, raw)

    async def _put(self, change: Change, live: Live, body: Object, turn: Turn) -> Ending:
        async def leave() -> None:
            # Between the tick and here it may have become another's, or been paused.
            kept = await self._last_word(change.rid, change.before, change.after)
            if kept is not None:
                raise _Kept(kept)

        try:
            with step("put"):
                raw = await self._client.replace(change.rid, body, turn, leave)
            told = expect(change.rid, raw)
        except _Kept as kept:
            outcome = replace(kept.outcome, actual=live.envelope, thread_ceiling=change.ceiling)
            return Ending(outcome)
        except ThreadCountTooHigh as error:
            return await self._clamp(change, live, error, turn)
        except FoundryError as error:
            if isinstance(error, TokenRenewed) and not change.renewed:
                return await self.write(replace(change, renewed=True), turn)
            if may_have_been_done(error):
                return Ending(await self._unclear(change, body, error, turn))
            return refused(change, error, put=True, actual=live.envelope)
        return Ending(await self._confirm(change, body, told, turn))

    async def _clamp(
        self, change: Change, live: Live, error: ThreadCountTooHigh, turn: Turn
    ) -> Ending:
        """Learn the maximum and try once with it; the refused body is never sent again."""
        limit = error.max_thread_count
        if change.ceiling is not None or limit is None or limit >= change.after.threads:
            return refused(change, error, put=True, actual=live.envelope, ceiling=limit)
        lower = replace(change, after=replace(change.after, threads=limit), ceiling=limit)
        if lower.after == live.envelope:
            return refused(change, error, put=True, actual=live.envelope, ceiling=limit)
        # It pays for another round and reads again first: that may take a while.
        return await self.write(lower, turn)

    async def _confirm(self, change: Change, body: Object, told: Live, turn: Turn) -> Outcome:
        try:
            with step("read back"):
                raw, live = await self.reading(change.rid, turn)
        except FoundryError:
            # The PUT's own answer is good enough; the next resync reads again anyway.
            return _applied(change, told.envelope, ())
        return _applied(change, live.envelope, altered(body, configuration_of(raw)))

    async def _unclear(
        self, change: Change, body: Object, error: FoundryError, turn: Turn
    ) -> Outcome:
        """A timeout, a reset or a 5xx says nothing; the next reading does."""
        status = _status(error)
        try:
            with step("read back"):
                raw, live = await self.reading(change.rid, turn)
        except FoundryError as blind:
            reason = because(
                Code.OUTCOME_UNKNOWN,
                "the write ended unclear ({error}) and cannot be read back ({blind})",
                error=str(error),
                blind=str(blind),
            )
            return Outcome(Kind.FAILED, reason, None, status, thread_ceiling=change.ceiling)
        if live.envelope == change.after:
            done = _applied(change, live.envelope, altered(body, configuration_of(raw)))
            return replace(done, status=status)
        answered = isinstance(error, ServerError) and live.envelope == change.before
        reason = because(
            Code.PLATFORM_ERROR if answered else Code.OUTCOME_UNKNOWN,
            "the write ended unclear ({error}); the platform reports {actual}",
            error=str(error),
            actual=str(live.envelope),
        )
        return Outcome(Kind.FAILED, reason, live.envelope, status, thread_ceiling=change.ceiling)

    def _stopped(self, change: Change, live: Live) -> Outcome | None:
        """Somebody disabled it, it failed or it is in trouble since the plan was made.

        The same rail as in the tick, on the newest reading. A plan that it would not let pass as
        it is waits whole: what of it may go is for the next tick to say.
        """
        now = self._clock.now()
        seen = Observation(now, live.rid, live.envelope, now, live.health)
        shaped = Health().shape(Plan(live.envelope, change.after, change.after), seen)
        if shaped.after == change.after:
            return None
        reason = shaped.hold.reason if shaped.hold else shaped.trail[-1].reason
        return Outcome(Kind.HELD, reason, live.envelope)


def expect(rid: str, raw: Object) -> Live:
    """The deployment in an answer. Raises InvalidAnswer, also when it is another one."""
    live = live_of(raw)
    if live.rid != rid:
        raise InvalidAnswer(f"rid of the answer must be the {rid} that was asked for")
    return live


def refused(
    change: Change,
    error: FoundryError,
    *,
    put: bool = False,
    actual: Envelope | None = None,
    ceiling: int | None = None,
) -> Ending:
    """The ending for a failure that wrote nothing. `put` says that the PUT brought it."""
    verdict = judge(error)
    outcome = Outcome(
        verdict.kind,
        verdict.reason,
        actual,
        _status(error) if put else None,
        thread_ceiling=change.ceiling if ceiling is None else ceiling,
    )
    return Ending(outcome, verdict)


def _needless(change: Change, live: Live) -> Outcome | None:
    if live.envelope == change.after:
        reason = because(Code.ALREADY_SO, "it is {after} already", after=str(change.after))
        return Outcome(Kind.UNCHANGED, reason, live.envelope)
    if live.envelope == change.before:
        return None
    reason = because(
        Code.DRIFTED,
        "the plan was made for {before}, but somebody made it {actual}; nothing was written",
        before=str(change.before),
        actual=str(live.envelope),
    )
    return Outcome(Kind.DEFERRED, reason, live.envelope)


def _applied(change: Change, actual: Envelope, lost: tuple[str, ...]) -> Outcome:
    reason = _applied_reason(change, actual, lost)
    return Outcome(Kind.APPLIED, reason, actual, OK, thread_ceiling=change.ceiling)


def _applied_reason(change: Change, actual: Envelope, lost: tuple[str, ...]) -> Reason:
    if actual != change.after:
        return because(
            Code.CLAMPED,
            "the platform took {after} and reports {actual}",
            after=str(change.after),
            actual=str(actual),
        )
    if lost:
        return because(
            Code.CLAMPED,
            "applied, but the platform reports other values than were sent for: {fields}",
            fields=", ".join(lost[:10]),
        )
    if change.ceiling is not None:
        return because(
            Code.CLAMPED,
            "applied with {threads} threads, the platform's maximum",
            threads=change.ceiling,
        )
    return because(Code.AS_PLANNED, "applied and read back: {actual}", actual=str(actual))


def _status(error: FoundryError) -> int | None:
    if isinstance(error, ErrorAnswer):
        return error.facts.status
    return OK if isinstance(error, InvalidAnswer) else None
