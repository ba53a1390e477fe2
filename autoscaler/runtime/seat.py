"""What the daemon holds of one deployment between two ticks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from autoscaler.core.controls import mode_at
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import Envelope, is_outcome
from autoscaler.core.jump import Jump
from autoscaler.core.observation import (
    NO_RISKS,
    NO_SIGNALS,
    Change,
    Health,
    Learned,
    Missing,
    Observation,
    Override,
    Recommended,
    Series,
    Signal,
)
from autoscaler.core.reason import Code, Reason, because
from autoscaler.ports import Intent, Live, Memory, Note
from autoscaler.roster import Managed
from autoscaler.runtime.carrying import CapacityWatch
from autoscaler.runtime.foresight import Foresight
from autoscaler.runtime.startup import StartupWatch

# The longest window that any guard may look back on what was wanted.
LOOK_BACK_S = 3600.0
# Changes older than a day are no cooldown's business any more, but the last one always stays.
CHANGES_S = 86_400.0

UNREAD = Live(rid="", envelope=Envelope(0, 0, 1), health=Health("UNREAD", is_ready=False))


@dataclass(slots=True)
class Seat:
    """One deployment's place in the fleet. Everything durable in here comes from the journal."""

    managed: Managed
    live: Live = UNREAD
    read_at: float | None = None
    read_due: float = 0.0
    unread: Reason = field(default=because(Code.NO_READING, "the platform was not asked yet"))
    series: dict[str, Series] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    recommended: tuple[Recommended, ...] = ()
    overrides: tuple[Override, ...] = ()
    learned: Learned = Learned()
    watched_since: float | None = None
    dangling: Intent | None = None
    unsure: Intent | None = None
    """The newest own write of unknown end: it may still arrive."""
    arrived: Intent | None = None
    """One that did, which the journal is still to be told."""
    writing: bool = False
    writes: int = 0
    """How many writes have ended: a reading that was begun before one of them tells of the past."""
    latest: Decision | None = None
    kept: tuple[object, ...] = ()
    noted: bool = True
    startup: StartupWatch = field(default_factory=StartupWatch)
    foresight: Foresight | None = None
    carrying: CapacityWatch = field(default_factory=CapacityWatch)
    returned: dict[str, float | None] = field(default_factory=dict)
    """What the journal knew of signals that were away, until they are seen again."""

    def manage(self, managed: Managed, every_s: float) -> None:
        """Take a configuration; forecasts that stay go on with what they have learnt."""
        self._forget_others(managed)
        self.managed = managed
        before = self.foresight
        if not managed.forecasts:
            self.foresight = None
        elif before is None or (before.specs, before.every_s) != (managed.forecasts, every_s):
            known = before.forecasters if before else {}
            kept = {name: f for name, f in known.items() if name in managed.forecasts}
            past = before.with_past & kept.keys() if before else set()
            self.foresight = Foresight(managed.forecasts, every_s, kept, with_past=past)
            self.foresight.believe(self.learned)

    def _forget_others(self, managed: Managed) -> None:
        """Let go of signals that are gone, or that ask for something else by the same name."""
        before = self.managed
        kept = {
            name
            for name, spec in managed.signals.items()
            if managed.match == before.match
            and (old := before.signals.get(name)) is not None
            and (old.source, old.question) == (spec.source, spec.question)
        }
        self.series = {name: one for name, one in self.series.items() if name in kept}
        self.signals = {name: one for name, one in self.signals.items() if name in kept}

    def remember(self, memory: Memory, at: float, gap_s: float) -> None:
        """Take over what the journal knows; a gap of more than `gap_s` seconds ends the watch."""
        last = memory.last_tick
        self.changes = memory.changes
        self.learned = memory.learned
        self.overrides = memory.overrides
        self.recommended = memory.recommended
        # Like changes, none of them lies in the future.
        back = memory.returned.items()
        self.returned = {name: None if when is None else min(when, at) for name, when in back}
        if last is not None and self.recommended:
            # Only new segments are written; the newest one held until the last tick.
            newest = self.recommended[-1]
            until = max(newest.until, last)
            self.recommended = (
                *self.recommended[:-1],
                Recommended(newest.envelope, newest.since, until),
            )
        self.look_anew(at)
        if last is not None and 0 <= at - last <= gap_s:
            self.watched_since = memory.watched_since

    def look_anew(self, at: float) -> None:
        """After a gap or a jump of the clock: the watch begins anew, nothing lies in the future.

        A change that lay ahead would be cooled down for as long as the clock was wrong.
        """
        self.watched_since = None
        self.changes = tuple(replace(c, at=min(c.at, at)) for c in self.changes)
        self.recommended = tuple(
            replace(r, since=min(r.since, at), until=min(r.until, at)) for r in self.recommended
        )
        if self.read_at is not None:
            self.read_at = min(self.read_at, at)
        if self.startup.asked_at is not None and self.startup.asked_at > at:
            self.startup = StartupWatch()

    def keep_ages(self, jump: Jump) -> None:
        """The wall clock was set: what changed is as old as before."""
        self.changes = tuple(replace(c, at=jump.moved(c.at)) for c in self.changes)
        if self.unsure is not None:
            self.unsure = replace(self.unsure, at=jump.moved(self.unsure.at))

    def was_read(self, live: Live, at: float) -> Change | None:
        """Take a new reading; the change since the last one, if there was one."""
        change = self.found(live.envelope, at)
        self.live = live
        learned = self.startup.read(live.health, at, self.learned)
        if learned is not self.learned:
            self.learned, self.noted = learned, False
        return change

    def found(self, envelope: Envelope, at: float) -> Change | None:
        """Take over the envelope that the platform has; the change since the last reading, if any.

        It is somebody else's, unless it is what an own write of unknown end asked for.
        """
        change = None
        if self.read_at is not None and envelope != self.live.envelope:
            unsure, self.unsure = self.unsure, None
            ours = unsure is not None and is_outcome(envelope, self.live.envelope, unsure.after)
            if ours:
                self.arrived = unsure
            change = Change(at, self.live.envelope, envelope, foreign=not ours)
            self.changed(change)
        self.live, self.read_at = replace(self.live, envelope=envelope), at
        return change

    def changed(self, change: Change) -> None:
        """Remember a change; those of the last day and the newest are kept."""
        start = change.at - CHANGES_S
        self.changes = (*(c for c in self.changes if c.at >= start), change)

    def wanted(self, envelope: Envelope, at: float) -> None:
        """Remember what the policies wanted, as segments of equal wishes."""
        past = self.recommended
        if past and past[-1].envelope == envelope:
            last = Recommended(envelope, past[-1].since, at)
            self.recommended = (*past[:-1], last)
            return
        start = at - LOOK_BACK_S
        if past and past[0].until < start:
            past = tuple(segment for segment in past if segment.until >= start)
        self.recommended = (*past, Recommended(envelope, at, at))
        self.noted = False

    def observe(self, at: float) -> Observation:
        """Everything that a decision may depend on, now."""
        if self.watched_since is None and self.read_at is not None:
            self.watched_since = at
            self.noted = False
        managed, live = self.managed, self.live
        return Observation(
            at=at,
            deployment=managed.name,
            envelope=live.envelope,
            envelope_at=self.read_at or 0.0,
            health=live.health,
            limits=managed.limits,
            signals=dict(self.signals) if self.signals else NO_SIGNALS,
            changes=self.changes,
            recommended=self.recommended,
            overrides=self.overrides,
            learned=self.learned,
            mode=mode_at(managed.mode, self.overrides, at),
            resources=live.resources,
            native=live.native,
            watched_since=at if self.watched_since is None else self.watched_since,
            risks=self.foresight.risks() if self.foresight is not None else NO_RISKS,
            behind_since=self.startup.behind_since,
        )

    def watch_capacity(self, at: float) -> None:
        """Learn what one replica carries, where running and queued requests are both known."""
        spec = self.managed.capacity
        queued = self.signals.get(spec.queued)
        running = self.signals.get(spec.running) if queued is not None else None
        if queued is None or running is None or self.read_at is None:
            return
        live = self.live
        learned = self.carrying.look(at, running, queued, live.envelope, live.health, self.learned)
        if learned is not self.learned:
            self.learned, self.noted = learned, False

    def note(self, at: float) -> Note:
        """The state row to be written."""
        since = at if self.watched_since is None else self.watched_since
        return Note(self.managed.name, self.recommended, since, self.learned, self._away(at))

    def _away(self, at: float) -> tuple[tuple[str, float | None], ...]:
        """Signals without data, and those that came back within the longest look back."""
        found: dict[str, float | None] = dict(self.returned)
        for name, signal in self.signals.items():
            if name not in self.managed.signals:
                continue  # a forecast's: it comes back with what it is made of
            if isinstance(signal, Missing):
                found[name] = None
            elif signal.recovered_at is not None and signal.recovered_at > at - LOOK_BACK_S:
                found[name] = signal.recovered_at
        return tuple(sorted(found.items()))
