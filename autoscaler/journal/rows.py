"""Between the core's values and table rows; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from autoscaler.codec import encode_decision
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import DIALS, Envelope
from autoscaler.core.observation import Change
from autoscaler.core.reason import Code
from autoscaler.ports import Intent

Row = dict[str, Any]

# These are kept whatever came before them; the others when they say something new.
ALWAYS = frozenset({Kind.APPLIED, Kind.REFUSED, Kind.FAILED})


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes a decision new: its kind, its reason and what was planned."""

    kind: str
    code: str
    planned: str


def planned(envelope: Envelope) -> str:
    """An envelope as the three numbers of one column."""
    return f"{envelope.min_replicas},{envelope.max_replicas},{envelope.threads}"


def mark(decision: Decision) -> Mark:
    """A decision's mark."""
    outcome = decision.outcome
    return Mark(outcome.kind.value, outcome.reason.code.value, planned(decision.plan.after))


def decision_row(decision: Decision) -> Row:
    """The row of a decision that is kept."""
    found = mark(decision)
    return {
        "id": decision.id,
        "at": decision.at,
        "deployment": decision.deployment,
        "rid": decision.rid,
        "group_name": decision.group,
        "kind": found.kind,
        "code": found.code,
        "planned": found.planned,
        "body": encode_decision(decision).decode(),
    }


def dials(when: str, envelope: Envelope) -> Row:
    """An envelope as three columns."""
    return {f"{when}_{dial.value}": envelope[dial] for dial in DIALS}


def envelope(when: str, row: RowMapping) -> Envelope:
    """The envelope of three columns."""
    return Envelope(*(int(row[f"{when}_{dial.value}"]) for dial in DIALS))


def intent_row(decision: Decision, state: str) -> Row:
    """The row of a write that is about to be made; its body lets a crash be told in full."""
    return {
        "decision_id": decision.id,
        "at": decision.at,
        "deployment": decision.deployment,
        "rid": decision.rid,
        **dials("before", decision.plan.before),
        **dials("after", decision.plan.after),
        "state": state,
        "ended_at": None,
        "body": encode_decision(decision).decode(),
    }


def intent_of(row: RowMapping) -> Intent:
    """The intent of a row."""
    return Intent(
        row["decision_id"],
        float(row["at"]),
        row["deployment"],
        row["rid"],
        envelope("before", row),
        envelope("after", row),
    )


def change_row(deployment: str, change: Change) -> Row:
    """The row of a change."""
    return {
        "deployment": deployment,
        "at": change.at,
        "is_foreign": change.foreign,
        **dials("before", change.before),
        **dials("after", change.after),
    }


def change_of(row: RowMapping) -> Change:
    """The change of a row."""
    before, after = envelope("before", row), envelope("after", row)
    return Change(float(row["at"]), before, after, bool(row["is_foreign"]))


def came_of(at: float, before: Envelope, after: Envelope, outcome: Outcome) -> Change | None:
    """The change of the envelope that an outcome reports, None when there was none.

    A drift is somebody else's change; what an applied plan ended in may differ from the plan.
    """
    applied = outcome.kind is Kind.APPLIED
    found = outcome.actual or (after if applied else before)
    if found == before:
        return None
    foreign = not applied and (outcome.reason.code is Code.DRIFTED or found != after)
    return Change(at, before, found, foreign)


def ended(decisions: Iterable[Decision]) -> list[tuple[str, str]]:
    """The id and the kind of those that ended.

    What may still arrive has not: a crash must not make it unknown that it was sent.
    """
    return [(one.id, one.outcome.kind.value) for one in decisions if not one.outcome.is_unclear]


def sent(decisions: Iterable[Decision]) -> dict[str, str]:
    """The id of the newest write that left, by RID: what it was to do is there, or may come."""
    left = (one for one in decisions if one.outcome.is_unclear or one.outcome.kind is Kind.APPLIED)
    return {one.rid: one.id for one in left}


def changes_in(decision: Decision) -> list[Change]:
    """What a decision made, and what it saw that others had made."""
    made = came_of(decision.at, decision.plan.before, decision.plan.after, decision.outcome)
    seen = [change for change in decision.seen.changes if change.foreign]
    return seen if made is None else [*seen, made]


def remembered(changes: Iterable[Change], start: float) -> tuple[Change, ...]:
    """The changes since `start` (Unix seconds), and the last of each dial in each direction."""
    kept: list[Change] = []
    last: set[tuple[str, bool]] = set()
    ordered = sorted(changes, key=lambda c: c.at)
    for change in ordered[::-1]:
        moves = _moves(change)
        if change.at >= start or not moves <= last:
            kept.append(change)
        last |= moves
    return tuple(reversed(kept))


def _moves(change: Change) -> set[tuple[str, bool]]:
    before, after = change.before, change.after
    return {(dial, after[dial] > before[dial]) for dial in DIALS if after[dial] != before[dial]}
