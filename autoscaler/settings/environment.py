"""The environment as a layer over the file: AUTOSCALER_PLATFORM__URL sets platform.url."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.settings.document import read_yaml
from autoscaler.settings.problem import Fault, Path
from autoscaler.settings.units import Given, scalar

PREFIX = "AUTOSCALER_"
NESTED = "__"
# Their options belong to plug-ins, so a value is read as YAML would read it in the file. Elsewhere
# it stays text until the option is known: a client id of digits is no number.
FLEET = frozenset({"defaults", "groups"})


@dataclass(frozen=True, slots=True)
class Overlay:
    """The file's data with the environment over it, and which variable gave which path."""

    data: dict[str, object]
    variables: Mapping[Path, str]
    faults: tuple[tuple[str, Fault], ...] = ()


def overlay(data: dict[str, object], environ: Mapping[str, str]) -> Overlay:
    """Lay every `AUTOSCALER_A__B=value` over the data, which itself stays as it is.

    Every option lies at least two levels deep, so a name without `__` is not ours: a cluster
    that runs a service called "autoscaler" sets AUTOSCALER_PORT and the like in each container.
    """
    variables: dict[Path, str] = {}
    faults: list[tuple[str, Fault]] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or NESTED not in name:
            continue
        parts = name[len(PREFIX) :].split(NESTED)
        if not all(parts):
            faults.append((name, Fault((), "must read AUTOSCALER_SECTION__OPTION")))
            continue
        path = _path(data, parts)
        if path is None:
            faults.append((name, Fault((), "one item of a list cannot be set: set the list")))
            continue
        data = _with(data, path, _value(path, environ[name]))
        variables[path] = name
    return Overlay(data, variables, tuple(faults))


def _path(data: object, parts: list[str]) -> Path | None:
    """The path that the parts name, in the spelling of the keys that exist already."""
    path: list[str] = []
    for part in parts:
        if isinstance(data, list):
            return None
        keys = data if isinstance(data, dict) else {}
        known = {str(key).casefold().replace("-", "_"): str(key) for key in keys}
        key = known.get(part.casefold(), part.lower())
        path.append(key)
        data = keys.get(key)
    return tuple(path)


def _with(data: object, path: Path, value: object) -> dict[str, object]:
    copy = dict(data) if isinstance(data, dict) else {}
    key = str(path[0])
    copy[key] = value if len(path) == 1 else _with(copy.get(key), path[1:], value)
    return copy


def _value(path: Path, text: str) -> object:
    return parsed(text) if path[0] in FLEET else Given(text)


def parsed(text: str) -> object:
    """Text as YAML would read it; `[a, b]` and `{a: 1}` when they parse, else as they stand."""
    text = str(text)
    if text[:1] in {"[", "{", '"', "'"}:
        document = read_yaml(text)
        return text if document.flaws else document.data
    return scalar(text)
