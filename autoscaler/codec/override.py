"""An operator's word told so that nobody overlooks it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from autoscaler.core.observation import Control, Override


def told_overrides(words: Sequence[Override], at: float) -> list[dict[str, Any]]:
    """The words that are active at `at` (Unix seconds), each with a sentence that begins loudly."""
    return [told_override(word) for word in words if word.active(at)]


def told_override(word: Override) -> dict[str, Any]:
    """One word: its parts, and a sentence such as `PAUSED by ada until ...: load test`."""
    until = "without end"
    if word.expires_at is not None:
        until = f"until {datetime.fromtimestamp(word.expires_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return {
        "id": word.id,
        "control": word.control.value,
        "author": word.author,
        "why": word.why,
        "expires_at": word.expires_at,
        "sentence": f"{_loud(word)} by {word.author} {until}: {word.why}",
    }


def _loud(word: Override) -> str:
    dial = word.dial.value if word.dial is not None else "?"
    if word.control is Control.PAUSE:
        return "PAUSED"
    if word.control is Control.BRAKE:
        return "BRAKED, nothing is lowered,"
    if word.control is Control.PIN:
        return f"PINNED {dial} to {word.value}"
    if word.control is Control.FLOOR:
        return f"FLOORED {dial} at {word.value}"
    return f"MODE {word.mode.value if word.mode else '?'}"
