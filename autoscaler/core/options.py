"""Options of policies and guards: a field, its unit, its range and its sentence, in one place."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import fields

Bound = float | int
Meta = dict[str, str | float | int | bool | tuple[str, ...] | None]


def meta(
    doc: str,
    *,
    unit: str = "",
    ge: Bound | None = None,
    gt: Bound | None = None,
    le: Bound | None = None,
    lt: Bound | None = None,
    one_of: tuple[str, ...] = (),
) -> Meta:
    """Metadata for `dataclasses.field`: documentation, unit and bounds of one option.

    `unit` "s" lets a configuration write "5m". The bounds are checked by `check_options`.
    """
    return {"doc": doc, "unit": unit, "ge": ge, "gt": gt, "le": le, "lt": lt, "one_of": one_of}


def check_options(options: object) -> None:
    """Raise ValueError for the first option outside its range, with name, rule and value.

    For the `__post_init__` of a dataclass whose fields carry `meta`.
    """
    for item in fields(options):  # type: ignore[arg-type]  # only dataclasses call this
        rule = _broken(getattr(options, item.name), item.metadata)
        if rule:
            value = getattr(options, item.name)
            raise ValueError(f"{item.name} must be {rule}, got {value!r}")


_TESTS: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
    ("ge", "at least", operator.ge),
    ("gt", "greater than", operator.gt),
    ("le", "at most", operator.le),
    ("lt", "less than", operator.lt),
)


def _broken(value: object, rules: Mapping[str, object]) -> str:
    allowed = rules.get("one_of")
    if isinstance(allowed, tuple) and allowed and value not in allowed:
        return f"one of {', '.join(allowed)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if not math.isfinite(value):
        return "a finite number"
    for key, words, holds in _TESTS:
        bound = rules.get(key)
        if isinstance(bound, int | float) and not holds(value, bound):
            return f"{words} {bound}"
    return ""
