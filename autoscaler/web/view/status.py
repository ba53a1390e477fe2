"""The daemon in short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autoscaler.core.decision import Decision
from autoscaler.web.view.rows import Row, attention


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
