"""What the record of decisions enters into the activity, in sentences; pure."""

from __future__ import annotations

from autoscaler.activity import DAEMON, OUTSIDE, Act, Event
from autoscaler.core.decision import Decision, Outcome
from autoscaler.core.envelope import DIALS
from autoscaler.journal.rows import Row


def decided(decision: Decision, row: Row) -> Event:
    """A decision that is kept; `row` is its row."""
    summary = decision.headline()
    return _event(row, decision.outcome, summary)


def resolved(row: Row, outcome: Outcome) -> Event:
    """The end of a write that a crash had cut off."""
    return _event(row, outcome, f"{outcome.reason}: planned {row['planned']}")


def _event(row: Row, outcome: Outcome, summary: str) -> Event:
    return Event(
        row["at"],
        Act(outcome.kind.value),
        DAEMON,
        summary,
        row["deployment"],
        row["group_name"],
        row["id"],
        row["body"].encode(),
    )


def drifted(row: Row) -> Event:
    """A change that somebody else made, out of its row."""
    moved = [
        f"{dial.value} {row[f'before_{dial.value}']} -> {row[f'after_{dial.value}']}"
        for dial in DIALS
        if row[f"before_{dial.value}"] != row[f"after_{dial.value}"]
    ]
    summary = f"somebody else changed {', '.join(moved) or 'nothing'}"
    return Event(row["at"], Act.DRIFT, OUTSIDE, summary, row["deployment"])
