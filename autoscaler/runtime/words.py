"""What operators have said, as far as it is known: the pause file, this process and the store."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from autoscaler.activity import Entry, Event
from autoscaler.core.controls import FLEET, Said, Standing, by_scope
from autoscaler.ports import Clock, Journal, JournalError
from autoscaler.runtime.pausefile import PauseFile

# The store gets this long to say what it knows; file and memory count without it.
STORE_S = 1.0


class Words:
    """The words that stand now. Whoever asks right before a write asks the store again.

    `looks` are those that were asked for from outside and that nobody has taken up yet.
    """

    def __init__(self, clock: Clock, journal: Journal, file: PauseFile | None = None) -> None:
        self.file = file or PauseFile()
        self.standing: tuple[Standing, ...] = ()
        self.looks: list[Entry] = []
        self.store_s = STORE_S
        self._clock = clock
        self._journal = journal
        self._unconfirmed: list[Standing] = []
        self._seq: int | None = None
        self._turn = asyncio.Lock()
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._begun = 0
        self._changes = 0

    def now(self) -> Said:
        """Everything that is said at this moment. Waits for nobody."""
        found = by_scope((*self.standing, *self._unconfirmed))
        pause = self.file.word()
        if pause is not None:
            found[FLEET] = (pause, *found.get(FLEET, ()))
        return Said(found)

    async def fresh(self) -> None:
        """Ask the store, unless somebody began to after this call; wait for `store_s` at most.

        What was known stays when the store cannot answer: a pause does not end with a full disk.
        An answer that comes later is taken all the same: on a disk that takes longer for each
        commit, a pause would otherwise never be heard, while writes go on.
        """
        begun = self._begun
        asking = self._asking.get(begun)
        if asking is None:
            asking = self._asking[begun] = asyncio.create_task(self._asked(begun))
            asking.add_done_callback(lambda _: self._asking.pop(begun, None))
        with suppress(TimeoutError):
            async with asyncio.timeout(self.store_s):
                await asyncio.shield(asking)

    async def _asked(self, begun: int) -> None:
        with suppress(JournalError):
            async with self._turn:
                if self._begun == begun:
                    await self._read()

    async def _read(self) -> None:
        while True:
            self._begun += 1
            changes = self._changes
            heard = await self._journal.heard(self._clock.now(), self._seq)
            if changes == self._changes:
                break  # else the answer is older than what was said here meanwhile
        self.standing, self._seq = heard.words, heard.seq
        self.looks += heard.looks

    async def record(self, event: Event) -> bool:
        """Enter something into the activity; False when the store cannot."""
        try:
            await self._journal.record([event])
        except JournalError:
            return False
        return True

    # --- what is said in this process ------------------------------------------------------

    def say(self, standing: Standing) -> None:
        """Let a word count from now on, before the store has it."""
        self._changes += 1
        self._unconfirmed.append(standing)

    def confirm(self, said: Standing, stored: Standing | None) -> None:
        """The store has a word that was said here, or (None) could not take it."""
        self._changes += 1
        self._unconfirmed = [one for one in self._unconfirmed if one is not said]
        if stored is not None and all(one.id != stored.id for one in self.standing):
            self.standing = (*self.standing, stored)

    def ended(self, ident: str) -> None:
        """A word was ended in the store."""
        self._changes += 1
        self.standing = tuple(one for one in self.standing if one.id != ident)
