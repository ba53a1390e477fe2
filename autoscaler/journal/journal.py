"""The journal as the runtime and the commands know it: one call, one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex

from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.activity import Act, Entry, Event, Verified
from autoscaler.core.controls import Standing, by_scope, check, scopes
from autoscaler.core.decision import Decision, Outcome
from autoscaler.core.jump import Jump
from autoscaler.core.observation import Change, Override
from autoscaler.journal import activity as a
from autoscaler.journal import decisions as d
from autoscaler.journal import forecasts as f
from autoscaler.journal import loads, past
from autoscaler.journal import news as n
from autoscaler.journal import overrides as o
from autoscaler.journal import prune as p
from autoscaler.journal import rows as r
from autoscaler.journal import state as s
from autoscaler.journal.aside import Aside
from autoscaler.journal.schema import OPEN
from autoscaler.journal.store import Store
from autoscaler.journal.verify import Verifier
from autoscaler.ports import Chunk, Clock, Heard, Intent, Learnt, Memory, Note

# Decisions encoded between two turns of the event loop: 50 x 30 us = 1.5 ms.
TURN = 50
# Looks that are taken up at once; each stands for a whole scope.
LOOKS = 100
# Batches of one prune: at 500 rows each, 100,000 rows an hour at the most.
BATCHES = 200


class SqlJournal:
    """`ports.Journal` on SQL, and what the commands need beside it.

    Every call is one transaction with a deadline and raises JournalError when it cannot be
    kept. Calls may come from many tasks; they take turns.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.aside = Aside()
        self._session = token_hex(8)
        self._marks: dict[str, tuple[str, r.Mark]] = {}
        self._noted: dict[str, tuple[str, Note]] = {}

    # --- what the runtime calls -----------------------------------------------------------

    async def recall(self, deployments: Sequence[str]) -> Mapping[str, Memory]:
        """What is remembered, by name; names never seen, and of which nothing is said, are absent.

        From here on the deployments count as watched by this run of the daemon.
        """
        now = self._clock.now()

        async def work(connection: AsyncConnection) -> dict[str, Memory]:
            states = await s.read(connection, deployments, self._session, now, self.aside)
            if not self._store.backend.readonly:
                await d.bring_back(connection, deployments, now)
            changes = await d.changes(connection, deployments, now - p.CHANGES_S, self.aside)
            words = by_scope(await o.standing(connection, now, self.aside))
            if not self._store.backend.readonly:
                await s.seat(connection, list(states), self._session)
            found = {}
            for name in deployments:
                memory = _memory(states.get(name), changes.get(name, ()), words, name)
                if memory != Memory():
                    found[name] = memory
            return found

        for name in deployments:
            self._noted.pop(name, None)
        return await self._store.run("recalling", work)

    async def intend(self, decision: Decision) -> None:
        """Record durably that a write is about to be made."""
        row = r.intent_row(decision, OPEN)
        await self._store.run("recording an intent", lambda c: d.announce(c, row))

    async def conclude(self, decisions: Sequence[Decision]) -> None:
        """Close the intents of these decisions and keep the rows that say something new.

        Kept: everything applied, refused or failed; of the rest what differs in kind, reason or
        plan from the deployment's last kept row. Concluding a decision twice is harmless.
        """
        await self._learn_marks({one.deployment for one in decisions} - self._marks.keys())
        marks: dict[str, tuple[str, r.Mark]] = {}
        kept: list[r.Row] = []
        news: list[Event] = []
        changes: list[r.Row] = []
        for decision in decisions:
            changes += [r.change_row(decision.deployment, c) for c in r.changes_in(decision)]
            if self._is_news(decision, marks):
                kept.append(r.decision_row(decision))
                news.append(n.decided(decision, kept[-1]))
                if len(kept) % TURN == 0:
                    await asyncio.sleep(0)
        ended, sent = r.ended(decisions), r.sent(decisions)
        at = self._clock.now()

        async def work(connection: AsyncConnection) -> None:
            known = await d.recorded(connection, [row["id"] for row in kept])
            drifts = await d.unknown_drifts(connection, changes)
            await d.conclude(connection, ended, sent, kept, changes, at)
            told = [event for event in news if event.ref not in known]
            await a.append(connection, [*map(n.drifted, drifts), *told])

        await self._store.run("recording decisions", work)
        self._marks |= marks

    async def _learn_marks(self, unknown: set[str]) -> None:
        if unknown:
            names = sorted(unknown)
            found = await self._store.run(
                "reading last decisions", lambda c: d.last_marks(c, names)
            )
            nothing = "", r.Mark("", "", "")
            self._marks |= {name: found.get(name, nothing) for name in names}

    def _is_news(self, decision: Decision, marks: dict[str, tuple[str, r.Mark]]) -> bool:
        name, mark = decision.deployment, r.mark(decision)
        last_id, last = marks.get(name, self._marks[name])
        if decision.id > last_id and (mark != last or decision.outcome.kind in r.ALWAYS):
            marks[name] = decision.id, mark
            return True
        # One that arrives late does not speak for the present, but an act is always kept.
        return decision.outcome.kind in r.ALWAYS

    async def note(self, group: str, at: float, notes: Sequence[Note]) -> None:
        """Record a tick of a group, and the state rows that are not in the store already."""
        fresh = {
            n.deployment: (group, n) for n in notes if self._noted.get(n.deployment) != (group, n)
        }
        rows: list[r.Row] = []
        for turn, (_, note) in enumerate(fresh.values(), 1):
            rows.append(s.note_row(note, group, at, self._session))
            if turn % d.SLICE == 0:
                await asyncio.sleep(0)
        session = self._session
        await self._store.run("noting a tick", lambda c: s.write(c, group, at, session, rows))
        self._noted |= fresh

    async def overrides(
        self, group: str, deployments: Sequence[str], at: float
    ) -> Mapping[str, tuple[Override, ...]]:
        """What operators asked for that is active at `at`, by deployment, widest scope first."""
        words = await self.active_overrides(at)
        if not words:
            return {}
        said = {name: _words(words, scopes(group, name)) for name in deployments}
        return {name: found for name, found in said.items() if found}

    async def dangling(self) -> Sequence[Intent]:
        """Intents without a conclusion, oldest first."""
        return await self._store.run(
            "looking for open intents", lambda c: d.dangling(c, self.aside)
        )

    async def resolve(self, intent: Intent, outcome: Outcome, at: float) -> None:
        """Conclude a dangling intent; older ones of the same deployment are superseded by it."""
        row = await self._store.run(
            "resolving an intent", lambda c: d.resolve(c, intent, outcome, at, self.aside)
        )
        if row is not None and self._marks.get(intent.deployment, ("",))[0] < intent.decision_id:
            mark = r.Mark(row["kind"], row["code"], row["planned"])
            self._marks[intent.deployment] = intent.decision_id, mark

    async def history(self, deployment: str, limit: int) -> Sequence[bytes]:
        """The latest kept decisions as JSON, newest first."""
        return await self.decisions(deployment, before_id=None, limit=limit, start=None, end=None)

    async def close(self) -> None:
        """Let the call in progress end, close the store and free the lock."""
        await self._store.close()

    async def keep(self, learnt: Sequence[Learnt]) -> None:
        """Store what forecasts have learnt."""
        await self._store.run("storing forecasts", lambda c: f.write(c, learnt))

    async def learnt(self, deployments: Sequence[str]) -> Sequence[Learnt]:
        """What was stored of these deployments' forecasts."""
        return await self._store.run("reading forecasts", lambda c: f.read(c, deployments))

    async def keep_chunks(self, chunks: Sequence[Chunk]) -> None:
        """Store hours of histories, over what was known of the same hours."""
        await self._store.run("storing histories", lambda c: loads.write(c, chunks))

    async def chunks(self, deployments: Sequence[str], start: float) -> Sequence[Chunk]:
        """The stored hours of these that begin at or after `start`, Unix seconds, oldest first."""
        return await self._store.run(
            "reading histories", lambda c: loads.read(c, deployments, start)
        )

    # --- what commands and the composition root call --------------------------------------

    async def latest(self, deployment: str) -> bytes | None:
        """The last kept decision as JSON, None when there is none."""
        found = await self.history(deployment, 1)
        return found[0] if found else None

    async def decisions(
        self,
        deployment: str | None,
        *,
        before_id: str | None,
        limit: int,
        start: float | None,
        end: float | None,
        kinds: Sequence[str] = (),
    ) -> Sequence[bytes]:
        """Kept decisions as JSON, newest first, older than `before_id`; times are Unix seconds."""
        return await self._store.run(
            "reading decisions",
            lambda c: past.decisions(
                c,
                deployment,
                before_id=before_id,
                limit=limit,
                start=start,
                end=end,
                kinds=kinds,
            ),
        )

    async def decision(self, ident: str) -> bytes | None:
        """One kept decision as JSON, None when there is none of this id."""
        return await self._store.run("reading a decision", lambda c: past.one(c, ident))

    @property
    def place(self) -> str:
        """Where it is kept: a file's name, or a server's address without its password."""
        place = self._store.backend.place
        return place.rpartition("/")[2] if place.startswith("/") else place

    async def leave(self, deployments: Sequence[str]) -> None:
        """Say that these are not watched any more: coming back, they count as newly seen."""
        now = self._clock.now()
        await self._store.run("letting go", lambda c: s.unseat(c, deployments, now))
        for name in deployments:
            self._noted.pop(name, None)

    async def keep_ages(self, deployments: Sequence[str], jump: Jump) -> None:
        """The wall clock was set: the changes of these deployments are as old as before."""
        await self._store.run("keeping ages", lambda c: d.keep_ages(c, deployments, jump))

    async def add_override(self, scope: str, override: Override) -> Standing:
        """Store an operator's word. Raises ValueError for one without effect.

        `scope` is "fleet", "group:NAME" or a deployment's name.
        """
        check(scope, override)
        now = self._clock.now()
        ident = f"{int(now * 1000):012x}-{token_hex(3)}"
        row = o.row_of(ident, scope, override, now)
        await self._store.run("recording an override", lambda c: o.add(c, row))
        return Standing(ident, scope, replace(override, id=ident), now)

    async def end_override(self, ident: str, at: float, author: str) -> Standing | None:
        """End an override now; None when none of that id stands."""
        return await self._store.run("ending an override", lambda c: o.end(c, ident, at, author))

    async def active_overrides(self, at: float) -> Mapping[str, tuple[Override, ...]]:
        """The active words by scope, oldest first."""
        return by_scope(await self.standing(at))

    async def standing(self, at: float) -> Sequence[Standing]:
        """The active overrides with their ids, oldest first."""
        return await self._store.run("reading overrides", lambda c: o.standing(c, at, self.aside))

    async def heard(self, at: float, after_seq: int | None) -> Heard:
        """What operators have said from outside: what stands, and looks that they asked for.

        Overrides whose time is over at `at` are noted as expired on the way.
        """

        async def work(connection: AsyncConnection) -> Heard:
            await o.expire(connection, at)
            words = await o.standing(connection, at, self.aside)
            last = (await a.ends(connection)).last_seq
            after = last if after_seq is None else after_seq
            asked = a.Asked(kinds=(Act.LOOK.value,))
            looks = await a.following(connection, after, LOOKS, asked) if last > after else []
            return Heard(tuple(words), tuple(looks), last)

        return await self._store.run("listening to operators", work)

    async def record(self, events: Sequence[Event]) -> None:
        """Enter into the activity what nothing else of the journal tells of."""
        await self._store.run("recording the activity", lambda c: a.append(c, events))

    async def activity(
        self,
        *,
        before_seq: int | None,
        limit: int,
        kinds: Sequence[str] = (),
        deployment: str | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> Sequence[Entry]:
        """At most `limit` entries before the number `before_seq`, newest first.

        `start` and `end` are Unix seconds, the end not included.
        """
        asked = a.Asked(kinds, deployment, start, end)
        return await self._store.run(
            "reading the activity", lambda c: a.newest(c, asked, before_seq, limit)
        )

    async def following(self, after_seq: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries after the number `after_seq`, oldest first."""
        return await self._store.run(
            "reading the activity", lambda c: a.following(c, after_seq, limit)
        )

    async def verify(self) -> Verified:
        """Check the whole chain, and what it vouches for as far as that is still kept.

        Works in pages, beside whoever writes; what is added meanwhile is not looked at.
        """
        verifier = Verifier()
        while True:
            found = await self._store.run("checking the activity", verifier.step)
            if found is not None:
                return found

    async def prune(self, now: float, keep_s: float, keep_rows: int) -> int:
        """Delete what is older than `keep_s` seconds or beyond `keep_rows` decisions.

        Works in small batches, others taking their turn in between, and stops after 100,000
        rows: the next call goes on. The last decision of a deployment outlives its age, open
        intents and what `recall` needs always stay. Returns how many rows went.
        """
        start = now - keep_s
        await self._store.run("ending overrides", lambda c: o.expire(c, now))
        beyond = await self._store.run("measuring", lambda c: p.boundary(c, keep_rows))
        pruning = p.Taking(now, p.Pruning(start, beyond or ""))
        steps: tuple[Callable[[AsyncConnection], Awaitable[int]], ...] = (
            lambda c: pruning.told(c, p.decisions(c, start, beyond)),
            lambda c: p.intents(c, start),
            lambda c: pruning.told(c, p.overrides(c, start)),
            lambda c: p.changes(c, now),
            lambda c: f.prune(c, start),
            lambda c: loads.prune(c, now),
            lambda c: pruning.told(c, a.prune(c, start, keep_rows, p.BATCH)),
        )
        total = 0
        for step in steps:
            for _ in range(BATCHES):
                gone = await self._store.run("pruning", step)
                total += gone
                if not gone:
                    break
                await asyncio.sleep(0)
        return total

    async def size(self) -> p.Size:
        """What the journal holds and takes."""

        async def work(connection: AsyncConnection) -> p.Size:
            used = await self._store.backend.bytes_used(connection)
            return p.Size(used, await p.count(connection))

        return await self._store.run("measuring", work)


def _memory(
    state: s.State | None,
    changes: tuple[Change, ...],
    words: Mapping[str, tuple[Override, ...]],
    name: str,
) -> Memory:
    said = _words(words, scopes(state.group if state else None, name))
    if state is None:
        return Memory(changes=changes, overrides=said)
    return Memory(
        changes,
        state.recommended,
        said,
        state.learned,
        state.watched_since,
        state.last_tick,
        state.returned,
    )


def _words(
    words: Mapping[str, tuple[Override, ...]], scopes: tuple[str, ...]
) -> tuple[Override, ...]:
    return tuple(word for scope in scopes for word in words.get(scope, ()))
