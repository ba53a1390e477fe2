"""A configuration with other policies for one deployment, checked by the code that checks files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath

from autoscaler.plugins.assemble import assembled
from autoscaler.plugins.layers import merged
from autoscaler.roster import Group, Managed
from autoscaler.settings import ConfigError, Tree, examine, read_tree
from autoscaler.settings.problem import Path


class UntriableError(ValueError):
    """What was asked for cannot be tried; the text names field, value and rule."""


def tried(
    path: FilePath,
    name: str,
    policies: Mapping[str, object],
    group: str = "",
    environ: Mapping[str, str] | None = None,
) -> tuple[Group, ...]:
    """The configuration of `path` with `policies` laid over those of the deployment `name`.

    A policy that is null is taken out. `group` says where a discovered deployment belongs to.
    Raises UntriableError with every problem of the policies, ConfigError for one of the file.
    """
    tree = read_tree(path, environ)
    if tree.problems:
        raise ConfigError(tree.problems)
    places = _places(tree, name, group)
    if not places:
        raise UntriableError(f"deployment {name!r} is not in the configuration")
    for place in places:
        section = tree.at(place)
        options = dict(section) if isinstance(section, dict) else {}
        below = options.get("policies")
        options["policies"] = _laid(below if isinstance(below, dict) else {}, policies)
        tree = tree.replaced(place, options)
    # Credentials of the platform, the journal and the page do not matter here.
    own = [f for f in examine(tree)[1] if any(f.path[: len(p)] == p for p in places)]
    if own:
        raise UntriableError(_text(f"{_short(f.path, places)}: {f.rule}" for f in own))
    try:
        return assembled(tree)
    except ConfigError as error:
        texts = (_named(p.field, p.rule, p.value) for p in error.problems)
        raise UntriableError(_text(texts)) from error


def member(groups: tuple[Group, ...], name: str, group: str = "") -> tuple[Managed, Group] | None:
    """A deployment and its group; the template of the group's discovery for a discovered one."""
    for each in groups:
        for managed in each.members:
            if managed.name == name:
                return managed, each
    for each in groups:
        if each.name == group and each.discoveries:
            return each.discoveries[0].template, each
    return None


def _places(tree: Tree, name: str, group: str) -> list[Path]:
    groups = tree.at(("groups",))
    known = groups if isinstance(groups, dict) else {}
    for each in known:
        own = tree.at(("groups", each, "deployments"))
        if isinstance(own, dict) and name in own:
            return [("groups", each, "deployments", name)]
    found = tree.at(("groups", group, "discover")) if group in known else None
    size = len(found) if isinstance(found, list) else 0
    return [("groups", group, "discover", index) for index in range(size)]


def _laid(below: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Laid on one another, keeping nulls: those take away what defaults and groups say."""
    gone = {key: None for key, value in {**below, **over}.items() if value is None}
    return {**merged(below, over), **{key: None for key in gone if over.get(key) is None}}


def _short(path: Path, places: list[Path]) -> str:
    rest = next((path[len(place) :] for place in places if path[: len(place)] == place), path)
    return ".".join(map(str, rest))


def _named(field: str, rule: str, value: str) -> str:
    _, found, rest = field.rpartition("policies.")
    place = f"policies.{rest}" if found else field
    return f"{place}: {rule}" + (f", got {value}" if value else "")


def _text(parts: object) -> str:
    return "; ".join(dict.fromkeys(parts))  # type: ignore[call-overload]  # an iterable of texts
