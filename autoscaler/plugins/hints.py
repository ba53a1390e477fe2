"""Types of options: which hold dataclasses, and the strict validators of all the others."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from autoscaler.settings.explain import rule_of
from autoscaler.settings.problem import HIDDEN, Fault, Path
from autoscaler.settings.tree import inner

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """An instance, or None with the reasons why there is none. Paths begin at the options."""

    value: Any
    faults: tuple[Fault, ...] = ()


def nested_in(hint: Any) -> tuple[str, type] | None:
    """How a type holds a dataclass: one, optional, tuple, list, frozenset or map of it."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return "one", hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return nested_in(arguments[0])
    shape = _shape(origin)
    if origin in {Union, types.UnionType}:
        arguments = tuple(each for each in arguments if each is not type(None))
        shape = "optional" if len(arguments) == 1 else ""
    held = nested_in(arguments[-1 if shape == "map" else 0]) if shape and arguments else None
    return (shape, held[1]) if held is not None and held[0] == "one" else None


def _shape(origin: Any) -> str:
    if origin is None or not isinstance(origin, type):
        return ""
    if issubclass(origin, Mapping):
        return "map"
    for kind, name in ((tuple, "tuple"), (frozenset, "frozenset"), (list, "list")):
        if issubclass(origin, kind):
            return name
    return "tuple" if issubclass(origin, Sequence) else ""


def plain(hint: Any, value: object) -> Built:
    """A value of a type without dataclasses in it, as strict as JSON is. Never raises."""
    try:
        text = json.dumps(value, allow_nan=False)
        return Built(adapter_of(hint).validate_json(text, strict=True))
    except ValidationError as error:
        return Built(None, tuple(_faults(error, value)))
    except (ValueError, TypeError) as error:
        return Built(None, (Fault((), f"cannot be read: {type(error).__name__}"),))


def _faults(error: ValidationError, value: object) -> list[Fault]:
    faults: dict[tuple[Path, str], Fault] = {}
    for each in error.errors(include_url=False, include_input=False):
        path, found = _written(tuple(each["loc"]), value)
        rule = rule_of(each)
        shown = HIDDEN if isinstance(found, dict | list) and path else found
        faults.setdefault((path, rule), Fault(path, rule, shown))
    return list(faults.values())


def _written(loc: Path, value: object) -> tuple[Path, object]:
    """The part of a validator's location that exists in the data: unions add names of types."""
    path: list[str | int] = []
    for part in loc:
        below = inner(value, part)
        if below is not None:
            value = below
            path.append(part)
    return tuple(path), value


def adapter_of(hint: Any) -> TypeAdapter[Any]:
    """A strict validator for a field's type."""
    try:
        return TypeAdapter(hint, config=_STRICT)
    except PydanticUserError:
        # A type with a configuration of its own refuses another.
        return TypeAdapter(hint)
