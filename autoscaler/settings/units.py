"""Durations and plain scalars: how text becomes a number, and when it does not."""

from __future__ import annotations

import math
import re

_LONGEST = 1e15
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(ms|s|m|h|d)")
_FACTORS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
DURATION_RULE = "must be a duration such as 250ms, 30s, 5m, 2h or 1d, or a number of seconds"
DURATION_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,9})? ?(ms|s|m|h|d)$"

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# YAML 1.2's JSON schema and not 1.1: 0123 and 12:30 and 0x10 are text, so an identifier keeps its
# zeros. 18 digits fit into 64 bits; a longer run of digits is an identifier too.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30}(?:[eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})"
)


class Given(str):
    """Text from the environment, whose type is decided by the option that it is given for."""

    __slots__ = ()


def scalar(text: str) -> str | float | bool | None:
    """The value of an unquoted YAML 1.2 scalar."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    first = text[0]
    if not (first.isdigit() or first == "-"):
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def seconds(value: object) -> float:
    """Seconds of a duration or a number. Raises ValueError for anything else."""
    if isinstance(value, bool):
        raise ValueError(DURATION_RULE)  # noqa: TRY004 - a value's rule, for every type
    if isinstance(value, int | float) and abs(value) <= _LONGEST:
        return float(value)
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found:
            return float(found[1]) * _FACTORS[found[2]]
        if isinstance(value, Given):
            number = scalar(value)
            if isinstance(number, int | float) and not isinstance(number, bool):
                return seconds(number)
    raise ValueError(DURATION_RULE)
