"""One deployment in the fleet's table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from autoscaler.core.cost import Unpriced, replica_rate
from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Limits, Missing, Series
from autoscaler.core.reason import Code
from autoscaler.roster import Managed
from autoscaler.web.view.chips import chip, limiting
from autoscaler.web.view.words import Stored, holds, override_json, seen_words

Row = dict[str, Any]

# Holds that somebody asked for. Any other hold wants to be looked at.
ASKED_FOR = frozenset({Code.MODE_OBSERVE, Code.PAUSED, Code.PINNED, Code.CONDITION_FALSE})
MOVING = frozenset({Kind.APPLIED, Kind.RECOMMENDED})
HOUR_S = 3600.0


class Edge(Protocol):
    """A moment at which a calendar changes its mind."""

    at: float
    window: str
    opens: bool


@runtime_checkable
class Foreseeing(Protocol):
    """A policy that knows when it will say something else."""

    def next_event(self, at: float) -> Edge | None:
        """The next such moment after `at`, Unix seconds."""
        ...


def row(
    decision: Decision,
    managed: Managed | None = None,
    words: Sequence[Stored] | None = None,
    event: Row | None = None,
) -> Row:
    """One deployment in the fleet's table; `words` are the overrides that hold for it now."""
    seen, plan, outcome = decision.seen, decision.plan, decision.outcome
    told = not unread(decision)
    said = seen_words(decision) if words is None else words
    now = outcome.actual or seen.envelope
    load = _load(decision, managed)
    return {
        "name": decision.deployment,
        "group": decision.group,
        "mode": decision.mode.value,
        "configured_mode": (managed.mode if managed else decision.mode).value,
        "state": seen.health.state if told else None,
        "ready": seen.health.is_ready if told else None,
        "status": chip(decision, said),
        **_steered(said),
        "load": load,
        "load_share": _share(load, now) if told else None,
        "current": envelope_json(now) if told else None,
        "desired": envelope_json(plan.after) if told else None,
        "limits": limits_json(seen.limits),
        "outcome": outcome.kind.value,
        "reason": outcome.reason.code.value,
        "why": decision.headline(),
        "limited_by": limiting(plan),
        "decision": decision.id,
        "decided_at": decision.at,
        "changed_at": _changed_at(decision),
        "sample_at": load["at"] if load else None,
        "next_event": event,
        "cost_per_hour": cost_per_hour(decision) if told else None,
        "risk": risk(managed),
        "attention": attention(decision),
    }


def waiting(managed: Managed, words: Sequence[Stored] = ()) -> Row:
    """The row of a deployment that was never decided upon."""
    empty = dict.fromkeys(
        (
            *("state", "ready", "load", "load_share", "current", "desired", "outcome", "reason"),
            *("limited_by", "decision", "decided_at", "changed_at", "sample_at", "next_event"),
            "cost_per_hour",
        )
    )
    return {
        "name": managed.name,
        "group": managed.group,
        "mode": managed.mode.value,
        "configured_mode": managed.mode.value,
        "status": "waiting",
        **_steered(words),
        "limits": limits_json(managed.limits),
        "why": "waits for its first tick",
        "risk": risk(managed),
        "attention": False,
        **empty,
    }


def _steered(words: Sequence[Stored]) -> Row:
    return {
        "paused": holds(words, "pause"),
        "braked": holds(words, "brake"),
        "overridden": holds(words, "pin", "floor", "mode"),
        "overrides": [override_json(one) for one in words],
    }


def attention(decision: Decision) -> bool:
    """Whether somebody should look: it failed, it is blind, or it stands still unasked."""
    outcome = decision.outcome
    if outcome.kind in {Kind.FAILED, Kind.REFUSED}:
        return True
    if outcome.kind is Kind.HELD and outcome.reason.code not in ASKED_FOR:
        return True
    return any(isinstance(signal, Missing) for signal in decision.seen.signals.values())


def next_event(managed: Managed, at: float) -> Row | None:
    """The first moment after `at` at which one of its calendars opens or closes a window."""
    events = [
        (edge.at, entry.name, edge)
        for entry in managed.policies
        if isinstance(entry.policy, Foreseeing)
        and (edge := entry.policy.next_event(at)) is not None
    ]
    if not events:
        return None
    when, name, edge = min(events, key=lambda one: one[:2])
    does = "opens" if edge.opens else "closes"
    return {"at": when, "text": f"{edge.window} of {name} {does}"}


def cost_per_hour(decision: Decision) -> float | None:
    """Compute-seconds per hour of the guaranteed replicas; None where no rate is known."""
    rate = replica_rate(decision.seen.resources)
    if isinstance(rate, Unpriced):
        return None
    now = decision.outcome.actual or decision.seen.envelope
    return now.min_replicas * rate * HOUR_S


def risk(managed: Managed | None) -> float | None:
    """The share of the time that demand is to stay within its first forecast."""
    specs = managed.forecasts if managed else {}
    return next((spec.risk for spec in specs.values()), None)


def unread(decision: Decision) -> bool:
    """Whether the platform has never told of it: envelope and health are stand-ins then."""
    hold = decision.plan.hold
    return hold is not None and hold.by == "reading"


# Few envelopes and limits differ in a fleet, and a shared dictionary is no work for the
# garbage collector: 10,000 rows of eight new ones each stop all threads for 100 ms.
@lru_cache(maxsize=4_096)
def envelope_json(envelope: Envelope) -> Row:
    """The three dials."""
    return {
        "min_replicas": envelope.min_replicas,
        "max_replicas": envelope.max_replicas,
        "threads": envelope.threads,
    }


@lru_cache(maxsize=4_096)
def limits_json(limits: Limits) -> Row:
    """The lowest and the highest value of each dial."""
    return {
        "min_replicas": [limits.min_replicas.low, limits.min_replicas.high],
        "max_replicas": [limits.max_replicas.low, limits.max_replicas.high],
        "threads": [limits.threads.low, limits.threads.high],
    }


def _load(decision: Decision, managed: Managed | None) -> Row | None:
    """The signal that says how much there is to do, or else the first by name."""
    signals = decision.seen.signals
    wanted = managed.demand if managed else None
    name = wanted if wanted in signals else min(signals, default=None)
    return None if name is None else signal_json(name, signals[name])


def signal_json(name: str, signal: Series | Missing) -> Row:
    """The newest value of a signal, or why there is none."""
    if isinstance(signal, Missing):
        return {"signal": name, "value": None, "at": signal.since, "missing": signal.why.value}
    return {"signal": name, "value": signal.last, "at": signal.last_at, "missing": None}


def _share(load: Row | None, now: Envelope) -> float | None:
    """Load over what the guaranteed replicas work on at once; None without either."""
    if load is None or load["value"] is None or not now.floor_capacity:
        return None
    return float(load["value"]) / now.floor_capacity


def _changed_at(decision: Decision) -> float | None:
    if decision.outcome.kind is Kind.APPLIED:
        return decision.at
    return decision.seen.changes[-1].at if decision.seen.changes else None
