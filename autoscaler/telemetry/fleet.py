"""The latest decision of every deployment, and what is counted per deployment."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass, field

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.ports import TickReport
from autoscaler.telemetry.afterwards import hands, raised_before, spent, waiting
from autoscaler.telemetry.catalogue import OUTCOMES
from autoscaler.telemetry.exposition import Columns, label_of

PLACE = {kind: OUTCOMES.index(kind.value) for kind in Kind}

# A deployment that its group's reports leave out this often in a row has left. One report
# without it may be a tick that went wrong, and a counter that starts again looks like a restart.
ABSENCES = 3


@dataclass(slots=True)
class Entry:
    """One deployment's latest decision and counts; changed in place, once per tick."""

    label: str
    decision: Decision
    outcomes: array[int] = field(default_factory=lambda: array("Q", bytes(8 * len(OUTCOMES))))
    direction: int = 0
    turns: int = 0
    hands: int = 0
    compute: float = 0.0
    raised_at: float | None = None
    absent: int = 0

    def note(self, decision: Decision) -> None:
        """Take over the latest decision."""
        self.hands += hands(self.decision, decision)
        self.compute += spent(self.decision, decision)
        self.raised_at = waiting(self.raised_at, decision)
        self.decision = decision
        self.absent = 0
        self.outcomes[PLACE[decision.outcome.kind]] += 1
        if decision.outcome.kind is Kind.APPLIED:
            now = direction(decision.plan.before, decision.outcome.actual or decision.plan.after)
            if now and now == -self.direction:
                self.turns += 1
            self.direction = now or self.direction


def direction(before: Envelope, after: Envelope) -> int:
    """1 when capacity grew, -1 when it shrank, by floor and then by ceiling; 0 for neither."""
    old = before.floor_capacity, before.ceiling_capacity
    new = after.floor_capacity, after.ceiling_capacity
    return (new > old) - (new < old)


class Fleet:
    """Who is there, and what came of them last. Written by the event loop, read by any thread."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, report: TickReport) -> None:
        """Take over a group's tick; forget who has been missing from it for long."""
        entries = self._entries
        for decision in report.decisions:
            entry = entries.get(decision.deployment)
            if entry is None:
                entry = entries[decision.deployment] = Entry(
                    label_of(decision.deployment), decision, raised_at=raised_before(decision)
                )
            entry.note(decision)
        self._miss(report)

    def _miss(self, report: TickReport) -> None:
        members = sum(e.decision.group == report.group for e in self._entries.values())
        if members == len(report.decisions):
            return
        told = {decision.deployment for decision in report.decisions}
        for name, entry in tuple(self._entries.items()):
            if entry.decision.group != report.group or name in told:
                continue
            entry.absent += 1
            if entry.absent >= ABSENCES:
                del self._entries[name]

    def keep(self, names: Collection[str]) -> None:
        """Forget at once everybody who is not among `names`."""
        kept = frozenset(names)
        self._entries = {name: e for name, e in self._entries.items() if name in kept}

    def sizes(self) -> dict[str, int]:
        """How many deployments each group has."""
        sizes: dict[str, int] = {}
        for entry in tuple(self._entries.values()):
            group = entry.decision.group
            sizes[group] = sizes.get(group, 0) + 1
        return sizes

    def columns(self) -> Columns:
        """Everybody as of now, in the order of their first appearance."""
        entries = tuple(self._entries.values())
        return Columns(
            [entry.label for entry in entries],
            [entry.decision for entry in entries],
            [entry.outcomes[:] for entry in entries],
            [entry.turns for entry in entries],
            [entry.hands for entry in entries],
            [entry.compute for entry in entries],
            [entry.raised_at for entry in entries],
        )
