"""One word for how a query ended, as metrics count it."""

from __future__ import annotations

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Reading, Sample


def outcome_of(reading: Reading) -> str:
    """success, empty, stale (nothing usable, something stale), partial, or error (all unusable)."""
    if not reading.samples:
        return "empty"
    found = reading.samples.values()
    if not any(isinstance(item, Sample) for item in found):
        stale = any(isinstance(item, Missing) and item.why is Absence.STALE for item in found)
        return "stale" if stale else "error"
    return "success" if reading.complete else "partial"
