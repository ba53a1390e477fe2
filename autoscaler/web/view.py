"""Decisions as the API's JSON: rows for the fleet, everything for one. Pure.

Times are Unix seconds. What is not known is null, never zero. Parts of the results are shared
between rows: they are to be written out, never changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from autoscaler.codec import describe
from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Change, Control, Limits, Missing, Override, Series
from autoscaler.core.reason import Code, Reason
from autoscaler.roster import Managed

Row = dict[str, Any]

# Holds that somebody asked for. Any other hold wants to be looked at.
ASKED_FOR = frozenset({Code.MODE_OBSERVE, Code.PAUSED, Code.PINNED, Code.CONDITION_FALSE})
MOVING = frozenset({Kind.APPLIED, Kind.RECOMMENDED})
CHANGES_SHOWN = 20


def row(decision: Decision, managed: Managed | None = None) -> Row:
    """One deployment in the fleet's table."""
    seen, plan, outcome = decision.seen, decision.plan, decision.outcome
    told = not _unread(decision)
    return {
        "name": decision.deployment,
        "group": decision.group,
        "mode": decision.mode.value,
        "state": seen.health.state if told else None,
        "ready": seen.health.is_ready if told else None,
        "paused": any(word.control is Control.PAUSE for word in _active(decision)),
        "load": _load(decision, managed),
        "current": _envelope(outcome.actual or seen.envelope) if told else None,
        "desired": _envelope(plan.after) if told else None,
        "limits": _limits(seen.limits),
        "outcome": outcome.kind.value,
        "reason": outcome.reason.code.value,
        "why": _why(decision),
        "decision": decision.id,
        "decided_at": decision.at,
        "changed_at": _changed_at(decision),
        "attention": attention(decision),
    }


def waiting(managed: Managed) -> Row:
    """The row of a deployment that was never decided upon."""
    empty = dict.fromkeys(
        ("state", "ready", "load", "current", "desired", "outcome", "reason", "decision")
    )
    return {
        "name": managed.name,
        "group": managed.group,
        "mode": managed.mode.value,
        "paused": False,
        "limits": _limits(managed.limits),
        "why": "waits for its first tick",
        "decided_at": None,
        "changed_at": None,
        "attention": False,
        **empty,
    }


def detail(decision: Decision, managed: Managed | None = None) -> Row:
    """Everything about one deployment, its latest decision in sentences included."""
    seen = decision.seen
    return {
        **row(decision, managed),
        "rid": decision.rid,
        "signals": [_signal(name, signal) for name, signal in sorted(seen.signals.items())],
        "overrides": [_override(word) for word in _active(decision)],
        "changes": [_change(change) for change in reversed(seen.changes[-CHANGES_SHOWN:])],
        "thread_ceiling": seen.learned.thread_ceiling,
        "startup_s": seen.learned.startup_s,
        "latest": describe(decision),
    }


def status(
    *,
    version: str,
    at: float,
    started_at: float,
    decisions: Iterable[Decision],
    groups: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Row:
    """The daemon in short. `groups` are dicts with name, interval_s and last_tick_at.

    `more` is added as it is: whatever the composition root knows besides, such as the pace.
    """
    latest = list(decisions)
    return {
        "version": version,
        "at": at,
        "started_at": started_at,
        "deployments": len(latest),
        "attention": sum(attention(decision) for decision in latest),
        "outcomes": dict(Counter(decision.outcome.kind.value for decision in latest)),
        "modes": dict(Counter(decision.mode.value for decision in latest)),
        "groups": [dict(group) for group in groups],
        **more,
    }


def attention(decision: Decision) -> bool:
    """Whether somebody should look: it failed, it is blind, or it stands still unasked."""
    outcome = decision.outcome
    if outcome.kind in {Kind.FAILED, Kind.REFUSED}:
        return True
    if outcome.kind is Kind.HELD and outcome.reason.code not in ASKED_FOR:
        return True
    return any(isinstance(signal, Missing) for signal in decision.seen.signals.values())


def _why(decision: Decision) -> str:
    """The reasons of the dials that move, or else why none does. The numbers stand beside it."""
    plan, outcome = decision.plan, decision.outcome
    if outcome.kind not in MOVING:
        return _said(outcome.reason)
    last = {step.dial: step.reason for step in plan.trail}
    moved = [_said(why) for dial, why in last.items() if plan.before[dial] != plan.after[dial]]
    return "; ".join(dict.fromkeys(moved)) or _said(outcome.reason)


def _said(reason: Reason) -> str:
    """The sentence; as it was written when its places do not fit its facts."""
    try:
        return str(reason)
    except (LookupError, ValueError, TypeError, AttributeError):
        return reason.sentence


def _unread(decision: Decision) -> bool:
    """Whether the platform has never told of it: envelope and health are stand-ins then."""
    hold = decision.plan.hold
    return hold is not None and hold.by == "reading"


def _active(decision: Decision) -> tuple[Override, ...]:
    return tuple(word for word in decision.seen.overrides if word.active(decision.at))


# Few envelopes and limits differ in a fleet, and a shared dictionary is no work for the
# garbage collector: 10,000 rows of eight new ones each stop all threads for 100 ms.
@lru_cache(maxsize=4_096)
def _envelope(envelope: Envelope) -> Row:
    return {
        "min_replicas": envelope.min_replicas,
        "max_replicas": envelope.max_replicas,
        "threads": envelope.threads,
    }


@lru_cache(maxsize=4_096)
def _limits(limits: Limits) -> Row:
    return {
        "min_replicas": [limits.min_replicas.low, limits.min_replicas.high],
        "max_replicas": [limits.max_replicas.low, limits.max_replicas.high],
        "threads": [limits.threads.low, limits.threads.high],
    }


def _load(decision: Decision, managed: Managed | None) -> Row | None:
    """The signal that the first policy reads, or else the first by name."""
    signals = decision.seen.signals
    needs = [name for entry in (managed.policies if managed else ()) for name in entry.policy.needs]
    name = next((n for n in (*needs, *sorted(signals)) if n in signals), None)
    return None if name is None else _signal(name, signals[name])


def _signal(name: str, signal: Series | Missing) -> Row:
    if isinstance(signal, Missing):
        return {"signal": name, "value": None, "at": signal.since, "missing": signal.why.value}
    return {"signal": name, "value": signal.last, "at": signal.last_at, "missing": None}


def _override(word: Override) -> Row:
    return {
        "control": word.control.value,
        "dial": word.dial and word.dial.value,
        "value": word.value,
        "author": word.author,
        "why": word.why,
        "expires_at": word.expires_at,
    }


def _change(change: Change) -> Row:
    before, after = _envelope(change.before), _envelope(change.after)
    return {"at": change.at, "before": before, "after": after, "foreign": change.foreign}


def _changed_at(decision: Decision) -> float | None:
    if decision.outcome.kind is Kind.APPLIED:
        return decision.at
    return decision.seen.changes[-1].at if decision.seen.changes else None
