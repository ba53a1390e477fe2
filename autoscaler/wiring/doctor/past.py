"""What the journal remembers: hands of others, and operators' words without an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from autoscaler.core.controls import Standing, told, where
from autoscaler.core.observation import Change
from autoscaler.ports import Memory
from autoscaler.wiring.doctor.finding import Finding, Level

LOOK_BACK_S = 7 * 86_400.0
OFTEN = 3
FIGHT_S = 900.0


def of_past(
    memories: Mapping[str, Memory], standing: Sequence[Standing], at: float
) -> Iterator[Finding]:
    """Findings in what was remembered until `at` (Unix seconds)."""
    for name, memory in sorted(memories.items()):
        yield from _hands(name, [c for c in memory.changes if at - c.at <= LOOK_BACK_S])
    for one in standing:
        if one.override.expires_at is None:
            yield _endless(one)


def _hands(name: str, changes: list[Change]) -> Iterator[Finding]:
    foreign = [c for c in changes if c.foreign]
    if len(foreign) < OFTEN:
        return
    answers = sum(
        one.foreign and not other.foreign and one.at - other.at <= FIGHT_S
        for other, one in pairwise(changes)
    )
    last = f"{datetime.fromtimestamp(foreign[-1].at, UTC):%Y-%m-%d %H:%M} UTC"
    fight = f", {answers} of them within 15 minutes of a change made here" if answers else ""
    yield Finding(
        Level.WARNING,
        "other_automation",
        name,
        f"somebody else changed it {len(foreign)} times in the last 7 days{fight}, last at {last}",
        "two hands on one dial: each undoes the other, and the platform restarts replicas",
        "find the other automation (a pipeline, a schedule, a person) and let one of the two go",
    )


def _endless(one: Standing) -> Finding:
    return Finding(
        Level.WARNING,
        "endless_override",
        where(one.scope),
        f"{told(one.override)} by {one.override.author} has no end: {one.override.why}",
        "what has no end is forgotten, and the deployment with it",
        "end it, or say it again with an end (autoscaler resume; autoscaler pause --for 2h)",
    )
