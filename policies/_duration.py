"""Durations in the text of expressions, calendars and conditions: "5m", "1.5h"."""

from __future__ import annotations

import re

RULE = "must be a duration such as 30s, 5m, 2h or 1d"
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(ms|s|m|h|d)")
_FACTORS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(value: object) -> float:
    """Seconds of a duration, or of a plain number. Raises ValueError with the rule."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{RULE}, got {value!r}")
    return float(found[1]) * _FACTORS[found[2]]
