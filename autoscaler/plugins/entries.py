"""Policy entries: which policy, with which options, for which dials, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, cast

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.proposal import Apart, Condition, Policy, PolicyEntry
from autoscaler.plugins.layers import Plain
from autoscaler.plugins.options import build_options, spellings
from autoscaler.plugins.parts import Part, quoting
from autoscaler.plugins.registry import ENTRY_KEYS, PluginError, Registry
from autoscaler.settings.problem import Fault, meant, one_of

_DIALS = {dial.value: dial for dial in DIALS}


class Entries:
    """Builds policy entries; `build_condition` compiles a `when`, ValueError when it cannot.

    With `isolate`, policies that did not come with the daemon are evaluated apart from it.
    """

    def __init__(
        self,
        registry: Registry,
        build_condition: Callable[[object], Condition],
        *,
        isolate: bool = False,
    ) -> None:
        self._registry = registry
        self._build_condition = build_condition
        self._isolate = isolate

    def part(self, data: Plain) -> Part[tuple[PolicyEntry, ...]]:
        """The entries in the order of the configuration, without those that are at fault."""
        faults: list[Fault] = []
        entries = [self._entry(name, each, faults) for name, each in data.items()]
        return Part(tuple(e for e in entries if e is not None), tuple(faults))

    def _entry(self, name: str, data: object, faults: list[Fault]) -> PolicyEntry | None:
        said = data if isinstance(data, dict) else {}
        found: list[Fault] = []
        dials = _dials(said.get("dials"), found)
        shadow = _switch("shadow", said, found)
        isolate = _switch("isolate", said, found)
        when = self._when(said.get("when"), found)
        policy = self._policy(name, said, found)
        faults += [replace(fault, path=("policies", name, *fault.path)) for fault in found]
        if found or policy is None:
            return None
        kind = str(said.get("kind", name))
        if isolate is None:
            isolate = self._isolate and not self._registry.is_own(kind)
        apart = Apart(kind, _options(said)) if isolate else None
        return PolicyEntry(name, policy, dials, when, shadow is True, apart)

    def _policy(self, name: str, said: Plain, faults: list[Fault]) -> Policy | None:
        kind = said.get("kind", name)
        try:
            cls: type = self._registry.policy(str(kind))
        except KeyError:
            known = self._registry.policies()
            hint = meant(str(kind), known) or f" (policies: {one_of(known)})"
            faults.append(Fault(("kind",), f"names no policy{hint}", kind))
            return None
        except PluginError as error:
            faults.append(Fault(("kind",), str(error), kind))
            return None
        options = {key: value for key, value in said.items() if key not in ENTRY_KEYS}
        built = build_options(cls, options)
        faults += built.faults
        return cast("Policy | None", built.value)

    def _when(self, value: object, faults: list[Fault]) -> Condition | None:
        if value is None:
            return None
        try:
            return self._build_condition(value)
        except ValueError as error:
            faults.append(quoting(("when",), str(error), value))
        except Exception as bug:  # noqa: BLE001 - a plug-in's bug is reported, not passed on
            faults.append(Fault(("when",), f"reading it crashed with {type(bug).__name__}"))
        return None


def _options(said: Plain) -> str:
    options = {key: value for key, value in said.items() if key not in ENTRY_KEYS}
    return json.dumps(options, sort_keys=True)


def _switch(key: str, said: Plain, faults: list[Fault]) -> bool | None:
    """True or false as it was said; None when nothing was."""
    value = said.get(key)
    if value is None or isinstance(value, bool):
        return value
    faults.append(Fault((key,), "must be true or false", value))
    return None


def _dials(value: object, faults: list[Fault]) -> frozenset[Dial]:
    if value is None:
        return frozenset(DIALS)
    if not isinstance(value, list) or not value:
        faults.append(Fault(("dials",), f"must be a list of {one_of(tuple(_DIALS))}", value))
        return frozenset(DIALS)
    known = [isinstance(each, str) and each in _DIALS for each in value]
    for index, each in enumerate(value):
        if not known[index]:
            rule = f"must be one of {one_of(tuple(_DIALS))}{meant(str(each), _DIALS)}"
            faults.append(Fault(("dials", index), rule, each))
    return frozenset(_DIALS[each] for each, is_one in zip(value, known, strict=True) if is_one)


def needs_faults(entries: Iterable[PolicyEntry], signals: Mapping[str, object]) -> list[Fault]:
    """A fault for every signal that a policy or a condition reads and the deployment lacks."""
    return [
        fault
        for entry in entries
        for part, key in ((entry.policy, ""), (entry.when, "when"))
        if part is not None
        for fault in _lacking(entry.name, part, key, signals)
    ]


def _lacking(
    name: str, reader: Policy | Condition, key: str, signals: Mapping[str, object]
) -> list[Fault]:
    try:
        needs = tuple(reader.needs)
    except Exception as bug:  # noqa: BLE001 - a plug-in's bug is reported, not passed on
        rule = f"its needs cannot be told: {type(bug).__name__}"
        return [Fault(("policies", name), rule)]
    return [
        Fault(
            ("policies", name, *([key] if key else _field_that_names(reader, need))),
            f"reads a signal that the deployment does not have{_hint(need, signals)}",
            need,
        )
        for need in needs
        if need not in signals
    ]


def _hint(need: str, signals: Mapping[str, object]) -> str:
    return meant(need, signals) or f" (signals: {one_of(tuple(signals))})"


def _field_that_names(policy: Any, need: str) -> list[str]:
    for item in fields(policy):
        if getattr(policy, item.name) == need:
            return [spellings(item)[0]]
    return []
