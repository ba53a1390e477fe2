"""Bugs planted on purpose: each protection switched off in turn, and what must notice.

A mutant replaces one function of the daemon while a seed runs. It is caught when the witness
finds something; if it names another invariant than expected, that is told and counts too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from autoscaler.core.decision import Decision, Outcome
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.mode import Mode as ModeGuard
from autoscaler.core.guards.recovery import Recovery
from autoscaler.core.observation import Missing
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import PolicyEntry
from autoscaler.foundry import bucket, wire, writing
from autoscaler.journal import journal as journals
from autoscaler.journal import store as stores
from autoscaler.lab.sim.leaning import NOWHERE, Leaning
from autoscaler.ports import JournalError, Sample
from autoscaler.runtime import last_word, ledger, observe, resync, seat, shared, tick, words
from autoscaler.sources import prometheus
from autoscaler.sources.promql import answer

Patch = Callable[[], tuple[object, str, object]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One protection, how it is switched off, and the invariants that are expected to notice."""

    name: str
    protection: str
    patch: Patch
    noticed_by: tuple[str, ...]
    size: int = 16
    """Deployments of a run. Two groups of fewer than ten have no alarm that would help out."""
    also: Patch | None = None
    """A second protection behind the first, which would help out."""
    leaning: Leaning = NOWHERE
    """In which worlds it is hunted, where it would be rare otherwise."""


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Within it the daemon has the bug."""
    with contextlib.ExitStack() as stack:
        for patch in (mutant.patch, mutant.also):
            if patch is not None:
                stack.enter_context(_swapped(*patch()))
        yield


@contextmanager
def _swapped(owner: object, name: str, wrong: object) -> Iterator[None]:
    right = getattr(owner, name)
    raw = vars(owner).get(name, right) if isinstance(owner, type) else right
    setattr(owner, name, wrong)
    try:
        yield
    finally:
        setattr(owner, name, raw)


def _unasked() -> tuple[object, str, object]:
    return last_word, "stopped", lambda *_: None


def _unguarded(guard: type) -> Patch:
    return lambda: (guard, "shape", lambda _self, plan, _seen: plan)


def _returning(owner: object, name: str, value: Any) -> Patch:
    async def never(*_: object, **__: object) -> Any:
        return value

    return lambda: (owner, name, never)


# --- data -----------------------------------------------------------------------------------


def _not_a_number_is_zero() -> tuple[object, str, object]:
    def unusable(*given: Any) -> Sample | Missing:
        return Sample(given[2], 0.0)

    return answer, "_unusable", unusable


def _absent_is_zero() -> tuple[object, str, object]:
    right = observe._sample  # noqa: SLF001 - the bug is planted there

    def sample(place: Any, spec: Any, reading: Any, at: float) -> Sample | Missing:
        found = right(place, spec, reading, at)
        return Sample(at, 0.0) if isinstance(found, Missing) else found

    return observe, "_sample", sample


def _failed_is_zero() -> tuple[object, str, object]:
    right = observe._signal  # noqa: SLF001 - the bug is planted there

    def signal(place: Any, name: str, spec: Any, said: Any, at: float) -> Any:
        found = right(place, name, spec, said, at)
        if not isinstance(found, Missing):
            return found
        series = observe.extended(place.series.get(name), Sample(at, 0.0), at - spec.window_s)
        place.series[name] = series
        return series

    return observe, "_signal", signal


def _old_is_new() -> tuple[object, str, object]:
    right = answer.reading_of

    def reading(found: Any, _ages: Any, at: float, max_age_s: float, *, complete: bool) -> Any:
        return right(found, None, at, max_age_s, complete=complete)

    return prometheus, "reading_of", reading


def _warnings_are_nothing() -> tuple[object, str, object]:
    right = answer.rows_of

    def rows(*given: Any) -> Any:
        found = right(*given)
        return replace(found, complete=True) if isinstance(found, answer.Rows) else found

    return prometheus, "rows_of", rows


# --- writing --------------------------------------------------------------------------------


def _unclear_is_repeated() -> tuple[object, str, object]:
    async def unclear(
        self: writing.Writer, change: Any, _body: Any, _error: Any, turn: Any
    ) -> Outcome:
        ending = await self.write(change, turn)
        return ending.outcome

    return writing.Writer, "_unclear", unclear


def _refused_is_repeated() -> tuple[object, str, object]:
    async def clamp(self: writing.Writer, change: Any, _live: Any, _error: Any, turn: Any) -> Any:
        return await self.write(replace(change, ceiling=1), turn)

    right = writing.Writer._clamp  # noqa: SLF001 - the bug is planted there

    async def once(self: writing.Writer, change: Any, *rest: Any) -> Any:
        again = right if change.ceiling is not None else clamp
        return await again(self, change, *rest)

    return writing.Writer, "_clamp", once


def _a_field_is_lost() -> tuple[object, str, object]:
    right = wire.merge

    def merge(raw: Any, after: Any) -> Any:
        return {k: v for k, v in right(raw, after).items() if k != "notYetInvented"}

    return writing, "merge", merge


def _written_without_record() -> tuple[object, str, object]:
    right = ledger.Ledger.announce

    async def announce(self: ledger.Ledger, decision: Decision) -> bool:
        await right(self, decision)
        return True

    return ledger.Ledger, "announce", announce


def _no_pace() -> tuple[object, str, object]:
    async def take(*_: object) -> float:
        return 0.0

    return bucket.Bucket, "take", take


def _no_reason() -> tuple[object, str, object]:
    right = Plan.move

    def move(self: Plan, to: Any, by: str, why: Any) -> Plan:
        moved = right(self, to, by, why)
        return replace(moved, trail=tuple(s for s in moved.trail if s.by != "stabilise"))

    return Plan, "move", move


# --- memory ---------------------------------------------------------------------------------


def _cooldown_is_forgotten() -> tuple[object, str, object]:
    right = seat.Seat.remember

    def remember(self: seat.Seat, memory: Any, at: float, gap_s: float) -> None:
        right(self, replace(memory, changes=()), at, gap_s)

    return seat.Seat, "remember", remember


def _said_before_it_is_done() -> tuple[object, str, object]:
    async def work(self: stores.Store, _doing: str, work: Any) -> Any:
        try:
            connection = await self._connected()
            begun = await connection.begin()
            made = await work(connection)
            await (begun.rollback() if _doing == "recording decisions" else begun.commit())
        except self._foreign as error:
            await self._drop()
            raise JournalError(str(error)) from error
        else:
            return made
        finally:
            self._turn.release()

    return stores.Store, "_work", work


def _a_crash_is_everybodys() -> tuple[object, str, object]:
    return PolicyEntry, "ask", PolicyEntry._ask  # noqa: SLF001 - the bug is planted there


def _reading_ends() -> tuple[object, str, object]:
    async def run(self: Any, seats: Any) -> None:
        for _ in range(40):
            if not await self.once(seats()):
                await asyncio.sleep(resync.PAUSE_S)

    return resync.Resync, "run", run


def _nobody_is_heard() -> tuple[object, str, object]:
    async def fresh(*_: object, **__: object) -> None:
        """Nobody is asked."""

    return words.Words, "fresh", fresh


def _no_last_word() -> tuple[object, str, object]:
    async def asked(*_: object) -> None:
        """Nobody is asked."""

    return last_word.LastWord, "__call__", asked


MUTANTS = (
    Mutant(
        "unfresh",
        "lowering needs fresh and complete data",
        _unguarded(Freshness),
        ("blind", "partial"),
    ),
    Mutant(
        "impatient", "no lowering right after a source came back", _unguarded(Recovery), ("grace",)
    ),
    Mutant(
        "nan-is-zero",
        "what is no number is missing",
        _not_a_number_is_zero,
        ("blind",),
        leaning=Leaning(kinds=("nan",)),
    ),
    Mutant(
        "absent-is-zero",
        "a series that is not there is missing",
        _absent_is_zero,
        ("blind",),
        leaning=Leaning(kinds=("absent",)),
    ),
    Mutant("down-is-zero", "a source that does not answer is missing", _failed_is_zero, ("blind",)),
    Mutant(
        "old-is-new",
        "the age of a sample is its own",
        _old_is_new,
        ("blind",),
        leaning=Leaning(kinds=("stale",)),
    ),
    Mutant(
        "warnings",
        "a partial answer is good for raising only",
        _warnings_are_nothing,
        ("partial",),
        leaning=Leaning(kinds=("warnings",)),
    ),
    Mutant(
        "pauses",
        "a pause is asked for in the journal",
        _nobody_is_heard,
        ("pause", "brake"),
        leaning=Leaning(often={"operator": 6.0}),
    ),
    Mutant("hot", "a dial rests after it moved", _unguarded(Cooldown), ("cooldown",)),
    Mutant("forgets", "a cooldown survives a restart", _cooldown_is_forgotten, ("cooldown",)),
    Mutant(
        "unlimited",
        "the limits hold whatever policies say",
        _unguarded(Limits),
        ("limits", "threads"),
    ),
    Mutant(
        "unsettled", "the platform's state holds a plan", _unguarded(Health), ("health", "disabled")
    ),
    Mutant(
        "lowers-anyway",
        "raise_only never lowers",
        _unguarded(ModeGuard),
        ("raise_only",),
        also=_unasked,
        leaning=Leaning(mode="raise_only"),
    ),
    Mutant(
        "writes-advice",
        "recommend writes nothing",
        lambda: (tick, "standing", lambda *_: None),
        ("mode",),
        also=_unasked,
    ),
    Mutant(
        "no-alarm",
        "a fleet that drops at once is doubted",
        lambda: (shared.Shared, "calm", lambda *_: None),
        ("together",),
        size=40,
    ),
    Mutant(
        "overwrites",
        "the fresh reading is compared with the plan's",
        lambda: (writing, "_needless", lambda *_: None),
        ("overwrites",),
        leaning=Leaning(often={"hand": 12.0}),
    ),
    Mutant("loses-fields", "unknown fields go back as they came", _a_field_is_lost, ("whole",)),
    Mutant(
        "blind-resend",
        "an unclear end is looked up",
        _unclear_is_repeated,
        ("twice",),
        leaning=Leaning(("reset_after", "lost_after"), ("platform",)),
    ),
    Mutant(
        "stubborn", "a refused body is never sent again", _refused_is_repeated, ("again", "threads")
    ),
    Mutant(
        "unannounced",
        "no row, no PUT",
        _returning(journals.SqlJournal, "intend", None),
        ("intent",),
    ),
    Mutant(
        "unrecorded",
        "a journal that fails stops the write",
        _written_without_record,
        ("intent",),
        leaning=Leaning(often={"disk": 10.0}),
    ),
    Mutant(
        "half-done",
        "what is confirmed is on the disk",
        _said_before_it_is_done,
        ("lost", "dangling"),
    ),
    Mutant(
        "abandons",
        "an open intent is looked up after a start",
        _returning(journals.SqlJournal, "dangling", ()),
        ("dangling",),
    ),
    Mutant(
        "no-last-word",
        "a plan's age and operators are asked for right before a PUT",
        _no_last_word,
        ("old", "pause", "brake"),
        size=40,
        leaning=Leaning(often={"operator": 25.0}),
    ),
    Mutant("no-pace", "the platform is asked at a pace", _no_pace, ("pace",), size=120),
    Mutant("no-reason", "nothing moves without a reason", _no_reason, ("reason",)),
    Mutant(
        "one-for-all", "a policy's crash stays in its own seat", _a_crash_is_everybodys, ("bug",)
    ),
    Mutant(
        "stops-reading", "the platform is read for ever", _reading_ends, ("resumes", "dangling")
    ),
)
