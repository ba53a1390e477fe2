"""Policy sets that are watched while they run: what they asked for, what came of it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.lab.backtest import PolicySet, World
from autoscaler.lab.backtest.ours import Ours, PolicyScaler
from autoscaler.lab.backtest.simulate import Scaler, Sight

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """One decision in words, at a step of the simulation."""

    step: int
    before: Envelope
    after: Envelope
    lines: tuple[str, ...]


@dataclass(slots=True)
class Track:
    """One run of one policy set: its wishes by step, and its decisions while it mattered."""

    wishes: list[tuple[int, int, int]] = field(default_factory=list)
    """Step, floor and ceiling, whenever one of them changed."""
    decisions: list[Told] = field(default_factory=list)
    sight: Sight | None = None
    explained: bool = False

    def asked(self, step: int, envelope: Envelope, sight: Sight) -> None:
        """Remember an answer when it is a new one."""
        self.sight = sight
        wish = envelope.min_replicas, envelope.max_replicas
        if not self.wishes or self.wishes[-1][1:] != wish:
            self.wishes.append((step, *wish))

    def envelope(self, start: int, end: int) -> tuple[Ints, Ints]:
        """Floor and ceiling of every step in start..end."""
        steps = np.asarray([step for step, _, _ in self.wishes])
        rows = np.searchsorted(steps, np.arange(start, end), side="right") - 1
        wishes = np.asarray([(floor, roof) for _, floor, roof in self.wishes], dtype=np.int64)
        found = wishes[np.maximum(rows, 0)]
        return found[:, 0], found[:, 1]

    def seen(self, start: int) -> tuple[Floats, Ints]:
        """Load and ready replicas from step `start` on."""
        if self.sight is None:
            return np.zeros(0), np.zeros(0, dtype=np.int64)
        return np.asarray(self.sight.load[start:]), np.asarray(self.sight.ready[start:])


class Watched:
    """Any scaler, with its answers written down."""

    def __init__(self, scaler: Scaler, track: Track) -> None:
        self._scaler = scaler
        self._track = track
        self._first = Envelope(0, 0, 1)

    @property
    def every_s(self) -> float:
        """The scaler's own interval."""
        return self._scaler.every_s

    def prepare(self, past: Sequence[float], world: World) -> int:
        """The scaler's own first wish."""
        first = self._scaler.prepare(past, world)
        self._first = Envelope(first, max(first, world.most), world.threads)
        return first

    def look(self, step: int, sight: Sight) -> Envelope:
        """The scaler's own answer; its first wish as long as nothing was seen at all."""
        envelope = self._scaler.look(step, sight) if sight.load else self._first
        self._track.asked(step, envelope, sight)
        return envelope


class WatchedPolicies(PolicyScaler):
    """Our policies, with the decisions that changed something or should have.

    `decide` is pure: what it was shown is enough to ask it again and tell why. It is asked
    again only where somebody will want to know, that is at changes and while work finds no room.
    """

    def __init__(self, ours: Ours, track: Track) -> None:
        self._eye = Eye()
        self._track = track
        self._mine = ours
        super().__init__(replace(ours, guards=(self._eye, *ours.guards)))
        track.explained = True

    def look(self, step: int, sight: Sight) -> Envelope:
        """Decide as ever; write it down."""
        envelope = super().look(step, sight) if sight.load else self._envelope
        self._track.asked(step, envelope, sight)
        seen = self._eye.seen
        short = bool(sight.load) and sight.load[-1] > sight.ready[-1]
        if seen is not None and (short or seen.envelope != envelope):
            plan = decide(seen, self._mine.policies, self._mine.guards)
            self._track.decisions.append(Told(step, plan.before, plan.after, lines_of(plan)))
        return envelope


@dataclass(slots=True)
class Eye:
    """A guard that shapes nothing and remembers what was seen last."""

    seen: Observation | None = None

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan as it is."""
        self.seen = seen
        return plan


def watched(policy_set: PolicySet, tracks: list[Track]) -> PolicySet:
    """The set under its own name; every run of it appends its track to `tracks`."""

    def make() -> Scaler:
        track = Track()
        tracks.append(track)
        scaler = policy_set.make()
        if isinstance(scaler, PolicyScaler):
            return WatchedPolicies(scaler.ours, track)
        return Watched(scaler, track)

    return PolicySet(policy_set.name, make)


def lines_of(plan: Plan) -> tuple[str, ...]:
    """What was said and what became of it, a line each."""
    said = [f"{vote.policy}: {vote.answer.reason}" for vote in plan.votes if not vote.shadow]
    moves = [str(step) for step in plan.trail]
    held = [f"held by {plan.hold.by}: {plan.hold.reason}"] if plan.hold else []
    return (*said, *moves, *held)
