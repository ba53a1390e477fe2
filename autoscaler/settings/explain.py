"""A validator's findings in the words of this product: which option, which rule, what was meant."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from autoscaler.settings.problem import HIDDEN, Fault, Path, meant
from autoscaler.settings.tree import inner
from autoscaler.settings.units import Given

_RULES = {
    "missing": "is required",
    "string_type": "must be text (quote it)",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "model_type": "must be a map",
    "dict_type": "must be a map",
    "mapping_type": "must be a map",
    "dataclass_type": "must be a map",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
}
_BOUNDS = frozenset({"greater_than_equal", "greater_than", "less_than_equal", "less_than"})
_NAME_RULE = "a name must match {pattern}"


def faults_of(error: ValidationError, model: type[BaseModel], data: object) -> list[Fault]:
    """Every finding of a validation of `data` against `model`, as faults with their paths."""
    found = error.errors(include_url=False, include_input=False)
    return [_fault(each, model, data) for each in found]


def _fault(error: Mapping[str, Any], model: type[BaseModel], data: object) -> Fault:
    path: Path = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return unknown(path, options_of(_inside(model, path[:-1])))
    if path and path[-1] == "[key]" and "pattern" in error.get("ctx", {}):
        path = path[:-1]
        return Fault(path, _NAME_RULE.format(**error["ctx"]), str(path[-1]), at_key=True)
    value: object = data
    for part in path:
        value = inner(value, part)
    missing = error["type"] == "missing"
    is_value = not isinstance(value, dict | list) or error["type"].endswith("_type")
    rule = rule_of(error)
    if error["type"] in _BOUNDS and isinstance(value, str) and not isinstance(value, Given):
        rule += " s"  # only a duration is text and has bounds
    return Fault(path, rule, HIDDEN if missing or not is_value else value, at_key=missing)


def unknown(path: Path, known: Sequence[str], what: str = "option") -> Fault:
    """The fault of a key that does not exist, with the one that was probably meant."""
    hint = meant(str(path[-1]), known)
    return Fault(path, f"unknown {what}{hint or _choices(known)}", at_key=True)


def _choices(known: Sequence[str]) -> str:
    return f" (known: {', '.join(known)})" if known else ""


def rule_of(error: Mapping[str, Any]) -> str:
    """The rule that one finding of the validator broke."""
    context = error.get("ctx") or {}
    if error["type"] == "value_error":
        return str(context.get("error", error["msg"]))
    if error["type"] == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    rule = _RULES.get(error["type"])
    if rule is None:
        return str(error["msg"])
    numbers = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
    return rule.format(**numbers)


def options_of(annotation: Any) -> tuple[str, ...]:
    """The option names of a model that may be written in a file."""
    model = _model(annotation)
    if model is None:
        return ()
    return tuple(
        name for name, field in model.model_fields.items() if not _environment_only(field.metadata)
    )


def _environment_only(metadata: Sequence[object]) -> bool:
    return any(type(each).__name__ == "SkipJsonSchema" for each in metadata)


def _model(annotation: Any) -> type[BaseModel] | None:
    for each in _alternatives(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return tuple(a for each in get_args(annotation) for a in _alternatives(each))
    return (annotation,)


def _inside(annotation: Any, path: Path) -> Any:
    """The annotation of the value at a path inside a value of the given annotation."""
    for part in path:
        annotation = _step(annotation, part)
    return annotation


def _step(annotation: Any, part: str | int) -> Any:
    model = _model(annotation)
    if model is not None:
        field = model.model_fields.get(str(part))
        return Any if field is None else field.annotation
    for each in _alternatives(annotation):
        arguments = get_args(each)
        if get_origin(each) is dict:
            return arguments[1]
        if get_origin(each) in {list, tuple}:
            return arguments[0]
    return Any
