"""The configuration's only door: one YAML file, the environment over it, secrets by file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from autoscaler.settings.explain import faults_of
from autoscaler.settings.fleet import GroupShape, Layer, SourceShape
from autoscaler.settings.notify import SinkShape
from autoscaler.settings.problem import ConfigError, Fault, Path
from autoscaler.settings.secrecy import fault_of_file
from autoscaler.settings.sections import Controls, Journal, Log, Platform, Plugins
from autoscaler.settings.shape import Name
from autoscaler.settings.tracing import Tracing
from autoscaler.settings.tree import Tree
from autoscaler.settings.web import Web


class _TreeSource(PydanticBaseSettingsSource):
    """The only source: our own reading of file and environment, places included."""

    def __init__(self, settings_cls: type[BaseSettings], tree: Tree) -> None:
        super().__init__(settings_cls)
        self._data = {key: value for key, value in tree.data.items() if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class's signature
        """The value of one section."""
        return self._data.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All sections, unknown ones too, so that they are refused."""
        return self._data


class Settings(BaseSettings):
    """The configuration, checked as far as it can be without plug-ins; frozen."""

    model_config = SettingsConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    platform: Platform
    """Foundry: where it is, who we are there, and how gently it is asked."""
    sources: dict[Name, SourceShape] = Field(default_factory=dict)
    """Where load metrics come from, by name."""
    defaults: Layer = Layer()
    """What every deployment starts from; groups and deployments override single values."""
    groups: dict[Name, GroupShape] = Field(default_factory=dict)
    """Deployments by the interval at which they are decided."""
    journal: Journal = Journal()
    """The durable record."""
    web: Web = Web()
    """The HTTP face."""
    log: Log = Log()
    """The log."""
    controls: Controls = Controls()
    """How operators stop the daemon."""
    tracing: Tracing | None = None
    """Where the steps of ticks are sent; nowhere when left out."""
    notify: dict[Name, SinkShape] = Field(default_factory=dict)
    """Who is told of what matters, by name."""
    plugins: Plugins = Plugins()
    """Where else policies are found."""

    _tree: Tree = PrivateAttr()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only ours: it lays the environment over the file itself, to know who gave what."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        return (_TreeSource(settings_cls, given["tree"]),)

    @property
    def tree(self) -> Tree:
        """The configuration as it was written, for everything that reports places."""
        return self._tree

    @property
    def file(self) -> FilePath:
        """The file that it was read from."""
        return FilePath(self._tree.file)

    @property
    def pause_file(self) -> FilePath:
        """The file whose existence pauses the fleet."""
        return self.file.absolute().parent / self.controls.pause_file


def load(path: FilePath, environ: Mapping[str, str] | None = None) -> Settings:
    """Read, check and freeze the configuration. Raises ConfigError with every problem found."""
    tree = read_tree(path, environ)
    settings, faults = examine(tree)
    problems = [*tree.problems, *map(tree.problem, faults)]
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def read_tree(path: FilePath, environ: Mapping[str, str] | None = None) -> Tree:
    """The configuration as plain data. Raises ConfigError when the file cannot be read."""
    return Tree.of_file(path, os.environ if environ is None else environ)


def examine(tree: Tree) -> tuple[Settings | None, list[Fault]]:
    """The settings of a tree, or None; and what is wrong with it."""
    try:
        settings = Settings(tree=tree)  # type: ignore[call-arg]  # taken by our source
    except ValidationError as error:
        faults = faults_of(error, Settings, tree.data)
        # A value that was refused before, such as a literal secret, is not "missing" as well.
        return None, [f for f in faults if not _told(f.path, tree.flawed)] + _file_faults(tree)
    settings._tree = tree  # noqa: SLF001 - our own, and its class cannot be given it earlier
    return settings, _file_faults(tree)


def _told(path: Path, flawed: tuple[Path, ...]) -> bool:
    return any(each[: len(path)] == path for each in flawed)


def _secret_files(tree: Tree) -> list[Path]:
    """Paths of the secret files that will be read; one that a variable replaces is not."""
    found: list[Path] = []
    for section in (("platform", "auth"), ("journal",), ("tracing",), *_named(tree)):
        for key in _keys(tree.at(section)):
            stem = key.removesuffix("_file")
            if key in {stem, "ca_file"} or tree.variable_gave((*section, stem)):
                continue
            found.append((*section, key))
    return [*found, ("web", "tls", "key_file")]


def _plain_files(tree: Tree) -> list[Path]:
    """Paths of other files that will be read: certificates, hashes, public keys."""
    tokens = tree.at(("web", "tokens"))
    hashes = range(len(tokens)) if isinstance(tokens, list) else ()
    return [
        *((*at, "ca_file") for at in (("platform",), ("tracing",), *_named(tree))),
        *(("web", "tls", name) for name in ("cert_file", "client_ca_file")),
        ("web", "oidc", "jwks_file"),
        *(("web", "tokens", index, "sha256_file") for index in hashes),
    ]


def _named(tree: Tree) -> list[Path]:
    """Sections that name files of their own: every source and every sink."""
    places = ("sources", "notify")
    return [(place, name) for place in places for name in _keys(tree.at((place,)))]


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _file_faults(tree: Tree) -> list[Fault]:
    faults: list[Fault] = []
    for path in _secret_files(tree):
        file = tree.at(path)
        rule = fault_of_file(file) if isinstance(file, str) else ""
        if rule:
            faults.append(Fault(path, rule, file))
    for path in _plain_files(tree):
        file = tree.at(path)
        if isinstance(file, str) and not _readable(file):
            faults.append(Fault(path, "the file cannot be read", file))
    return faults


def _readable(file: str) -> bool:
    try:
        return FilePath(file).is_file() and os.access(file, os.R_OK)
    except (OSError, ValueError):
        return False


def watch_files(settings: Settings) -> tuple[FilePath, ...]:
    """Files whose change is a reason to load again: the configuration, secrets, CAs, policies.

    Directories are listed at each call, so that asking again finds a policy file that is new.
    """
    tree = settings.tree
    named = [tree.at(path) for path in (*_secret_files(tree), *_plain_files(tree))]
    files = [FilePath(tree.file), *(FilePath(name) for name in named if isinstance(name, str))]
    for directory in settings.plugins.directories:
        files += sorted(FilePath(directory).glob("*.py"))
    return tuple(dict.fromkeys(files))


__all__ = ["Settings", "examine", "load", "read_tree", "watch_files"]
