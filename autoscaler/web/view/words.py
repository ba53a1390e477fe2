"""Overrides as the API's JSON, and which of them hold for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autoscaler.core.decision import Decision
from autoscaler.core.observation import Override
from autoscaler.web.face import Standing


@dataclass(frozen=True, slots=True)
class Stored:
    """An override as it is shown; id, scope and time are None when only the word is known."""

    id: str | None
    scope: str | None
    override: Override
    created_at: float | None


def applying(standing: Iterable[Standing], group: str, name: str) -> tuple[Stored, ...]:
    """Those that hold for a deployment, the widest scope first."""
    scopes = ("fleet", f"group:{group}", name)
    found = [one for one in standing if one.scope in scopes]
    found.sort(key=lambda one: scopes.index(one.scope or "fleet"))
    return tuple(Stored(one.id, one.scope, one.override, one.created_at) for one in found)


def seen_words(decision: Decision) -> tuple[Stored, ...]:
    """Those that a decision was shown and that held then."""
    words = decision.seen.overrides
    return tuple(Stored(None, None, w, None) for w in words if w.active(decision.at))


def holds(words: Sequence[Stored], *controls: str) -> bool:
    """Whether any of them is one of these controls."""
    return any(one.override.control.value in controls for one in words)


def override_json(one: Stored | Standing) -> dict[str, Any]:
    """An override with everything that is known of it."""
    word = one.override
    return {
        "id": one.id,
        "scope": one.scope,
        "control": word.control.value,
        "dial": word.dial and word.dial.value,
        "value": word.value,
        "mode": word.mode and word.mode.value,
        "author": word.author,
        "why": word.why,
        "created_at": one.created_at,
        "expires_at": word.expires_at,
    }
