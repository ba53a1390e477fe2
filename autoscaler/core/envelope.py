"""The three dials of a live deployment and the ranges that they may move in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Dial(StrEnum):
    """One number that the daemon may turn, under the platform's own name."""

    MIN_REPLICAS = "min_replicas"
    MAX_REPLICAS = "max_replicas"
    THREADS = "threads"


DIALS = (Dial.MIN_REPLICAS, Dial.MAX_REPLICAS, Dial.THREADS)


@dataclass(frozen=True, slots=True)
class Envelope:
    """All dials of one deployment, always legal: 0 <= min <= max, threads >= 1.

    `threads` is the number of requests that one replica works on at once. The dials
    change together, because a minimum raised alone may cross the old maximum.
    """

    min_replicas: int
    max_replicas: int
    threads: int

    def __post_init__(self) -> None:
        if not 0 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                "min_replicas and max_replicas must satisfy 0 <= min <= max, "
                f"got {self.min_replicas} and {self.max_replicas}"
            )
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")

    def __getitem__(self, dial: Dial) -> int:
        if dial is Dial.MIN_REPLICAS:
            return self.min_replicas
        return self.max_replicas if dial is Dial.MAX_REPLICAS else self.threads

    def __str__(self) -> str:
        return f"{self.min_replicas}..{self.max_replicas} x {self.threads}"

    @property
    def floor_capacity(self) -> int:
        """Requests that the guaranteed replicas work on at once."""
        return self.min_replicas * self.threads

    @property
    def ceiling_capacity(self) -> int:
        """Requests that the deployment works on at once when fully grown."""
        return self.max_replicas * self.threads


def legal(dials: Mapping[Dial, int]) -> Envelope:
    """Make an envelope of any numbers: the ceiling wins over the floor, nothing is negative."""
    ceiling = max(0, dials[Dial.MAX_REPLICAS])
    floor = min(max(0, dials[Dial.MIN_REPLICAS]), ceiling)
    return Envelope(floor, ceiling, max(1, dials[Dial.THREADS]))


def is_outcome(found: Envelope, before: Envelope, after: Envelope) -> bool:
    """Whether a write from `before` to `after` may have left what is found.

    That is `after`, or the same with fewer threads: a write that asks for more than the platform's
    maximum is sent once more with that, and who was cut off in between knows no number.
    """
    cut = before.threads <= found.threads < after.threads
    return found == after or (
        cut and found != before and found == replace(after, threads=found.threads)
    )


@dataclass(frozen=True, slots=True)
class Range:
    """A closed range of whole numbers; `high` None means no upper end."""

    low: int
    high: int | None = None

    def __post_init__(self) -> None:
        if self.low < 0:
            raise ValueError(f"the low end must be at least 0, got {self.low}")
        if self.high is not None and self.high < self.low:
            raise ValueError(f"the low end {self.low} is above the high end {self.high}")

    def clamp(self, value: int) -> int:
        """The nearest number inside the range."""
        raised = max(value, self.low)
        return raised if self.high is None else min(raised, self.high)

    def __contains__(self, value: int) -> bool:
        return self.clamp(value) == value

    def __str__(self) -> str:
        return f"{self.low}..{'' if self.high is None else self.high}"
