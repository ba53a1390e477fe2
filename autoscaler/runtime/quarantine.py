"""Policies that are not asked for a while, because they took too long too often.

A policy that is slow with one deployment alone is left out there; one that is slow with several is
left out everywhere. After its rest it is asked again, and one more slowness sends it back for
twice as long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# Slowness that lies farther apart is none of the policy.
WINDOW_S = 600.0
LONGEST_REST_S = 3600.0
# So long after its release a policy counts as well again.
TRIAL_S = 3600.0
EVERYWHERE = ""

Subject = tuple[str, str]
"""A policy and a deployment, or `EVERYWHERE`."""


@dataclass(frozen=True, slots=True)
class Patience:
    """From how many seconds on an evaluation is slow, how often it may be, and the first rest."""

    slow_s: float = 0.5
    after: int = 3
    rest_s: float = 300.0


PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when (monotonic seconds) a policy is left out, for how long, and why."""

    until: float
    seconds: float
    why: str


@dataclass(slots=True)
class Quarantine:
    """Counts strikes; all times are monotonic seconds."""

    patience: Patience = PATIENT
    resting: dict[Subject, Rest] = field(default_factory=dict)
    """Those that are left out now, and those that were lately."""
    _strikes: dict[Subject, deque[float]] = field(default_factory=dict)

    def left_out(self, policy: str, deployment: str, now: float) -> Rest | None:
        """Why this policy is not asked about this deployment now; None when it is."""
        if not self.resting:
            return None
        for subject in ((policy, EVERYWHERE), (policy, deployment)):
            rest = self.resting.get(subject)
            if rest is not None and now < rest.until:
                return rest
        return None

    def strike(self, policy: str, deployment: str, now: float, why: str) -> Rest | None:
        """It was slow or had to be stopped; the rest that this brings it, None when none yet."""
        self._forget(now)
        mine = self._strikes.setdefault((policy, deployment), deque())
        mine.append(now)
        struck = sum(1 for one, _ in self._strikes if one == policy)
        everywhere = deployment != EVERYWHERE and struck >= self.patience.after > 1
        for subject, enough in (
            ((policy, EVERYWHERE), everywhere),
            ((policy, deployment), len(mine) >= self._patience_with((policy, deployment))),
        ):
            if enough:
                return self._send(subject, now, why)
        return None

    def count(self, now: float) -> int:
        """How many are left out now."""
        return sum(now < rest.until for rest in self.resting.values())

    def _patience_with(self, subject: Subject) -> int:
        on_trial = subject in self.resting or (subject[0], EVERYWHERE) in self.resting
        return 1 if on_trial else self.patience.after

    def _send(self, subject: Subject, now: float, why: str) -> Rest:
        before = self.resting.get(subject)
        seconds = self.patience.rest_s
        if before is not None:
            seconds = min(max(LONGEST_REST_S, seconds), 2 * before.seconds)
        rest = self.resting[subject] = Rest(now + seconds, seconds, why)
        for one in [s for s in self._strikes if s[0] == subject[0]]:
            if subject[1] in {EVERYWHERE, one[1]}:
                del self._strikes[one]
        return rest

    def _forget(self, now: float) -> None:
        for subject, strikes in list(self._strikes.items()):
            while strikes and strikes[0] < now - WINDOW_S:
                strikes.popleft()
            if not strikes:
                del self._strikes[subject]
        for subject, rest in list(self.resting.items()):
            if now >= rest.until + TRIAL_S:
                del self.resting[subject]
