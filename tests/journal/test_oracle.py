"""Whatever is done in whatever order, across restarts: a SQLite journal is as a plain dictionary."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Coroutine
from dataclasses import replace
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Change, Control, Learned, Override, Recommended
from autoscaler.core.reason import Code, because
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import Memory, Note
from tests.fakes.decisions import CALM, decided
from tests.fakes.world import FakeClock
from tests.strategies import envelopes

T = TypeVar("T")
NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
SCOPES = ("fleet", "group:online", *NAMES)


@cache
def _empty() -> Path:
    """A migrated journal to copy: migrating takes most of a second."""
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder)

    async def make() -> None:
        journal = await open_journal(f"sqlite:///{folder / 'empty.db'}", clock=FakeClock())
        await journal.close()

    asyncio.run(make())
    return folder / "empty.db"


class JournalAgainstDictionary(RuleBasedStateMachine):
    """Two journals that must answer alike: the real one, and these few dictionaries."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        copyfile(_empty(), Path(self.folder.name) / "journal.db")
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.journal = self.opened()
        self.intents: dict[str, Decision] = {}
        self.changes: dict[str, list[Change]] = {}
        self.notes: dict[str, Note] = {}
        self.ticked: float | None = None
        self.words: dict[str, tuple[str, Override]] = {}

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def opened(self) -> SqlJournal:
        url = f"sqlite:///{Path(self.folder.name) / 'journal.db'}"
        return self.run(open_journal(url, clock=self.clock))

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.journal.close())
            self.runner.close()
            self.folder.cleanup()

    @rule(seconds=st.sampled_from([0.5, 60.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.forward(seconds)

    @rule(name=names, after=envelopes())
    def intend(self, name: str, after: Envelope) -> None:
        self.clock.forward(0.01)
        decision = decided(name, self.clock.now(), Kind.APPLIED, after=after)
        self.run(self.journal.intend(decision))
        self.intents[decision.id] = decision

    @rule(kind=st.sampled_from(Kind), pick=st.integers(0))
    def conclude(self, kind: Kind, pick: int) -> None:
        if not self.intents:
            return
        ident = sorted(self.intents)[pick % len(self.intents)]
        decision = self.intents.pop(ident)
        ended = replace(decision, outcome=replace(decision.outcome, kind=kind))
        self.run(self.journal.conclude([ended]))
        if kind is Kind.APPLIED:
            self.changed(decision)

    @rule(applied=st.booleans())
    def resolve(self, applied: bool) -> None:
        """What a restart does: the newest intent is looked up, older ones are superseded."""
        dangling = self.run(self.journal.dangling())
        if not dangling:
            return
        newest = dangling[-1]
        kind = Kind.APPLIED if applied else Kind.FAILED
        actual = newest.after if applied else newest.before
        outcome = Outcome(kind, because(Code.OUTCOME_UNKNOWN, "looked up"), actual)
        self.run(self.journal.resolve(newest, outcome, self.clock.now()))
        if applied:
            self.changed(self.intents[newest.decision_id])
        name = newest.deployment
        self.intents = {i: d for i, d in self.intents.items() if d.deployment != name}

    def changed(self, decision: Decision) -> None:
        plan = decision.plan
        if plan.after != CALM:
            made = Change(decision.at, plan.before, plan.after)
            self.changes.setdefault(decision.deployment, []).append(made)

    @rule(some=st.sets(names), wish=envelopes(), ceiling=st.none() | st.integers(1, 64))
    def note(self, some: set[str], wish: Envelope, ceiling: int | None) -> None:
        self.clock.forward(0.01)
        at = self.clock.now()
        wished = (Recommended(wish, at, at),)
        fresh = {name: Note(name, wished, at - 5, Learned(ceiling)) for name in some}
        self.run(self.journal.note("online", at, list(fresh.values())))
        self.notes |= fresh
        self.ticked = at

    @rule(scope=st.sampled_from(SCOPES), lasts=st.none() | st.sampled_from([30.0, 5000.0]))
    def say(self, scope: str, lasts: float | None) -> None:
        until = None if lasts is None else self.clock.now() + lasts
        self.clock.forward(0.01)
        word = Override(Control.PAUSE, "ada", "test", until)
        ident = self.run(self.journal.add_override(scope, word)).id
        self.words[ident] = scope, word

    @rule(pick=st.integers(0))
    def unsay(self, pick: int) -> None:
        if not self.words:
            return
        ident = sorted(self.words)[pick % len(self.words)]
        _, word = self.words.pop(ident)
        now = self.clock.now()
        ended = self.run(self.journal.end_override(ident, now, "ada"))
        assert (ended is not None) is word.active(now)

    @rule()
    def prune(self) -> None:
        self.run(self.journal.prune(self.clock.now(), keep_s=3600.0, keep_rows=3))

    @rule()
    def restart(self) -> None:
        self.run(self.journal.close())
        self.journal = self.opened()
        found = self.run(self.journal.recall(NAMES))
        now = self.clock.now()
        for name in NAMES:
            assert found.get(name, Memory()) == self.expected(name, now)
        # Everybody takes a seat again and is noted, so that the next restart knows of them.
        if self.notes:
            again = [replace(note, watched_since=now) for note in self.notes.values()]
            self.run(self.journal.note("online", now, again))
            self.notes = {note.deployment: note for note in again}
            self.ticked = now

    def expected(self, name: str, now: float) -> Memory:
        note = self.notes.get(name)
        mine = ["fleet", *(["group:online"] if note else []), name]
        said = tuple(
            word
            for scope in mine
            for ident, (where, word) in sorted(self.words.items())
            if where == scope and word.active(now)
        )
        changes = tuple(sorted(self.changes.get(name, ()), key=lambda c: c.at))
        if note is None:
            return Memory(changes=changes, overrides=said)
        assert self.ticked is not None
        wishes = note.recommended if self.ticked >= now - 3600 else ()
        return Memory(changes, wishes, said, note.learned, note.watched_since, self.ticked)

    @invariant()
    def the_same_intents_dangle(self) -> None:
        if hasattr(self, "journal"):
            found = self.run(self.journal.dangling())
            assert [intent.decision_id for intent in found] == sorted(self.intents)

    @invariant()
    def the_chain_holds(self) -> None:
        if hasattr(self, "journal"):
            assert self.run(self.journal.verify()).broken is None

    @invariant()
    def the_same_words_stand(self) -> None:
        if hasattr(self, "journal"):
            now = self.clock.now()
            standing = {i for i, (_, word) in self.words.items() if word.active(now)}
            assert {one.id for one in self.run(self.journal.standing(now))} == standing


JournalAgainstDictionary.TestCase.settings = settings(
    settings.get_profile("calm"), max_examples=25, stateful_step_count=25
)
TestJournalAgainstDictionary = JournalAgainstDictionary.TestCase
