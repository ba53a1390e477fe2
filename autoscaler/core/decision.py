"""What came of a plan: the outcome, and the record that everything else is made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.core import telling
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Mode, Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason


class Kind(StrEnum):
    """How a plan ended.

    Refused: asking again is useless. Failed: it may have gone through; the next reading tells.
    """

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    RECOMMENDED = "recommended"
    DEFERRED = "deferred"
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a plan ended and why.

    `actual` is the envelope that the platform reported at the end, None if it was not asked.
    `status` is the HTTP status of the PUT, None if none was sent or answered.
    `thread_ceiling` is a maximum that the platform taught us on the way.
    """

    kind: Kind
    reason: Reason
    actual: Envelope | None = None
    status: int | None = None
    took_s: float | None = None
    thread_ceiling: int | None = None

    @property
    def is_unclear(self) -> bool:
        """Whether a request left of which nobody knows what it did: it may still arrive."""
        return self.kind is Kind.FAILED and self.reason.code is Code.OUTCOME_UNKNOWN


@dataclass(frozen=True, slots=True)
class Decision:
    """One deployment, one tick: what was seen, what was planned, what came of it.

    `id` sorts by time; metrics, log line, journal row, API and page are made from this. `trace` is
    the id of the tick's trace, empty when it is not traced.
    """

    id: str
    at: float
    deployment: str
    rid: str
    group: str
    mode: Mode
    seen: Observation
    plan: Plan
    outcome: Outcome
    trace: str = ""

    def headline(self) -> str:
        """What happened and why, in one line."""
        return telling.headline(self)

    def told(self) -> str:
        """The same as a paragraph: seen, wanted, held back, done, and what happens next."""
        return telling.told(self)
