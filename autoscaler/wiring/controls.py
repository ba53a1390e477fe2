"""What operators can do to a running daemon: at once in memory, and durable in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from autoscaler.activity import Act, Event
from autoscaler.core.controls import FLEET, GROUP, Standing, check, where
from autoscaler.core.observation import Override
from autoscaler.journal import SqlJournal
from autoscaler.ports import JournalError
from autoscaler.runtime.daemon import Daemon
from autoscaler.wiring.scopes import expect


class Controls:
    """Pause, resume, pin, floor, brake, mode and look now, for one deployment, a group or all.

    A word counts from the moment it is said here, also for a write that is under way. When the
    journal cannot take it, it is taken back and JournalError tells so: the `PAUSE` file and the
    signal work without a journal.
    """

    def __init__(self, daemon: Daemon, journal: SqlJournal) -> None:
        self._daemon = daemon
        self._journal = journal

    async def standing(self) -> Sequence[Standing]:
        """The words that are active now, oldest first. The pause file's is not among them."""
        return await self._journal.standing(self._daemon.clock.now())

    async def add(self, scope: str, word: Override) -> Standing:
        """Say a word: `scope` is "fleet", "group:NAME" or a deployment's name.

        Raises NotManaged for a scope that nobody has, ValueError for a word that breaks a rule,
        JournalError when it cannot be kept.
        """
        self._expect(scope)
        check(scope, word)
        now = self._daemon.clock.now()
        if not word.active(now):
            raise ValueError(f"expires_at must lie ahead, got {word.expires_at}")
        operators = self._daemon.operators
        said, stored = Standing("", scope, word, now), None
        operators.words.say(said)
        operators.tell()
        try:
            stored = await self._journal.add_override(scope, word)
        finally:
            operators.words.confirm(said, stored)
            operators.tell()
        return stored

    async def end(self, ident: str, author: str) -> Standing | None:
        """Take a word back; None when none of this id is active.

        Raises ValueError without an author, JournalError.
        """
        if not author.strip():
            raise ValueError("an author is needed to end an override, got an empty one")
        now = self._daemon.clock.now()
        ended = await self._journal.end_override(ident, now, author)
        if ended is not None:
            self._daemon.operators.words.ended(ident)
            self._daemon.operators.tell()
        return ended

    async def look(self, scope: str, author: str, why: str) -> int:
        """Have a scope read and decided now; how many deployments that are.

        Raises NotManaged, ValueError, JournalError.
        """
        self._expect(scope)
        await self._journal.record([look_of(scope, author, why, self._daemon.clock.now())])
        operators = self._daemon.operators
        # The same way that a look from the command line takes: out of the journal.
        await operators.listen()
        return len(operators.within(scope))

    def _expect(self, scope: str) -> None:
        expect(scope, self._daemon.ticks, self._daemon.seats)


def look_of(scope: str, author: str, why: str, at: float) -> Event:
    """The entry that asks for a look. Raises ValueError without an author or a reason."""
    if not author.strip() or not why.strip():
        raise ValueError("a look needs an author and a reason (why), got an empty one")
    group = scope.removeprefix(GROUP) if scope.startswith(GROUP) else None
    deployment = None if group is not None or scope == FLEET else scope
    return Event(at, Act.LOOK, author, f"look at {where(scope)}: {why}", deployment, group)


async def enter(journal: SqlJournal, event: Event) -> None:
    """Enter what befell the daemon itself, if the journal can take it."""
    with suppress(JournalError):
        await journal.record([event])
