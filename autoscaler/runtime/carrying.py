"""What one replica really carries: how many requests it works on while others wait in a queue.

While requests wait, every replica works on as many as it can: running requests over replicas is
then what one carries, however many threads it has. It is taken as the least that ran throughout
a minute with a queue, long after the last change, so that a start-up or a burst teaches nothing.
The platform tells no replica count, so that each sight is an interval: between running over the
ceiling and running over the floor, and never more than the threads. What a queue that stands for
another reason would teach (a gateway that is down) is too low: readings of a deployment that is
not ready and healthy are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import (
    Capacity,
    Carried,
    Health,
    Learned,
    Missing,
    Signal,
)

# Enough for a median that one odd minute does not move.
KEPT = 20
SUSTAINED_S = 60.0
# Readings that a minute must have: one alone may be chance.
LEAST_READINGS = 3
# After a change nothing is taken for as long as a start takes, twice over; this when not learnt.
SETTLED_S = 240.0
# Older than this, running and queued requests do not tell of the same moment.
FRESH_S = 60.0
# Fewer than one request that waits is rounding of a mean.
STANDING = 1.0


@dataclass(slots=True)
class CapacityWatch:
    """Watches one deployment. Times are Unix seconds."""

    since: float | None = None
    least: float = 0.0
    readings: int = 0
    read_at: float = 0.0
    what: tuple[Envelope, str] | None = None
    same_since: float = 0.0

    def look(
        self,
        at: float,
        running: Signal,
        queued: Signal,
        envelope: Envelope,
        health: Health,
        learned: Learned,
    ) -> Learned:
        """One tick; what is learnt now, the same object when nothing is new."""
        what = envelope, health.model_version
        if what != self.what:
            self.what, self.same_since = what, at
        found = _under_a_queue(at, running, queued)
        settled = at - self.same_since >= max(SETTLED_S, 2 * (learned.startup_s or 0.0))
        if found is None or not settled or not (health.state == "ACTIVE" and health.is_ready):
            self.since = None
            return learned
        carried, sampled_at = found
        if self.since is None or at < self.since:
            self.since, self.least, self.readings, self.read_at = at, carried, 1, sampled_at
            return learned
        self.least = min(self.least, carried)
        self.readings += sampled_at > self.read_at
        self.read_at = sampled_at
        if at - self.since < SUSTAINED_S or self.readings < LEAST_READINGS:
            return learned
        self.since = None
        return with_sight(learned, self.least, envelope, health.model_version, at)


def with_sight(
    learned: Learned, running: float, envelope: Envelope, version: str, at: float
) -> Learned:
    """One more sight; those of another model version or thread count are forgotten."""
    threads, known = envelope.threads, learned.capacity
    same = (known.version, known.threads) == (version, threads)
    high = min(float(threads), running / max(1, envelope.min_replicas))
    low = min(high, running / max(1, envelope.max_replicas))
    seen = (*(known.seen if same else ()), Carried(low, high))[-KEPT:]
    return replace(learned, capacity=Capacity(version, threads, seen, at))


def _under_a_queue(at: float, running: Signal, queued: Signal) -> tuple[float, float] | None:
    """Running requests and when they were counted; None without a queue or without data."""
    if isinstance(running, Missing) or isinstance(queued, Missing):
        return None
    if not (running.complete and queued.complete) or queued.last < STANDING or running.last <= 0:
        return None
    if at - min(running.last_at, queued.last_at) > FRESH_S:
        return None
    return running.last, running.last_at
