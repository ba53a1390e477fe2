"""From settings to the roster: groups of deployments with their policies, guards and signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, cast

from autoscaler.core.observation import Mode
from autoscaler.plugins.conditions import build_condition
from autoscaler.plugins.entries import Entries, needs_faults
from autoscaler.plugins.layers import Layers, Plain
from autoscaler.plugins.options import build_options
from autoscaler.plugins.parts import (
    DEFAULT_LABEL,
    Memo,
    Part,
    Signals,
    capacity_faults,
    capacity_of,
    farewell_faults,
    farewell_of,
    forecast_faults,
    forecasts_of,
    guards_of,
    limits_of,
)
from autoscaler.plugins.registry import PluginError, Registry
from autoscaler.ports import Clock, Source, SourceWatch
from autoscaler.roster import FORECAST_SIGNALS, Discovery, FleetSpec, Group, Managed
from autoscaler.settings import ConfigError, Fault, Settings, Tree, examine, read_tree
from autoscaler.settings.problem import Path, dotted, meant, one_of
from autoscaler.settings.tree import inner
from autoscaler.settings.units import seconds

SECTIONS = (
    "mode",
    "priority",
    "limits",
    "signals",
    "forecasts",
    "capacity",
    "policies",
    "guards",
    "on_shutdown",
)
DEFAULT_MODE = Mode.RECOMMEND
DEFAULT_INTERVAL_S = 15.0


def assemble(settings: Settings) -> tuple[Group, ...]:
    """Everybody who is managed, and how. Raises ConfigError with every problem found."""
    return assembled(settings.tree)


def assembled(tree: Tree) -> tuple[Group, ...]:
    """The same of a tree, whatever the sections say that have nothing to do with it."""
    assembly = Assembly(tree)
    groups = assembly.groups()
    if assembly.faults:
        raise ConfigError(tree.problem(fault) for fault in assembly.faults)
    return groups


def check(
    path: FilePath, environ: Mapping[str, str] | None = None
) -> tuple[Settings, tuple[Group, ...]]:
    """Load and assemble. Raises ConfigError with the problems of both at once."""
    return checked(read_tree(path, environ))


def checked(tree: Tree, registry: Registry | None = None) -> tuple[Settings, tuple[Group, ...]]:
    """The same of a tree, with plug-ins that were found before instead of those that it names."""
    settings, faults = examine(tree)
    told = [fault.path for fault in faults]
    assembly = Assembly(tree.without_faulty(told), registry)
    groups = assembly.groups()
    told += tree.flawed
    faults += [fault for fault in assembly.faults if not _follows(fault.path, told)]
    problems = [*tree.problems, *map(tree.problem, faults)]
    if problems or settings is None:
        raise ConfigError(problems)
    return settings, groups


def _follows(path: Path, told: list[Path]) -> bool:
    """Whether a fault may only be there because something around it was taken out."""
    return any(path[: len(each)] == each or each[: len(path)] == path for each in told)


def build_sources(settings: Settings, watch: SourceWatch, clock: Clock) -> Mapping[str, Source]:
    """Every source, connected to nothing yet. Raises ConfigError for options that cannot work."""
    return sources_of(settings.tree, watch, clock)


def sources_of(tree: Tree, watch: SourceWatch, clock: Clock) -> Mapping[str, Source]:
    """The same of a tree."""
    assembly = Assembly(tree)
    found: dict[str, Source] = {}
    for name, (kind, options) in assembly.sources.items():
        try:
            found[name] = cast("Source", kind.build(name, options, watch, clock))
        except ValueError as error:
            word, _, rest = str(error).partition(" ")
            known = word in _map(tree.at(("sources", name)))
            path: Path = ("sources", name, word) if known else ("sources", name)
            assembly.fault(Fault(path, rest if known else str(error)))
    if assembly.faults:
        raise ConfigError(tree.problem(fault) for fault in assembly.faults)
    return found


class Assembly:
    """One pass over a configuration. What is wrong is gathered in `faults`, never raised."""

    def __init__(self, tree: Tree, registry: Registry | None = None) -> None:
        self._tree = tree
        self._faults: dict[tuple[Path, str], Fault] = {}
        self._registry = registry or self._find_plugins()
        self.sources: dict[str, tuple[Any, Any]] = {}
        kinds = {name: self._source(name) for name in _map(tree.at(("sources",)))}
        # `true` of the environment is text until somebody knows what it is for.
        isolate = str(inner(tree.at(("plugins",)), "isolate")).lower() == "true"
        entries = Entries(self._registry, build_condition, isolate=isolate)
        self._limits = Memo(limits_of)
        self._guards = Memo(guards_of)
        self._signals = Memo(Signals(kinds).part)
        self._forecasts = Memo(forecasts_of)
        self._capacity = Memo(capacity_of)
        self._policies = Memo(entries.part)
        self._farewell = Memo(farewell_of)
        self._needs: dict[tuple[int, ...], list[Fault]] = {}
        self._label_sets: dict[int, tuple[Plain, tuple[str, ...]]] = {}
        self._first: dict[tuple[str, ...], Path] = {}

    @property
    def faults(self) -> list[Fault]:
        """Everything that is wrong, each thing once."""
        return list(self._faults.values())

    def fault(self, fault: Fault) -> None:
        """Remember what is wrong."""
        self._faults.setdefault((fault.path, fault.rule), fault)

    def groups(self) -> tuple[Group, ...]:
        """The groups, complete when there are no faults."""
        defaults = Layers.root(self._tree, SECTIONS, ("defaults",))
        names = _map(self._tree.at(("groups",)))
        return tuple(self._group(name, defaults.over(("groups", name))) for name in names)

    def _find_plugins(self) -> Registry:
        directories = inner(self._tree.at(("plugins",)), "directories")
        listed = directories if isinstance(directories, list) else []
        try:
            return Registry([each for each in listed if isinstance(each, str)])
        except PluginError as error:
            self.fault(Fault(("plugins", "directories"), str(error)))
            return Registry()

    def _source(self, name: str) -> Any:
        path: Path = ("sources", name)
        said = _map(self._tree.at(path))
        word = said.get("kind")
        try:
            kind = self._registry.source(str(word))
        except KeyError:
            known = self._registry.sources()
            hint = meant(str(word), known) or f" (kinds: {one_of(known)})"
            self.fault(Fault((*path, "kind"), f"names no kind of source{hint}", word))
            return None
        except PluginError as error:
            self.fault(Fault((*path, "kind"), str(error), word))
            return None
        built = build_options(kind.options, {k: v for k, v in said.items() if k != "kind"})
        for fault in built.faults:
            self.fault(replace(fault, path=(*path, *fault.path)))
        if not built.faults:
            self.sources[name] = (kind, built.value)
        return kind

    def _group(self, name: str, layers: Layers) -> Group:
        path: Path = ("groups", name)
        said = _map(self._tree.at(path))
        members = [
            self._member(name, each, layers.over((*path, "deployments", each)))
            for each in _map(said.get("deployments"))
        ]
        found = said.get("discover")
        discoveries = [
            self._discovery(name, layers.over((*path, "discover", index)))
            for index in range(len(found) if isinstance(found, list) else 0)
        ]
        if not members and not discoveries:
            self.fault(Fault(path, "must have deployments or discover", at_key=True))
        return Group(
            name=name,
            interval_s=_seconds(said.get("interval"), DEFAULT_INTERVAL_S),
            members=tuple(members),
            discoveries=tuple(discoveries),
            fleet=self._fleet((*path, "fleet"), said.get("fleet")),
        )

    def _fleet(self, path: Path, said: object) -> FleetSpec:
        built = build_options(FleetSpec, _map(said))
        for fault in built.faults:
            self.fault(replace(fault, path=(*path, *fault.path)))
        return FleetSpec() if built.faults else cast("FleetSpec", built.value)

    def _member(self, group: str, name: str, layers: Layers) -> Managed:
        path = layers.places[-1]
        said = _map(self._tree.at(path))
        rid = said.get("rid")
        managed = self._managed(group, name, str(rid or ""), said, layers)
        if name == "fleet" or name.startswith("group:"):
            rule = "fleet and group:NAME are what a pause can name; no deployment may be called so"
            self.fault(Fault(path, rule, at_key=True))
        rule = "the name is taken: it is that of {first} too"
        self._once(("name", name), path, Fault(path, rule, at_key=True))
        if rid is not None:
            rule = "is managed twice, first as {first}"
            self._once(("rid", managed.rid), path, Fault((*path, "rid"), rule, rid))
        for label in self._labels(layers):
            rule = f"must be unique for the label {label!r} in its group, but {{first}} has it too"
            fault = Fault((*path, "match"), rule, managed.match)
            self._once(("match", group, label, managed.match), path, fault)
        return managed

    def _discovery(self, group: str, layers: Layers) -> Discovery:
        said = _map(self._tree.at(layers.places[-1]))
        name = str(said.get("name") or "{rid}")
        return Discovery(
            model_rid=str(said.get("model_rid") or ""),
            template=self._managed(group, name, "", said, layers),
            include=_texts(said.get("include")),
            exclude=_texts(said.get("exclude")),
        )

    def _managed(self, group: str, name: str, rid: str, said: Plain, layers: Layers) -> Managed:
        limits, guards, signals, forecasts, policies = (
            self._limits.part(layers.map("limits")),
            self._guards.part(layers.map("guards")),
            self._signals.part(layers.map("signals")),
            self._forecasts.part(layers.map("forecasts")),
            self._policies.part(layers.map("policies")),
        )
        capacity = self._capacity.part(layers.map("capacity"))
        farewell = self._farewell.part(layers.map("on_shutdown"))
        parts: tuple[Part[Any], ...] = (
            limits,
            guards,
            signals,
            forecasts,
            policies,
            capacity,
            farewell,
        )
        beyond = farewell_faults(farewell.value, limits.value)
        for fault in (*(f for part in parts for f in part.faults), *beyond):
            self.fault(replace(fault, path=layers.origin(fault.path)))
        key = id(policies), id(signals), id(forecasts), id(capacity)
        if key not in self._needs:
            ahead = {name + part for name in forecasts.value for part in FORECAST_SIGNALS}
            known = {**signals.value, **dict.fromkeys(ahead)}
            self._needs[key] = [
                *forecast_faults(forecasts.value, signals.value),
                *capacity_faults(layers.map("capacity"), signals.value),
                *needs_faults(policies.value, known),
            ]
        for fault in self._needs[key]:
            self.fault(replace(fault, path=layers.origin(fault.path)))
        return Managed(
            name=name,
            rid=rid,
            group=group,
            match=str(said.get("match") or name),
            mode=Mode(str(layers.sections["mode"] or DEFAULT_MODE.value)),
            limits=limits.value,
            policies=policies.value,
            guards=guards.value,
            # Whole when there are no faults, and with faults nobody gets to see it.
            signals=cast("Any", signals.value),
            priority=int(cast("int", layers.sections["priority"] or 0)),
            forecasts=forecasts.value,
            capacity=capacity.value,
            on_shutdown=farewell.value,
        )

    def _labels(self, layers: Layers) -> tuple[str, ...]:
        """The labels that tell a deployment apart in its signals; the same for equal signals."""
        signals = layers.map("signals")
        known = self._label_sets.get(id(signals))
        if known is None:
            said = {str(_map(each).get("label", DEFAULT_LABEL)) for each in signals.values()}
            # The signals are kept beside their labels: an id is only good while its object lives.
            known = self._label_sets[id(signals)] = signals, tuple(sorted(said))
        return known[1]

    def _once(self, key: tuple[str, ...], path: Path, fault: Fault) -> None:
        first = self._first.setdefault(key, path)
        if first != path:
            self.fault(replace(fault, rule=fault.rule.format(first=dotted(first))))


def _map(value: object) -> Plain:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _seconds(value: object, otherwise: float) -> float:
    return otherwise if value is None else seconds(value)
