"""Before, after and the trail between them. A plan lives for one tick and is never queued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.core.proposal import Answer
from autoscaler.core.reason import Reason
from autoscaler.core.words import dial as said


@dataclass(frozen=True, slots=True)
class Step:
    """One move of one dial, by whom and why."""

    dial: Dial
    before: int
    after: int
    by: str
    reason: Reason

    def __str__(self) -> str:
        return f"{said(self.dial.value)} {self.before} -> {self.after} by {self.by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Hold:
    """A full stop: nothing changes this tick."""

    by: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Vote:
    """What one policy entry said."""

    policy: str
    answer: Answer
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What should become of one deployment's envelope.

    `wanted` is what the policies wanted before any guard; `hold` is terminal.
    """

    before: Envelope
    after: Envelope
    wanted: Envelope
    votes: tuple[Vote, ...] = ()
    trail: tuple[Step, ...] = ()
    hold: Hold | None = None

    @property
    def moves(self) -> bool:
        """Whether anything would change."""
        return self.after != self.before

    @property
    def shaped_by(self) -> tuple[str, ...]:
        """The guards that changed or held it, in their order.

        The draft leaves one step for each dial that the policies moved; what follows is of
        guards. A policy may carry a guard's name, so they are told apart by place.
        """
        if self.hold is None and not self.trail:
            return ()
        drafted = sum(self.before[dial] != self.wanted[dial] for dial in DIALS)
        names = [step.by for step in self.trail[drafted:]]
        if self.hold is not None:
            names.append(self.hold.by)
        return tuple(dict.fromkeys(names))

    def move(self, to: Envelope, by: str, why: Callable[[Dial], Reason] | Reason) -> Plan:
        """The plan with another `after`; each dial that moved gets its step in the trail."""
        if to == self.after or self.hold:
            return self
        steps = list(self.trail)
        for dial in DIALS:
            before, after = self.after[dial], to[dial]
            if before != after:
                reason = why if isinstance(why, Reason) else why(dial)
                steps.append(Step(dial, before, after, by, reason))
        return replace(self, after=to, trail=tuple(steps))

    def held(self, by: str, reason: Reason) -> Plan:
        """The plan stopped: nothing changes, no later guard is asked."""
        if self.hold:
            return self
        stopped = self.move(self.before, by, reason)
        return replace(stopped, hold=Hold(by, reason))

    def not_below(self, by: str, why: Callable[[Dial], Reason] | Reason) -> Plan:
        """The plan without any lowering: each dial at least where it is now."""
        before, after = self.before, self.after
        if (
            after.min_replicas >= before.min_replicas
            and after.max_replicas >= before.max_replicas
            and after.threads >= before.threads
        ):
            return self
        raised = Envelope(
            max(before.min_replicas, after.min_replicas),
            max(before.max_replicas, after.max_replicas),
            max(before.threads, after.threads),
        )
        return self.move(raised, by, why)
