"""What one decision after the other adds up to: compute, hands of others, floors not yet ready."""

from __future__ import annotations

from autoscaler.core.cost import Unpriced, replica_rate
from autoscaler.core.decision import Decision, Kind
from autoscaler.telemetry.readings import current, unread

# Between two decisions farther apart nobody watched, so nothing is counted.
GAP_S = 3600.0
# A platform that was asked for more may call itself ready a while longer, before it begins.
BEGINS_S = 60.0
# A raise that is older when the daemon starts is not waited for any more.
OLDEST_S = 3600.0


def spent(before: Decision, now: Decision) -> float:
    """Compute-seconds of the guaranteed replicas between two decisions; 0 without a rate."""
    took = now.at - before.at
    rate = replica_rate(before.seen.resources)
    if not 0 < took <= GAP_S or isinstance(rate, Unpriced) or unread(before):
        return 0.0
    return rate * current(before).min_replicas * took


def hands(before: Decision, now: Decision) -> int:
    """Changes by others that were found between two decisions."""
    if now.seen.changes is before.seen.changes:
        return 0
    newest = max((c.at for c in before.seen.changes if c.foreign), default=float("-inf"))
    return sum(c.foreign and c.at > newest for c in now.seen.changes)


def settled(decision: Decision) -> bool:
    """Whether the platform calls the deployment active and ready."""
    health = decision.seen.health
    return health.state == "ACTIVE" and health.is_ready


def waiting(since: float | None, now: Decision) -> float | None:
    """When the floor was raised that is waited for after this decision; `since` it was before."""
    if now.outcome.kind is Kind.APPLIED:
        raised = current(now).min_replicas > now.plan.before.min_replicas
        return now.at if raised and since is None else since
    if since is not None and settled(now) and now.seen.envelope_at > since + BEGINS_S:
        return None
    return since


def raised_before(first: Decision) -> float | None:
    """The last raise of the floor that the journal remembers, when it may still be waited for."""
    for change in reversed(first.seen.changes):
        if not change.foreign and change.after.min_replicas > change.before.min_replicas:
            return change.at if first.at - change.at <= OLDEST_S else None
    return None
