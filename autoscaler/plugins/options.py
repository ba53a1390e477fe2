"""Options of a plug-in: plain data in, its own frozen dataclass out, or every fault with its place.

Strict as JSON is: `true` is no number and "5" is none either, but a list fills a tuple and a word
an enumeration. Fields of unit "s" take durations, under their name or without its `_s`.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, get_type_hints
from weakref import WeakKeyDictionary

from autoscaler.plugins.hints import Built, nested_in, plain
from autoscaler.settings.environment import parsed
from autoscaler.settings.explain import unknown
from autoscaler.settings.problem import HIDDEN, Fault
from autoscaler.settings.shape import wants_text
from autoscaler.settings.units import Given, seconds

_SECONDS_SUFFIX = "_s"
_MISSING = dataclasses.MISSING
Told = TypeVar("Told")


def of_class(ask: Callable[[type], Told]) -> Callable[[type], Told]:
    """Ask once a class, and let go of the answer with it.

    Every reload makes new classes of the plug-ins in directories; a cache that held them would
    grow by 10 kB each time.
    """
    known: WeakKeyDictionary[type, Told] = WeakKeyDictionary()

    @wraps(ask)
    def asked(cls: type) -> Told:
        try:
            return known[cls]
        except KeyError:
            return known.setdefault(cls, ask(cls))

    return asked


def build_options(cls: type, raw: object) -> Built:
    """An instance of a dataclass from plain data. Never raises."""
    if not isinstance(raw, dict):
        return Built(None, (Fault((), "must be a map", raw),))
    spelt, faults = _spelt(cls, raw)
    values: dict[str, Any] = {}
    for name, key in spelt.items():
        built = _value(_hints(cls)[name], _field(cls, name), raw[key])
        faults += [dataclasses.replace(f, path=(key, *f.path)) for f in built.faults]
        if not built.faults:
            values[name] = built.value
    missing = [
        Fault((item.name,), "is required", at_key=True)
        for item in option_fields(cls)
        if item.name not in spelt and item.default is item.default_factory is _MISSING
    ]
    if missing or (faults and _required(cls) - values.keys()):
        return Built(None, (*faults, *missing))
    return _constructed(cls, values, spelt, raw, faults)


def option_fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """The fields that a configuration may fill."""
    return tuple(item for item in dataclasses.fields(cls) if item.init)


def spellings(item: dataclasses.Field[Any]) -> tuple[str, ...]:
    """The keys that fill a field, the shortest first."""
    if item.metadata.get("unit") == "s" and item.name.endswith(_SECONDS_SUFFIX):
        return item.name.removesuffix(_SECONDS_SUFFIX), item.name
    return (item.name,)


@of_class
def _keys(cls: type) -> Mapping[str, str]:
    """Field by key."""
    names = {item.name for item in option_fields(cls)}
    keys = {
        key: item.name
        for item in option_fields(cls)
        for key in spellings(item)
        if key == item.name or key not in names
    }
    return types.MappingProxyType(keys)


def _spelt(cls: type, raw: Mapping[str, object]) -> tuple[dict[str, str], list[Fault]]:
    keys = _keys(cls)
    spelt: dict[str, str] = {}
    faults: list[Fault] = []
    for key, value in raw.items():
        name = keys.get(key)
        if name is None:
            shortest = [spellings(item)[0] for item in option_fields(cls)]
            faults.append(unknown((key,), shortest))
        elif name in spelt:
            rule = f"is the same option as {spelt[name]}: write it once"
            faults.append(Fault((key,), rule, at_key=True))
        elif value is not None:
            spelt[name] = key
    return spelt, faults


def _required(cls: type) -> set[str]:
    return {
        item.name for item in option_fields(cls) if item.default is item.default_factory is _MISSING
    }


def _constructed(
    cls: type,
    values: dict[str, Any],
    spelt: Mapping[str, str],
    raw: Mapping[str, object],
    faults: list[Fault],
) -> Built:
    """Make the instance; each rule that `__post_init__` finds broken is taken out to find more."""
    instance: Any = None
    while True:
        try:
            instance = cls(**values)
        except (ValueError, TypeError) as error:
            name, rule = _blamed(str(error), values, spelt)
            key = spelt.get(name, "")
            at = (key,) if key else ()
            if key and _field(cls, name).metadata.get("unit") == "s" and rule[-1:].isdigit():
                rule += " s"
            value = raw[key] if key and not isinstance(raw[key], dict | list) else HIDDEN
            faults.append(Fault(at, rule, value))
            if not key or name not in values or name in _required(cls):
                break
            del values[name]
        except Exception as bug:  # noqa: BLE001 - a plug-in's bug is reported, not passed on
            faults.append(Fault((), f"its own check crashed with {type(bug).__name__}"))
            break
        else:
            break
    return Built(None, tuple(faults)) if faults else Built(instance)


def _blamed(text: str, values: Mapping[str, Any], spelt: Mapping[str, str]) -> tuple[str, str]:
    """The field that a message begins with, and the message without what is shown anyhow."""
    found = re.match(r"(\w+)\b:? *", text)
    name = found[1] if found else ""
    if found is None or name not in spelt:
        return "", text
    # The value that was written ("5m") follows; the one that was checked (300.0) need not.
    rest = text[found.end() :]
    checked = f", got {values.get(name)!r}"
    return name, rest.removesuffix(checked) or text


@of_class
def _hints(cls: type) -> Mapping[str, Any]:
    return types.MappingProxyType(get_type_hints(cls, include_extras=True))


def hints_of(cls: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields."""
    return _hints(cls)


def _field(cls: type, name: str) -> dataclasses.Field[Any]:
    return next(item for item in dataclasses.fields(cls) if item.name == name)


def _value(hint: Any, item: dataclasses.Field[Any], value: object) -> Built:
    if isinstance(value, Given):
        value = str(value) if wants_text(hint) else parsed(value)
    if item.metadata.get("unit") == "s":
        try:
            value = _in_seconds(value)
        except ValueError as error:
            return Built(None, (Fault((), str(error), value),))
    return _typed(hint, value)


def _in_seconds(value: object) -> object:
    if isinstance(value, list):
        return [_in_seconds(each) for each in value]
    return seconds(value) if isinstance(value, str | int | float) else value


def _typed(hint: Any, value: object) -> Built:
    """A value of a type; dataclasses inside it are built like the options themselves."""
    nested = nested_in(hint)
    if nested is None:
        return plain(hint, value)
    shape, cls = nested
    if shape in {"one", "optional"}:
        return Built(None) if value is None else build_options(cls, value)
    if shape == "map" and isinstance(value, dict):
        return _together(cls, value, dict)
    if shape != "map" and isinstance(value, list):
        return _together(cls, dict(enumerate(value)), lambda found: _HOLDERS[shape](found.values()))
    return Built(None, (Fault((), f"must be a {'map' if shape == 'map' else 'list'}", value),))


_HOLDERS: dict[str, Any] = {"tuple": tuple, "list": list, "frozenset": frozenset}


def _together(cls: type, values: Mapping[Any, object], hold: Any) -> Built:
    built = {key: build_options(cls, value) for key, value in values.items()}
    faults = tuple(
        dataclasses.replace(fault, path=(key, *fault.path))
        for key, each in built.items()
        for fault in each.faults
    )
    return Built(None, faults) if faults else Built(hold({k: b.value for k, b in built.items()}))
