"""Options of a plug-in as people read them, and as plain data that a configuration can hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from autoscaler.plugins.options import hints_of, option_fields, spellings

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86_400
_SIGNS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
_TYPE_NAMES = {"int": "whole number", "float": "number", "str": "text", "bool": "true or false"}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One option: its shortest key, and everything else as text, empty where there is nothing."""

    name: str
    type: str
    default: str
    unit: str
    allowed: str
    doc: str


def rows_of(cls: type) -> tuple[Row, ...]:
    """The options of a policy's, guard's or source's dataclass, in the order of its fields."""
    return tuple(_row(cls, item) for item in option_fields(cls))


def plain(value: Any) -> Any:
    """An option, or a whole dataclass of options, as JSON has it: the way back is the reader's."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in option_fields(type(value))]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted((plain(each) for each in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value


def _row(cls: type, item: dataclasses.Field[Any]) -> Row:
    rules = item.metadata
    seconds = rules.get("unit") == "s"
    return Row(
        name=spellings(item)[0],
        type=_type_name(hints_of(cls)[item.name]),
        default=_default(item, seconds=seconds),
        unit="duration" if seconds else str(rules.get("unit", "")),
        allowed=_allowed(rules, seconds=seconds),
        doc=str(rules.get("doc", "")),
    )


def _default(item: dataclasses.Field[Any], *, seconds: bool) -> str:
    if item.default is not dataclasses.MISSING:
        return shown(item.default, seconds=seconds)
    if item.default_factory is not dataclasses.MISSING:
        return shown(item.default_factory(), seconds=seconds)
    return "required"


def shown(value: Any, *, seconds: bool = False) -> str:
    """A value as a configuration would say it; seconds as the largest unit that fits."""
    if value is None:
        return "none"
    if seconds and isinstance(value, int | float):
        return span(value)
    return json.dumps(_short(plain(value)), ensure_ascii=False)


def _short(value: Any) -> Any:
    """The value without what is left open in it."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items() if each is not None}
    return value


def span(seconds: float) -> str:
    """`300` as `5m`: the largest unit that leaves a whole number."""
    for size, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{letter}"
    return f"{seconds:g}s"


def _allowed(rules: Mapping[str, Any], *, seconds: bool) -> str:
    if rules.get("one_of"):
        return ", ".join(rules["one_of"])
    parts = [
        f"{sign} {shown(rules[key], seconds=seconds)}"
        for key, sign in _SIGNS
        if rules.get(key) is not None
    ]
    return " and ".join(parts)


def _type_name(hint: Any) -> str:
    present = [each for each in get_args(hint) if each is not NoneType]
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(dict.fromkeys(map(_type_name, present)))
    kind = get_origin(hint) or hint
    if kind is Literal:
        return "text"
    if not isinstance(kind, type):
        return "anything"
    if kind.__name__ in _TYPE_NAMES:
        return _TYPE_NAMES[kind.__name__]
    if issubclass(kind, Enum):
        return "text"
    return "list" if issubclass(kind, tuple | list | frozenset | Sequence) else "map"
