"""The way back from JSON: a strict reader per type, made once; errors name path, rule and value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from autoscaler.codec.writing import NUMBERS

T = TypeVar("T")
Reader = Callable[[Any, str], Any]
SHOWN = 80


class CodecError(ValueError):
    """Input that is not what was expected: names the path, the rule and the value."""

    def __init__(self, path: str, rule: str, value: object) -> None:
        try:
            shown = repr(value)
        except RecursionError:
            shown = "something nested too deeply"
        clipped = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
        super().__init__(f"{path or 'the document'} {rule}, got {clipped}")
        self.path = path


def from_tree(hint: Callable[..., T] | type[T], tree: object) -> T:
    """A value of the type `hint`; fields with a default may be absent. Raises CodecError."""
    return cast("T", _reader(cast("Any", hint))(tree, ""))


@cache
def _reader(hint: Any) -> Reader:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _union_reader(arguments)
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is Literal or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _choice_reader(hint, arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(_reader(arguments[0]), _reader(arguments[1]))
    return _fields_reader(cast("type", hint)) if is_dataclass(hint) else _READERS[hint]


def _read_float(value: Any, path: str) -> float:
    if isinstance(value, dict) and value.keys() == {"float"}:
        value = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}.get(str(value["float"]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CodecError(path, "must be a number", value)
    return float(value)


def _read_int(value: Any, path: str) -> int:
    if isinstance(value, dict) and value.keys() == {"int"}:
        digits = str(value["int"])
        if digits.isascii() and digits.removeprefix("-").isdecimal() and len(digits) <= SHOWN:
            return int(digits)
    if type(value) is not int:
        raise CodecError(path, "must be a whole number", value)
    return value


def _read_str(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise CodecError(path, "must be text", value)
    return value


def _read_bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise CodecError(path, "must be true or false", value)
    return value


def _read_number(value: Any, path: str) -> float | str:
    """A fact of a reason: a number or text; a truth value is a whole number to Python."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, dict):
        return (_read_int if "int" in value else _read_float)(value, path)
    if not isinstance(value, int | float):
        raise CodecError(path, "must be a number or text", value)
    return value


_READERS: dict[object, Reader] = {
    float: _read_float,
    int: _read_int,
    str: _read_str,
    bool: _read_bool,
}


def _choice_reader(hint: Any, literals: tuple[Any, ...]) -> Reader:
    known = {text: text for text in literals} or {member.value: member for member in hint}

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, str) or value not in known:
            raise CodecError(path, f"must be one of {', '.join(known)}", value)
        return known[value]

    return read


def _union_reader(members: tuple[Any, ...]) -> Reader:
    if NUMBERS.issuperset(members):
        return _read_number
    present = [member for member in members if member is not NoneType]
    if len(present) == 1:
        only = _reader(present[0])
        return lambda value, path: None if value is None else only(value, path)
    return _either_reader(present)


def _either_reader(classes: list[type]) -> Reader:
    """Which class it is shows by its `kind`, or else by the fields that only it requires."""
    readers = [(cls, _required(cls), _kind(cls), _reader(cls)) for cls in classes]
    names = " or ".join(cls.__name__ for cls in classes)

    def read(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            for _, required, kind, reader in readers:
                if required <= value.keys() and value.get("kind") == kind:
                    return reader(value, path)
        raise CodecError(path, f"must be a {names}", value)

    return read


def _required(cls: type) -> set[str]:
    return {
        field.name
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    }


def _kind(cls: type) -> str | None:
    hint = get_type_hints(cls).get("kind")
    return get_args(hint)[0] if get_origin(hint) is Literal else None


def _tuple_reader(members: tuple[Any, ...]) -> Reader:
    many = members[-1] is Ellipsis
    readers = [_reader(member) for member in members if member is not Ellipsis]

    def read(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise CodecError(path, "must be a list", value)
        if many:
            each = readers[0]
            return tuple([each(item, f"{path}[{at}]") for at, item in enumerate(value)])
        if len(value) != len(readers):
            raise CodecError(path, f"must have {len(readers)} items", value)
        return tuple(
            [
                one(v, f"{path}[{at}]")
                for at, (one, v) in enumerate(zip(readers, value, strict=True))
            ]
        )

    return read


def _mapping_reader(key: Reader, item: Reader) -> Reader:
    def read(value: Any, path: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise CodecError(path, "must be an object", value)
        return {key(k, _below(path, k)): item(v, _below(path, k)) for k, v in value.items()}

    return read


def _fields_reader(cls: type) -> Reader:
    hints = get_type_hints(cls)
    readers = {field.name: _reader(hints[field.name]) for field in fields(cls)}
    required = _required(cls)

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise CodecError(path, f"must be a {cls.__name__}", value)
        if value.keys() - readers.keys():
            odd = min(value.keys() - readers.keys())
            raise CodecError(_below(path, odd), f"is not a field of {cls.__name__}", value[odd])
        if required - value.keys():
            raise CodecError(_below(path, min(required - value.keys())), "is required", value)
        found = {name: readers[name](item, _below(path, name)) for name, item in value.items()}
        try:
            return cls(**found)
        except ValueError as error:  # the class's own rule, such as 0 <= min <= max
            raise CodecError(path, f"is not a {cls.__name__}: {error}", value) from error

    return read


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
