"""Values of the core as dicts, lists and scalars that JSON can carry; a writer per type, made once.

Three things that JSON cannot say are spelled out: `{"float": "inf"}`, `{"int": "<digits>"}`
beyond 64 bits, and lone surrogates, which UTF-8 cannot carry and which are kept as escapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

Writer = Callable[[Any], Any]
WORD = 2**63
NUMBERS = frozenset({float, int, str})


def to_tree(hint: object, value: object) -> Any:
    """A value as dicts, lists and scalars, by its type."""
    return _writer(hint)(value)


@cache
def _writer(hint: Any) -> Writer:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _union_writer(arguments)
    if origin is tuple:
        return _tuple_writer(arguments)
    if origin in {None, Literal}:
        return _plain_writer(hint)
    return _mapping_writer(_writer(arguments[0]), _writer(arguments[1]))


def _plain_writer(hint: Any) -> Writer:
    if is_dataclass(hint):
        return _fields_writer(cast("type", hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    return _SCALARS.get(hint, _same)


def _same(value: Any) -> Any:
    return value


def _float(value: float) -> object:
    return float(value) if math.isfinite(value) else {"float": repr(float(value))}


def _int(value: int) -> object:
    return value if -WORD <= value < WORD else {"int": str(value)}


def _number(value: object) -> object:
    if isinstance(value, float):
        return _float(value)
    return _int(value) if isinstance(value, int) else value


_SCALARS: dict[object, Writer] = {float: _float, int: _int}


def _union_writer(members: tuple[Any, ...]) -> Writer:
    if NUMBERS.issuperset(members):
        return _number
    writers = {get_origin(m) or m: _writer(m) for m in members if m is not NoneType}
    if len(writers) == 1:
        (only,) = writers.values()
        return lambda value: None if value is None else only(value)
    return lambda value: writers[type(value)](value)


def _tuple_writer(members: tuple[Any, ...]) -> Writer:
    if members[-1] is Ellipsis:
        each = _writer(members[0])
        return lambda value: [each(item) for item in value]
    writers = [_writer(member) for member in members]
    return lambda value: [write(item) for write, item in zip(writers, value, strict=True)]


def _mapping_writer(key: Writer, item: Writer) -> Writer:
    # Sorted, because equal mappings are to give equal bytes whatever order they grew in.
    return lambda value: {key(name): item(value[name]) for name in sorted(value)}


def _fields_writer(cls: type) -> Writer:
    hints = get_type_hints(cls)
    parts = [(field.name, _writer(hints[field.name])) for field in fields(cls)]
    return lambda value: {name: write(getattr(value, name)) for name, write in parts}


def escaped(tree: Any) -> Any:
    """The tree with every lone surrogate as its escape: better than no record at all."""
    if isinstance(tree, str):
        return tree.encode("utf-8", "backslashreplace").decode()
    if isinstance(tree, list):
        return [escaped(item) for item in tree]
    if isinstance(tree, dict):
        return {escaped(name): escaped(item) for name, item in tree.items()}
    return tree
