"""Finds policies, sources and guards by name. Only what is asked for is imported."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from autoscaler.core.guards import GUARDS
from autoscaler.core.proposal import Policy

# By string: nothing imports a policy or a source by name, so adding or deleting one touches
# nothing else.
POLICIES = "policies"
SOURCES = "autoscaler.sources"
POLICY_ENTRY_POINTS = "autoscaler.policies"
SOURCE_ENTRY_POINTS = "autoscaler.sources"


class PluginError(Exception):
    """A plug-in that is missing, broken or not what it should be; the text says which and why."""


GUARD_TYPES: Mapping[str, type] = MappingProxyType(
    {guard.__module__.rpartition(".")[2]: guard for guard in GUARDS}
)


class Registry:
    """The policies and source kinds that can be used, by name.

    `directories` hold files of further policies. Raises PluginError for one that everybody may
    write to, or that cannot be read; a name that is found twice is refused.
    """

    def __init__(self, directories: Sequence[str] = ()) -> None:
        self.directories = tuple(directories)
        self._policies: dict[str, Callable[[], type[Policy]]] = {}
        self._sources: dict[str, Callable[[], Any]] = {}
        self._loaded: dict[tuple[str, str], Any] = {}
        for name in _modules(POLICIES):
            self._add(self._policies, name, partial(_packaged_policy, name))
        self._own = frozenset(self._policies)
        for point in _points(POLICY_ENTRY_POINTS, *sys.path):
            self._add(self._policies, point.name, partial(_installed_policy, point))
        for directory in directories:
            for file in _files(Path(directory)):
                self._add(self._policies, file.stem, partial(_policy_file, file))
        for name in _modules(SOURCES):
            self._add(self._sources, name, partial(_packaged_source, name))
        for point in _points(SOURCE_ENTRY_POINTS, *sys.path):
            self._add(self._sources, point.name, partial(_installed_source, point))

    def policies(self) -> tuple[str, ...]:
        """Names of all policies, sorted."""
        return tuple(sorted(self._policies))

    def sources(self) -> tuple[str, ...]:
        """Names of the modules that may be source kinds, sorted."""
        return tuple(sorted(self._sources))

    def policy(self, name: str) -> type[Policy]:
        """The policy's dataclass. Raises KeyError when unknown, PluginError when broken."""
        found: type[Policy] = self._load("policy", name, self._policies[name])
        return found

    def is_own(self, name: str) -> bool:
        """Whether this policy came with the daemon."""
        return name in self._own

    def source(self, name: str) -> Any:
        """The SourceKind. Raises KeyError when unknown or no source, PluginError when broken."""
        found = self._load("source", name, self._sources[name])
        if found is None:
            raise KeyError(name)
        return found

    def _load(self, what: str, name: str, loader: Callable[[], Any]) -> Any:
        if (what, name) not in self._loaded:
            try:
                self._loaded[what, name] = loader()
            except PluginError:
                raise
            except Exception as error:
                text = f"{what} {name!r} cannot be loaded: {type(error).__name__}: {error}"
                raise PluginError(text[:400]) from error
        return self._loaded[what, name]

    @staticmethod
    def _add(known: dict[str, Any], name: str, loader: Callable[[], Any]) -> None:
        if name in known:
            raise PluginError(f"the name {name!r} is taken: two plug-ins cannot share it")
        known[name] = loader


@cache
def _points(group: str, *_places: str) -> importlib.metadata.EntryPoints:
    # Reads a file of every installed package: once a process and search path is enough.
    return importlib.metadata.entry_points(group=group)


def _modules(package: str) -> list[str]:
    try:
        paths = importlib.import_module(package).__path__
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        return []
    found = pkgutil.iter_modules(paths)
    return sorted(each.name for each in found if not each.ispkg and not each.name.startswith("_"))


def _packaged_policy(name: str) -> type[Policy]:
    return policy_of(importlib.import_module(f"{POLICIES}.{name}"))


def _installed_policy(point: importlib.metadata.EntryPoint) -> type[Policy]:
    found = point.load()
    return policy_of(found) if isinstance(found, ModuleType) else _checked(found, point.value)


def _packaged_source(name: str) -> Any:
    return getattr(importlib.import_module(f"{SOURCES}.{name}"), "SOURCE", None)


def _installed_source(point: importlib.metadata.EntryPoint) -> Any:
    found = point.load()
    found = found.SOURCE if isinstance(found, ModuleType) else found
    if not all(hasattr(found, part) for part in ("options", "query", "build")):
        raise PluginError(f"{point.value} is no SourceKind")
    return found


def policy_of(module: ModuleType) -> type[Policy]:
    """The one public policy of a module. Raises PluginError when there is none, or several."""
    found = [
        cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__
        and not name.startswith("_")
        and dataclasses.is_dataclass(cls)
        and callable(getattr(cls, "propose", None))
    ]
    if len(found) != 1:
        names = ", ".join(cls.__name__ for cls in found) or "none"
        raise PluginError(
            f"{module.__name__} must hold one public dataclass with `propose`, it holds {names}"
        )
    return _checked(found[0], module.__name__)


def _checked(cls: Any, where: str) -> type[Policy]:
    params = getattr(cls, "__dataclass_params__", None)
    if not (dataclasses.is_dataclass(cls) and callable(getattr(cls, "propose", None))):
        raise PluginError(f"{where} is no dataclass with `propose`")
    if not getattr(params, "frozen", False):
        raise PluginError(f"{where} must be frozen: @dataclass(frozen=True)")
    taken = sorted(ENTRY_KEYS & {item.name for item in dataclasses.fields(cls)})
    if taken:
        raise PluginError(f"{where} has an option {taken[0]!r}, which is every entry's own")
    policy: type[Policy] = cls  # type: ignore[assignment]  # checked just now
    return policy


ENTRY_KEYS = frozenset({"kind", "dials", "shadow", "when", "isolate"})


def _files(directory: Path) -> list[Path]:
    try:
        _check_writers(directory)
        files = sorted(directory.glob("*.py"))
        for file in files:
            _check_writers(file)
    except OSError as error:
        raise PluginError(f"{directory} cannot be read: {error.strerror}") from error
    if not directory.is_dir():
        raise PluginError(f"{directory} is no directory")
    return [file for file in files if not file.name.startswith("_")]


def _check_writers(path: Path) -> None:
    if path.stat().st_mode & stat.S_IWOTH:
        raise PluginError(f"everybody may write to {path}: run chmod o-w {path}")


def _policy_file(file: Path) -> type[Policy]:
    # A module's name is global; the digest keeps equal names of two directories apart.
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    name = f"autoscaler_policy_{digest}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    # Dataclasses look their own module up while they are made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        return policy_of(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise


def policy_types(directories: Sequence[str] = ()) -> Mapping[str, type[Policy]]:
    """Every policy by name. Raises PluginError for a broken one."""
    registry = Registry(directories)
    return MappingProxyType({name: registry.policy(name) for name in registry.policies()})


def source_kinds() -> Mapping[str, Any]:
    """Every source kind by name. Raises PluginError for a broken one."""
    registry = Registry()
    found: dict[str, Any] = {}
    for name in registry.sources():
        try:
            found[name] = registry.source(name)
        except KeyError:
            continue
    return MappingProxyType(found)
