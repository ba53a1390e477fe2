"""What an option of a plug-in must refuse, read from the field's own metadata."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from autoscaler.plugins.options import option_fields

NO_SUCH_WORD = "a word that is not allowed"


@dataclasses.dataclass(frozen=True, slots=True)
class Outside:
    """A value outside an option's range, and the rule that it breaks."""

    option: str
    value: object
    rule: str


def options_inside(options: Any) -> Iterator[Any]:
    """The options, and every dataclass of options within them."""
    yield options
    for item in option_fields(type(options)):
        for each in _held(getattr(options, item.name)):
            yield from options_inside(each)


def outside(options: Any) -> Iterator[Outside]:
    """One value just outside each bound of each option of one dataclass."""
    for item in option_fields(type(options)):
        for value, rule in _beyond(item.metadata):
            yield Outside(item.name, value, rule)
        if item.metadata.get("doc") is not None and "float" in str(item.type):
            for value in (math.nan, math.inf, -math.inf):
                yield Outside(item.name, value, "a finite number")


def accepts(options: Any, outsider: Outside) -> str:
    """What is wrong with how the options take a value outside; empty when they refuse it."""
    shown = f"{outsider.option}: {outsider.value!r}"
    try:
        dataclasses.replace(options, **{outsider.option: outsider.value})
    except ValueError as error:
        if outsider.option in str(error):
            return ""
        return f"{shown} is refused without naming the option: {error}"
    except Exception as error:  # noqa: BLE001 - whatever else it raises is the finding
        return f"{shown} must be refused with ValueError, it raised {type(error).__name__}"
    return f"{shown} must be refused: it is not {outsider.rule}"


def _beyond(rules: Mapping[str, Any]) -> Iterator[tuple[object, str]]:
    for key, step in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
        bound = rules.get(key)
        if bound is not None:
            yield bound + step, f"{key} {bound}"
    if rules.get("one_of"):
        yield NO_SUCH_WORD, f"one of {', '.join(rules['one_of'])}"


def _held(value: object) -> Iterator[Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _held(each)
    elif isinstance(value, tuple | list | frozenset):
        for each in value:
            yield from _held(each)
