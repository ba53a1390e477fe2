"""How long a deployment takes to start: from the write that asked for more to ready again.

The platform tells no replica count, only a state. A raise is therefore timed when the readings
after it show the deployment unsettled (STARTING or DEGRADED, or not ready) and then settled
again. A raise that never unsettles it teaches nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from autoscaler.core.observation import Health, Learned

# Enough for a 95th percentile to be the largest but none: a start-up is rare.
KEPT = 20
SHARE = 0.95
# Longer than this is no start-up but a quota or a failure.
LONGEST_S = 3600.0


@dataclass(slots=True)
class StartupWatch:
    """Times one start-up after another. Times are Unix seconds."""

    asked_at: float | None = None
    unsettled: bool = False
    behind_since: float | None = None
    """Since when more was asked for that is not ready, however long that takes."""

    def raised(self, at: float) -> None:
        """More replicas were asked for; a second raise on the way does not restart the watch."""
        if self.asked_at is None:
            self.asked_at, self.unsettled = at, False

    def read(self, health: Health, at: float, learned: Learned) -> Learned:
        """A reading arrived; what is learnt now, the same object when nothing is new."""
        ready = health.state == "ACTIVE" and health.is_ready
        if ready:
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = self.asked_at
        if self.asked_at is None:
            return learned
        took = at - self.asked_at
        if took > LONGEST_S:
            self.asked_at = None
            return learned
        if not ready:
            self.unsettled = True
            return learned
        if not self.unsettled:
            return learned
        self.asked_at = None
        return with_startup(learned, took, health.model_version)


def with_startup(learned: Learned, took_s: float, version: str) -> Learned:
    """One more start-up time; those of another model version are forgotten."""
    known = learned.startups if learned.startups_of == version else ()
    startups = (*known, took_s)[-KEPT:]
    return replace(
        learned, startups=startups, startups_of=version, startup_s=percentile(startups, SHARE)
    )


def percentile(values: tuple[float, ...], share: float) -> float:
    """The nearest-rank percentile of at least one value; `share` in 0..1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
