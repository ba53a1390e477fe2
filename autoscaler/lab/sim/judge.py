"""A PUT in the moment in which it leaves: judged by what the world saw and the journal holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from autoscaler.core.envelope import Envelope
from autoscaler.lab.sim.fleet import (
    BURST,
    COOLDOWN_S,
    GRACE_S,
    JOBS,
    RATE,
    TARGET,
    THREADS_COOLDOWN_S,
    Member,
)
from autoscaler.lab.sim.record import DIALS, Put, envelope_of, rest_of
from autoscaler.lab.sim.witness import Row, Witness, of

# A store that answers is asked right before a PUT leaves; one that does not cannot say more than
# it did when the plan was made, and that is at most so old.
STOP_S, STORE_S = 1.5, 31.0
# Between the tick that read the signals and the last PUT of its plans.
TICK_S = 45.0
# The daemon counts the grace from the moment at which an answer came.
SLACK_S = 15.0
# The plan may wait for 30 s, and is asked for its age right before it leaves.
OLD_S = 31.0
DROP_SHARE = 0.20
# A wish to lower counts once it was the highest for so long.
STEADY_S = 300.0
PAID = 30 * RATE
SMALLEST = 10

Trail = list[dict[str, Any]]
"""The steps of a plan, as the journal has them."""


@dataclass(slots=True)
class Judge:
    """The invariants of a request."""

    witness: Witness
    _used: dict[str, list[Put]] = field(default_factory=dict)
    _lowered: dict[str, set[str]] = field(default_factory=dict)
    """By tick, who was lowered in it."""
    _bucket: float = BURST
    _filled: float = 0.0

    @property
    def _now(self) -> float:
        return self.witness.world.now

    def _found(self, invariant: str, sentence: str) -> None:
        self.witness.world.found(invariant, sentence)

    def forget(self, before: float) -> None:
        """Let go of what left before `before`: for runs that watch the memory of a month."""
        self._used = {
            key: puts for key, puts in self._used.items() if any(put.left > before for put in puts)
        }
        self._lowered.clear()
        self.witness.record.forget(before)

    # --- a request leaves -------------------------------------------------------------------

    def request_left(self) -> None:
        """The pace holds: a bucket of `BURST` that fills with `RATE` a second, anew per process."""
        now = self._now
        if self._filled < self.witness.lives.since:
            self._bucket = BURST
        self._bucket = min(float(BURST), self._bucket + (now - self._filled) * RATE) - 1
        self._filled = now
        # A turn is given out up to 30 s ahead; those of a time without a step leave together.
        if self._bucket < -PAID:
            self._found("pace", f"{-self._bucket:.0f} requests more than the pace allows")
            self._bucket = 0.0

    # --- a PUT leaves -----------------------------------------------------------------------

    def put_left(self, put: Put) -> None:
        """Judge it."""
        member = self.witness.fleet.member(put.rid)
        if member is None:
            self._found("stranger", f"a PUT to {put.rid}, which nobody asked for")
            return
        intent = self._intended(put)
        try:
            after = put.after
        except (KeyError, TypeError, ValueError) as error:
            self._found("legal", f"{member.name}: the envelope cannot be ({error!r})")
            return
        self._whole(put, member)
        self._limited(put, member, after)
        self._unstopped(member, brake=False)
        if put.told is not None and intent is not None:
            before, trail = _dials(intent, "before"), json.loads(intent["body"])["plan"]["trail"]
            self._current(put, intent, before, member)
            self._reasoned(put, trail, before, member)
            self._lowering(put, trail, before, member)

    def _intended(self, put: Put) -> Row | None:
        found = self.witness.rows(
            "SELECT * FROM intent WHERE rid = ? ORDER BY rowid DESC LIMIT 1", put.rid
        )
        if not found or found[0]["state"] != "open":
            state = found[0]["state"] if found else "none at all"
            self._found("intent", f"a PUT to {put.rid[-8:]} without an open intent: {state}")
            return None
        intent = found[0]
        put.intent = intent["decision_id"]
        before = self._used.setdefault(put.intent, [])
        if any(not _refused(one) for one in before):
            self._found("twice", f"a second PUT for the intent {put.intent}")
        if any(one.after == put.after and one.known != 401 for one in before):  # noqa: PLR2004 - an expired token
            self._found("again", f"the body that was refused is sent again: {put.intent}")
        before.append(put)
        return intent

    def _whole(self, put: Put, member: Member) -> None:
        if put.told is not None and rest_of(put.told) != rest_of(put.raw):
            self._found("whole", f"{member.name}: a field of the configuration got lost")
        if put.state == "DISABLED":
            self._found("disabled", f"{member.name} is disabled, and is written to")

    def _limited(self, put: Put, member: Member, after: Envelope) -> None:
        known = self.witness.record.threads.get(put.rid)
        if known is not None and after.threads > known and not self._forgot(put.rid):
            self._found("threads", f"{member.name}: {after.threads} of at most {known}")
        if not any(_fits(put, after, said) for said in self._said(member)):
            self._found("limits", f"{member.name}: {after} is beyond every limit")
        if all(said.mode == "recommend" or not said.managed for said in self._said(member)):
            self._found("mode", f"{member.name} is only to be recommended for")

    def _forgot(self, _rid: str) -> bool:
        # A maximum that was learnt right before a crash may not have reached the journal.
        return self._now - self.witness.lives.since < COOLDOWN_S

    def _said(self, member: Member) -> list[Member]:
        """What the configuration may say at the moment: the present one, or one just replaced."""
        start = self._now - TICK_S
        return [one.member for one in self.witness.said.get(member.name, ()) if one.until >= start]

    def _unstopped(self, member: Member, *, brake: bool) -> None:
        """No pause, or no brake for a lowering, was acknowledged long enough ago to be known."""
        stop = self.witness.record.stopped(member.name, member.group, self._now, brake=brake)
        troubled = self._now - self.witness.world.store_ill_at < STORE_S
        late = 0.0 if stop is None else self._now - stop.since
        if stop is not None and late > (STORE_S if troubled else STOP_S):
            kind = "brake" if brake else "pause"
            self._found(kind, f"{member.name}: a PUT {late:.1f} s after a {kind} of {stop.scope}")

    def _current(self, put: Put, intent: Row, before: Envelope, member: Member) -> None:
        """It was made for what the daemon was told last, and not long ago."""
        if put.told is not None and envelope_of(put.told) != before:
            told = f"{member.name}: made for {before}, but it is {envelope_of(put.told)}"
            self._found("overwrites", told)
        old = self.witness.world.wall - intent["at"]
        if old > OLD_S and self._now - self.witness.world.wall_set_at > old:
            self._found("old", f"{member.name}: a plan of {old:.0f} s ago is written")

    # --- why, and whether it may be lowered -------------------------------------------------

    def _reasoned(self, put: Put, trail: Trail, before: Envelope, member: Member) -> None:
        after = put.after
        for place, name in enumerate(("min_replicas", "max_replicas", "threads")):
            value = (before.min_replicas, before.max_replicas, before.threads)[place]
            aim = (after.min_replicas, after.max_replicas, after.threads)[place]
            for step in trail:
                if step["dial"] == name and step["before"] == value and step["reason"]["sentence"]:
                    value = step["after"]
            learnt = name == "threads" and aim == self.witness.record.threads.get(put.rid)
            if value != aim and not learnt:
                self._found("reason", f"{member.name}: {name} moves to {aim} for no reason")

    def _lowering(self, put: Put, trail: Trail, before: Envelope, member: Member) -> None:
        assert put.told is not None  # noqa: S101 - asked for by the caller
        down = [dial for dial in DIALS if put.raw[dial] < of(before, dial)]
        free = [dial for dial in down if not self._by_limit(put, dial, member)]
        if not free:
            return
        told = f"{member.name}: {', '.join(free)} lowered"
        if put.state != "ACTIVE":
            self._found("health", f"{told} while it is {put.state}")
        if any(said.mode == "raise_only" for said in self._said(member)) and not any(
            said.mode == "apply" for said in self._said(member)
        ):
            self._found("raise_only", told)
        self._unstopped(member, brake=True)
        misled = _counted(trail) and self._misled(put.after, before.threads, member)
        self._seen(told, member, misled=misled)
        for dial in free:
            since = self._now - self.witness.moved.get((put.rid, dial), -1e9)
            pause = THREADS_COOLDOWN_S if dial == "threadCount" else COOLDOWN_S
            if since < pause - TICK_S and not self._out_of_time(self._now - since):
                self._found("cooldown", f"{told}: {dial} moved {since:.0f} s ago")
        self._together(put, member)

    def _out_of_time(self, moved: float) -> bool:
        """Whether a clock was put forward, and the process began anew, since a dial moved.

        When nobody was there to see the jump, or the journal could not be told of it, a new process
        has no other clock by which it could tell that the change is younger. What a running daemon
        saw it has put right; those jumps are excused as well, for they are not told apart here.
        """
        world, lives = self.witness.world, self.witness.lives
        return world.wall_forward_at > moved and lives.since > moved

    def _by_limit(self, put: Put, dial: str, member: Member) -> bool:
        """Whether a limit of the user, or the platform's maximum, lowers this dial."""
        value = put.raw[dial]
        if dial == "threadCount":
            return bool(value == self.witness.record.threads.get(put.rid))
        return any(value in (said.replicas[1], said.most[1]) for said in self._said(member))

    def _seen(self, told: str, member: Member, *, misled: bool) -> None:
        """Every input of the newest look was there, true, whole, and has been for the grace.

        A lie about the jobs counts only when it has `misled` the daemon.
        """
        for signal in self._signals(member):
            for part in ("value", "age"):
                history = self.witness.record.served.get((signal, member.group, part), ())
                latest = history[-1] if history else None
                if latest is None or self._now - latest.asked > TICK_S:
                    self._found("blind", f"{told}, nobody asked for {signal}")
                elif not latest.tells(member.name) or (
                    latest.lies(member.name) and (misled or signal != JOBS)
                ):
                    self._found("blind", f"{told}, {signal} was not known ({part})")
                elif latest.partial:
                    self._found("partial", f"{told}, {signal} may have been partial")
                else:
                    self._recovered(told, member, signal, part)

    def _misled(self, after: Envelope, threads: int, member: Member) -> bool:
        """Whether a lie of zero jobs lowers it below what the truth needs that was told before.

        What counts is the truth of the last five minutes, for which no wish to lower is granted
        yet, and that of the newest look at all without a lie. `threads` are those of before.
        """
        looks = self.witness.record.served.get((JOBS, member.group, "value"), ())
        told = [one.asked for one in looks if one.tells(member.name) and not one.lies(member.name)]
        recent = [at for at in told if at > self._now - STEADY_S] or told[-1:]
        peak = max((self.witness.fleet.jobs(member.name, at) for at in recent), default=0.0)
        # Policies count with the threads of before, also where fewer are wished for.
        needed = min(ceil(peak / (threads * TARGET)), member.replicas[1])
        return after.min_replicas < needed

    def _recovered(self, told: str, member: Member, signal: str, part: str) -> None:
        start = max(self._now - GRACE_S + SLACK_S, self.witness.lives.since)
        for served in self.witness.record.served[signal, member.group, part]:
            if served.asked >= start and not served.tells(member.name):
                ago = self._now - served.asked
                self._found("grace", f"{told}, {signal} was away {ago:.0f} s ago ({part})")
                return

    def _signals(self, member: Member) -> tuple[str, ...]:
        said = [one.signals for one in self._said(member)]
        return min(said, key=len) if said else member.signals

    def _together(self, put: Put, member: Member) -> None:
        """No tick lowers more of a group than the fleet's rails allow."""
        tick = f"{member.group}/{put.intent.rpartition('-')[0]}"
        lowered = self._lowered.setdefault(tick, set())
        lowered.add(member.name)
        fleet = self.witness.fleet.members
        size = sum(one.group == member.group and one.managed for one in fleet)
        # Three may have left or come with a reload in between.
        if size >= SMALLEST + 3 and len(lowered) > DROP_SHARE * (size + 3):
            told = f"{len(lowered)} of {size} were lowered in one tick"
            self._found("together", told)


def _fits(put: Put, after: Envelope, said: Member) -> bool:
    """Whether every dial that moves is within the limits; one that stays may be beyond them."""
    old = envelope_of(put.told) if put.told is not None else after
    low = after.min_replicas == old.min_replicas or (
        said.replicas[0] <= after.min_replicas <= said.replicas[1]
    )
    high = after.max_replicas == old.max_replicas or (
        said.most[0] <= after.max_replicas <= said.most[1]
    )
    return said.managed and low and high


def _counted(trail: Trail) -> bool:
    """Whether a dial is lowered because of the load, not because a policy in a mood wants it."""
    return any(step["by"] == "load" and step["after"] < step["before"] for step in trail)


def _refused(put: Put) -> bool:
    """Whether the platform certainly did nothing, and the daemon knew."""
    return put.maximum is not None or put.known == 401  # noqa: PLR2004 - an expired token


def _dials(intent: Row, when: str) -> Envelope:
    return Envelope(
        *(intent[f"{when}_{dial}"] for dial in ("min_replicas", "max_replicas", "threads"))
    )
