"""The platform's written quantities: durations and memory sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

# Months and years are calendar-free on the wire; 30 and 365 days are near enough to show.
SECONDS: Mapping[str, float] = MappingProxyType(
    {
        "MILLISECONDS": 0.001,
        "SECONDS": 1.0,
        "MINUTES": 60.0,
        "HOURS": 3600.0,
        "DAYS": 86_400.0,
        "WEEKS": 604_800.0,
        "MONTHS": 30 * 86_400.0,
        "YEARS": 365 * 86_400.0,
    }
)
_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
_DECIMAL = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_MEMORY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*(?:([KMGTP])(i)?)?B?", re.IGNORECASE)


def number(value: object) -> float | None:
    """A finite number as a float; None for anything else. Truth values are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) else None


def whole(value: object) -> int | None:
    """A whole number, also when written as 2.0; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def duration_s(value: object) -> float | None:
    """Seconds of `{"value": 1, "unit": "MINUTES"}`; None when it is not a duration."""
    if not isinstance(value, dict) or set(value) != {"value", "unit"}:
        return None
    amount, unit = number(value["value"]), value["unit"]
    scale = SECONDS.get(unit) if isinstance(unit, str) else None
    if amount is None or scale is None or amount < 0:
        return None
    return number(amount * scale)


def memory_gib(value: object) -> float | None:
    """GiB of "256MiB", "1 GB" or plain bytes; None when it cannot be read."""
    found = _MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return None
    amount, letter, binary = found.groups()
    scale = (_BINARY if binary else _DECIMAL)[(letter or "").upper()]
    return float(amount) * scale / 2**30
