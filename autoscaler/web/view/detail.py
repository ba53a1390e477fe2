"""Everything about one deployment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from autoscaler.codec import describe
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import DIALS
from autoscaler.core.observation import Capacity, Change, Learned, Missing, Series
from autoscaler.core.proposal import PolicyEntry
from autoscaler.roster import Managed
from autoscaler.web.view.rows import (
    Row,
    envelope_json,
    row,
    signal_json,
    waiting,
)
from autoscaler.web.view.words import Stored

CHANGES_SHOWN = 20
DEEPEST = 12
NOTHING_LEARNT = Learned()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a deployment beside its decision.

    `forecasts` and `cold_starts` are ready JSON; `today` and `month` are compute-seconds.
    """

    forecasts: Sequence[Row] = ()
    cold_starts: Sequence[Row] = ()
    today: float | None = None
    month: float | None = None


NOTHING_KNOWN = Known()


def detail(
    decision: Decision | None,
    managed: Managed | None = None,
    words: Sequence[Stored] | None = None,
    event: Row | None = None,
    known: Known = NOTHING_KNOWN,
) -> Row:
    """Everything about one deployment, its latest decision in sentences included.

    One of `decision` and `managed` must be there.
    """
    if decision is not None:
        base = row(decision, managed, words, event)
    elif managed is not None:
        base = waiting(managed, words or ())
    else:
        raise ValueError("a deployment needs a decision or a configuration, got neither")
    return {
        **base,
        **_seen(decision),
        "policies": [policy_json(entry) for entry in (managed.policies if managed else ())],
        "guards": [guard_json(guard) for guard in (managed.guards if managed else ())],
        "forecasts": list(known.forecasts),
        "cold_starts": list(known.cold_starts),
        "cost": {
            "per_hour": base["cost_per_hour"],
            "today": known.today,
            "month_forecast": known.month,
        },
        "rid": decision.rid if decision else managed.rid if managed else None,
        "latest": describe(decision) if decision else None,
    }


def _seen(decision: Decision | None) -> Row:
    if decision is None:
        return {"signals": [], "changes": [], "learned": learned_json(NOTHING_LEARNT)}
    seen = decision.seen
    return {
        "signals": [_signal(name, signal) for name, signal in sorted(seen.signals.items())],
        "changes": [_change(change) for change in reversed(seen.changes[-CHANGES_SHOWN:])],
        "learned": learned_json(seen.learned),
    }


def learned_json(learned: Learned) -> Row:
    """Facts found at run time; null where nothing was learnt."""
    return {
        "thread_ceiling": learned.thread_ceiling,
        "startup_s": learned.startup_s,
        "startups": list(learned.startups),
        "startups_of": learned.startups_of or None,
        "capacity": _capacity(learned.capacity),
        "chosen": [asdict(each) for each in learned.chosen],
    }


def _capacity(capacity: Capacity) -> Row | None:
    """What one replica carries, in requests, and how often that was seen."""
    if not capacity.count:
        return None
    return {
        "low": capacity.low,
        "high": capacity.high,
        "count": capacity.count,
        "threads": capacity.threads,
        "model_version": capacity.version or None,
        "at": capacity.at,
    }


def policy_json(entry: PolicyEntry) -> Row:
    """A policy as it is configured."""
    return {
        "name": entry.name,
        "kind": type(entry.policy).__module__.rpartition(".")[2],
        "shadow": entry.shadow,
        "dials": [dial.value for dial in DIALS if dial in entry.dials],
        "when": None if entry.when is None else plain(entry.when),
        "options": options_json(entry.policy),
    }


def guard_json(guard: object) -> Row:
    """A guard as it is configured."""
    return {"name": type(guard).__name__.lower(), "options": options_json(guard)}


def options_json(thing: object) -> Row:
    """The options of a policy or guard: its dataclass's fields."""
    found = plain(thing)
    return found if isinstance(found, dict) else {}


def plain(value: object, depth: int = 0) -> Any:
    """A configured value as JSON; what JSON has no word for is told as text."""
    if depth > DEEPEST:
        return "..."
    if value is None or isinstance(value, bool | int | str | float):
        return _scalar(value)
    if is_dataclass(value):
        shown = (item.name for item in fields(value) if item.init)
        return {name: plain(getattr(value, name), depth + 1) for name in shown}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item, depth + 1) for item in items]
    return str(value)


def _scalar(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _signal(name: str, signal: Series | Missing) -> Row:
    detail = signal.detail if isinstance(signal, Missing) else None
    return {**signal_json(name, signal), "detail": detail or None}


def _change(change: Change) -> Row:
    before, after = envelope_json(change.before), envelope_json(change.after)
    return {"at": change.at, "before": before, "after": after, "foreign": change.foreign}
