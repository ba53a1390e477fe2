"""What a valid configuration may not mean: calendars that disagree, windows that are too short.

Generic by attribute: a policy, a condition or a guard with `windows` tells how many seconds of
which signal it looks at, one with `warnings(at)` tells what looks like a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autoscaler.core.decide import Guard
from autoscaler.core.proposal import PolicyEntry
from autoscaler.roster import Group, Managed, SignalSpec

Reader = tuple[str, object]
"""What reads signals, and how it is called in a sentence."""

Asked = Callable[[Reader], Iterable[str]]


def doubts(groups: Sequence[Group], at: float) -> list[str]:
    """Sentences about what may be a mistake, each once with its deployments; `at`: Unix seconds."""
    found: dict[str, list[str]] = {}
    # Ten thousand deployments share a handful of parts, so each combination is asked once.
    known: dict[tuple[int, ...], tuple[str, ...]] = {}
    for member in _members(groups):
        key = id(member.policies), id(member.guards), id(member.signals)
        if key not in known:
            known[key] = tuple(_doubts(member, at))
        for sentence in known[key]:
            found.setdefault(sentence, []).append(member.name)
    return [f"{_whose(names)}: {sentence}" for sentence, names in found.items()]


def _members(groups: Iterable[Group]) -> Iterator[Managed]:
    for group in groups:
        yield from group.members
        yield from (each.template for each in group.discoveries)


def _doubts(member: Managed, at: float) -> Iterator[str]:
    for reader in (*_of_policies(member.policies), *_of_guards(member.guards)):
        yield from _asked(reader, lambda each: _short(each, member.signals))
        yield from _asked(reader, lambda each: _warnings(each, at))


def _of_policies(entries: Iterable[PolicyEntry]) -> Iterator[Reader]:
    for entry in entries:
        yield f"policy {entry.name}", entry.policy
        if entry.when is not None:
            yield f"`when` of policy {entry.name}", entry.when


def _of_guards(guards: Iterable[Guard]) -> Iterator[Reader]:
    return ((f"guard {type(guard).__name__.lower()}", guard) for guard in guards)


def _asked(reader: Reader, ask: Asked) -> tuple[str, ...]:
    try:
        return tuple(ask(reader))
    except Exception as bug:  # noqa: BLE001 - a plug-in's bug is told, and spoils no check
        return (f"{reader[0]} cannot be asked what it looks at: {type(bug).__name__}",)


def _short(reader: Reader, signals: Mapping[str, SignalSpec]) -> Iterator[str]:
    name, part = reader
    windows: Mapping[str, float] = getattr(part, "windows", None) or {}
    for signal, needed in windows.items():
        spec = signals.get(signal)  # a forecast's signals have no past
        if spec is not None and spec.window_s < needed:
            yield (
                f"{name} looks at {needed:g} s of {signal}, but signals.{signal}.window keeps "
                f"{spec.window_s:g} s: make it at least {needed:g}s"
            )


def _warnings(reader: Reader, at: float) -> Iterator[str]:
    name, part = reader
    warnings: Any = getattr(part, "warnings", None)
    return (f"{name}: {text}" for text in (warnings(at) if callable(warnings) else ()))


NAMED = 3
"""So many deployments are named in one sentence."""


def _whose(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
