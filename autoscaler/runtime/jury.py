"""Asks policies and keeps an eye on their time: no policy stops or slows the others for long.

A policy that is evaluated here cannot be stopped. Its time is measured; one that is slow is told,
counted and after some times left out (`runtime/quarantine.py`), and what one has used up of a tick
is not taken from the others. One that is kept apart is asked in its own process, under a deadline.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Abstain, Answer, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.ports import Clock, NotYet, Stopped, Workers
from autoscaler.runtime.quarantine import EVERYWHERE, Patience, Quarantine, Rest
from autoscaler.runtime.seat import Seat

log = structlog.get_logger(__name__)

# What one policy may use of a tick. A healthy one needs 0.3 s of 15 for 10,000 deployments.
SHARE = 0.5
LEAST_S = 2.0
# What those that are kept apart may use together before the tick goes on without them.
APART_SHARE = 0.3

Heard = tuple[PolicyEntry, Observation]


@dataclass(slots=True)
class Jury:
    """Everybody who is asked, over all ticks of a daemon. `overran` counts by what happened."""

    clock: Clock
    workers: Workers | None = None
    quarantine: Quarantine = field(default_factory=Quarantine)
    overran: Counter[str] = field(default_factory=Counter)

    def take(self, patience: Patience, workers: Workers | None) -> None:
        """Take another configuration's: whoever was left out is asked again."""
        self.quarantine, self.workers = Quarantine(patience), workers

    def prepare(self, seats: Iterable[Seat]) -> None:
        """Have the processes started in which policies of these deployments are evaluated."""
        entries = (entry for seat in seats for entry in seat.managed.policies)
        kinds = {entry.apart.kind for entry in entries if entry.apart is not None}
        if self.workers is not None and kinds:
            self.workers.begin(sorted(kinds))

    def sit(self, interval_s: float) -> Sitting:
        """One tick, of a group that ticks every `interval_s` seconds."""
        return Sitting(self, max(LEAST_S, interval_s * SHARE), interval_s * APART_SHARE)

    def left_out(self) -> int:
        """How many policies are left out now, everywhere or for one deployment."""
        return self.quarantine.count(self.clock.monotonic())

    def strike(self, how: str, policy: str, deployment: str, why: str) -> None:
        """A policy was slow, or had to be stopped (`how`)."""
        self.overran[how] += 1
        rest = self.quarantine.strike(policy, deployment, self.clock.monotonic(), why)
        log.warning("a policy overran", policy=policy, deployment=deployment, why=why)
        if rest is not None:
            log.warning("a policy is left out", policy=policy, why=why, seconds=round(rest.seconds))


@dataclass(slots=True)
class Sitting:
    """Asks for one tick; what one policy may use of it, and those apart together, in seconds."""

    jury: Jury
    share_s: float
    apart_s: float
    _used: dict[str, float] = field(default_factory=dict)
    _apart: dict[tuple[str, str], Answer] = field(default_factory=dict)

    async def hear(self, asked: Iterable[Heard]) -> None:
        """Ask those that are kept apart, each kind for itself; `ask` then has their answers."""
        kinds: dict[str, list[Heard]] = {}
        for entry, seen in asked:
            if entry.apart is not None and entry.applies(seen):
                kinds.setdefault(entry.apart.kind, []).append((entry, seen))
        if kinds:
            until = self.jury.clock.monotonic() + self.apart_s
            await asyncio.gather(*(self._one_kind(each, until) for each in kinds.values()))

    def ask(self, entry: PolicyEntry, seen: Observation) -> Answer:
        """Satisfies `core.decide.Ask`."""
        clock, quarantine = self.jury.clock, self.jury.quarantine
        name, began = entry.name, clock.monotonic()
        if (told := self._apart.get((name, seen.deployment))) is not None:
            return entry.ask(seen, lambda _: told)
        if quarantine.resting:
            rest = quarantine.left_out(of(entry), seen.deployment, began)
            if rest is not None:
                return _left_out(rest, rest.until - began)
        if entry.apart is not None:
            return entry.ask(seen, lambda _: UNHEARD)
        used = self._used.get(name, 0.0)
        if used > self.share_s:
            return _used_up(used)
        answer = entry.ask(seen)
        took = clock.monotonic() - began
        self._used[name] = used + took
        if took > quarantine.patience.slow_s:
            why = f"one evaluation took {took:.2f} s"
            self.jury.strike("slow", of(entry), seen.deployment, why)
        if used + took > self.share_s:
            why = f"it used {used + took:.1f} s of one tick"
            self.jury.strike("slow", of(entry), EVERYWHERE, why)
        return answer

    async def _one_kind(self, asked: Iterable[Heard], until: float) -> None:
        for entry, seen in asked:
            now = self.jury.clock.monotonic()
            if self.jury.quarantine.left_out(of(entry), seen.deployment, now):
                continue
            self._apart[entry.name, seen.deployment] = await self._one(entry, seen, until)

    async def _one(self, entry: PolicyEntry, seen: Observation, until: float) -> Answer:
        workers = self.jury.workers
        if workers is None or entry.apart is None:
            return UNHEARD
        if self.jury.clock.monotonic() > until:
            self.jury.overran["late"] += 1
            return _used_up(self.apart_s)
        try:
            return await workers.ask(entry.apart, seen)
        except NotYet as wait:
            return Abstain(because(Code.POLICY_STARTING, "it is not asked: {why}", why=str(wait)))
        except Stopped as end:
            self.jury.strike("stopped", of(entry), seen.deployment, str(end))
            return Abstain(because(Code.POLICY_HUNG, "the policy was stopped: {why}", why=str(end)))


def of(entry: PolicyEntry) -> str:
    """A policy's name and kind: two groups may use one name for two things."""
    return f"{entry.name} ({type(entry.policy).__name__})"


UNHEARD = Abstain(because(Code.POLICY_STARTING, "it is not asked: no process evaluates it here"))


def _used_up(seconds: float) -> Abstain:
    return Abstain(
        because(
            Code.POLICY_SLOW,
            "it is not asked: it has used {used:.1f} s of this tick already",
            used=seconds,
        )
    )


def _left_out(rest: Rest, left: float) -> Abstain:
    return Abstain(
        because(
            Code.POLICY_QUARANTINED,
            "it is left out for {left:span} ({why})",
            left=left,
            why=rest.why,
        )
    )
