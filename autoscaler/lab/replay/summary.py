"""Many compared decisions as counts, and the first few of those that differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from autoscaler.core.decision import Decision
from autoscaler.core.envelope import DIALS, Dial
from autoscaler.lab.replay.again import Compared, Verdict, again, decided
from autoscaler.lab.replay.roster import Roster


@dataclass(slots=True)
class Row:
    """One deployment: decisions by verdict, and by dial how often it would be lower or higher."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    lower: Counter[Dial] = field(default_factory=Counter)
    higher: Counter[Dial] = field(default_factory=Counter)
    unrecorded: Counter[str] = field(default_factory=Counter)

    @property
    def replayed(self) -> int:
        """Decisions that were made again."""
        return self.verdicts.total()


@dataclass(slots=True)
class Summary:
    """What a replay found. `first_at` and `last_at` are Unix seconds, None without a decision."""

    most_shown: int = 20
    rows: dict[str, Row] = field(default_factory=dict)
    unmanaged: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    unreadable: int = 0
    first_fault: str = ""
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: list[Compared] = field(default_factory=list)
    first_at: float | None = None
    last_at: float | None = None

    @property
    def recorded(self) -> int:
        """All decisions that were looked at."""
        return self.replayed + self.unmanaged.total() + self.unread + self.unreadable

    @property
    def replayed(self) -> int:
        """Decisions that were made again."""
        return sum(row.replayed for row in self.rows.values())

    def count(self, verdict: Verdict) -> int:
        """Decisions of one verdict."""
        return sum(row.verdicts[verdict] for row in self.rows.values())

    @property
    def identical(self) -> bool:
        """Whether everything that was made again came out the same, and all could be read."""
        return self.count(Verdict.IDENTICAL) == self.replayed and not self.unreadable

    def take(self, decision: Decision, roster: Roster) -> None:
        """Make one more decision again and count it."""
        self.first_at = decision.at if self.first_at is None else self.first_at
        self.last_at = decision.at
        managed = roster.managed(decision)
        if managed is None:
            self.unmanaged[decision.deployment] += 1
        elif not decided(decision):
            self.unread += 1
        else:
            self._compared(again(decision, managed))

    def spoilt(self, ident: str, fault: str) -> None:
        """Count a row that is no decision to this version."""
        self.unreadable += 1
        self.first_fault = self.first_fault or f"{ident}: {fault}"

    def _compared(self, one: Compared) -> None:
        row = self.rows.setdefault(one.decision.deployment, Row())
        row.verdicts[one.verdict] += 1
        row.unrecorded.update(one.unrecorded)
        for dial in DIALS:
            row.lower[dial] += one.now.after[dial] < one.then.after[dial]
            row.higher[dial] += one.now.after[dial] > one.then.after[dial]
        if one.difference is not None:
            self.reasons[one.difference.then, one.difference.now] += 1
        if one.verdict is Verdict.OTHERWISE and len(self.shown) < self.most_shown:
            self.shown.append(one)
