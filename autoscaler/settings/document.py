"""YAML without its traps: 1.2 scalars, no duplicate keys, no tags, bounded, every place known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from autoscaler.settings.problem import Path
from autoscaler.settings.secrecy import is_secret_key, secret_in_text
from autoscaler.settings.units import scalar

LARGEST_FILE = 32 * 1024 * 1024
DEEPEST = 32
# 10,000 deployments with a policy of their own are about 300,000 nodes. Aliases count in full,
# so that nine lines cannot unfold into a billion.
MOST_NODES = 2_000_000
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
LITERAL_RULE = (
    "a secret must not be written in this file: name a file with `*_file` or use the environment"
)
_BREAKS = "\n\r\x85\u2028\u2029"

Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the text itself. `mark` is line and column, from 0.

    `usable` is whether the value that was read is still good for further checks.
    """

    path: Path
    rule: str
    mark: Mark
    at_key: bool = False
    usable: bool = False


@dataclass(slots=True)
class Document:
    """The plain data of one YAML text and where everything in it is written.

    `keys` and `values` are only filled when marks were asked for. `secret_lines` are the lines,
    from 0, that hold a literal secret.
    """

    data: object = None
    flaws: list[Flaw] = field(default_factory=list)
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    secret_lines: set[int] = field(default_factory=set)


class _Stop(Exception):  # noqa: N818 - it ends the reading and never leaves this file
    def __init__(self, path: Path, rule: str, mark: Mark) -> None:
        super().__init__(rule)
        self.flaw = Flaw(path, rule, mark)


class _Events(yaml.CSafeLoader):
    """libyaml's events; composing and constructing are ours."""


@dataclass(slots=True)
class _Anchored:
    value: object
    nodes: int
    lines: range


def read_yaml(text: str, *, marks: bool = False) -> Document:
    """Parse one document. Never raises: what is wrong with it is in `flaws`."""
    document = Document()
    builder = _Builder(document, marks=marks)
    try:
        events = _Events(text)
        try:
            document.data = builder.build(events)
        finally:
            events.dispose()
    except _Stop as stop:
        document.flaws.append(stop.flaw)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line, mark.column) if mark else (0, 0)
        document.flaws.append(Flaw((), f"not valid YAML: {error.problem or error.context}", place))
    except yaml.reader.ReaderError as error:
        document.flaws.append(_unreadable(text, error))
    except (UnicodeError, yaml.YAMLError) as error:
        document.flaws.append(Flaw((), f"not valid YAML: {type(error).__name__}", (0, 0)))
    return document


def _unreadable(text: str, error: yaml.reader.ReaderError) -> Flaw:
    bad = next((i for i, c in enumerate(text) if not (c.isprintable() or c in "\t" + _BREAKS)), 0)
    lines = LINE_BREAK.split(text[:bad])
    return Flaw((), f"not valid YAML: {error.reason}", (len(lines) - 1, len(lines[-1])))


class _Builder:
    def __init__(self, document: Document, *, marks: bool) -> None:
        self._doc = document
        self._marks = marks
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._next: Any = None

    def build(self, events: Any) -> object:
        """The data of the only document in a stream of events."""
        self._next = events.get_event
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return {}
        data = self._node(self._next(), ())
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Stop((), "only one YAML document is read", _start(event))
        return {} if data is None else data

    def _node(self, event: Any, path: Path) -> object:
        if self._marks:
            self._doc.values.setdefault(path, _start(event))
        self._count(1, path, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        else:
            self._check_container(event, path)
            mapping = isinstance(event, yaml.MappingStartEvent)
            value = self._map(path) if mapping else self._list(path)
        if event.anchor is not None:
            lines = range(event.start_mark.line, event.end_mark.line + 1)
            self._anchors[event.anchor] = _Anchored(value, self._nodes - before + 1, lines)
        return value

    def _count(self, nodes: int, path: Path, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise _Stop(path, f"the file must unfold to at most {MOST_NODES} values", _start(event))

    def _check_container(self, event: Any, path: Path) -> None:
        if len(path) >= DEEPEST:
            raise _Stop(path, f"must be nested at most {DEEPEST} deep", _start(event))
        if event.tag is not None:
            self._flaw(path, "YAML tags are not read", _start(event))

    def _scalar(self, event: Any, path: Path) -> object:
        text: str = event.value
        if event.tag is not None and event.tag not in {"!", "tag:yaml.org,2002:str"}:
            self._flaw(path, "YAML tags are not read", _start(event))
        if "://" in text or "ey" in text or " " in text:
            self._look_for_secret(text, path, event)
        # implicit[0] is libyaml's word that the scalar is plain and untagged.
        return scalar(text) if event.implicit[0] else text

    def _look_for_secret(self, text: str, path: Path, event: Any) -> None:
        if secret_in_text(text):
            self._secret(path, event)

    def _alias(self, event: Any, path: Path) -> object:
        found = self._anchors.get(event.anchor)
        if found is None:
            raise _Stop(path, f"no value is anchored as &{event.anchor} before", _start(event))
        self._count(found.nodes, path, event)
        return found.value

    def _list(self, path: Path) -> list[object]:
        items: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _map(self, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        first_lines: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path)
            inner = (*path, key)
            if self._marks:
                self._doc.keys.setdefault(inner, _start(event))
            node = self._next()
            value = self._node(node, inner)
            if key in first_lines:
                rule = f"is written twice, first in line {first_lines[key] + 1}"
                flaw = Flaw(inner, rule, _start(event), at_key=True, usable=True)
                self._doc.flaws.append(flaw)
                continue
            if is_secret_key(key) and not isinstance(value, dict) and value is not None:
                self._secret(inner, node)
            found[key] = value
            first_lines[key] = event.start_mark.line
        return found

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Stop(path, "a key must be plain text", _start(event))
        if event.value == "<<" and event.implicit[0]:
            raise _Stop(
                path, "merge keys are not read: use `defaults` and groups instead", _start(event)
            )
        # A key is its text: `on:` and `1:` are names here.
        return str(event.value)

    def _secret(self, path: Path, event: Any) -> None:
        anchored = self._anchors.get(event.anchor) if event.anchor else None
        if anchored is not None:
            self._doc.secret_lines.update(anchored.lines)
        lines = range(event.start_mark.line, event.end_mark.line + 1)
        self._doc.secret_lines.update(lines)
        # A file that is nothing but a secret has no key.
        self._flaw(path, LITERAL_RULE, _start(event), at_key=bool(path))

    def _flaw(self, path: Path, rule: str, mark: Mark, *, at_key: bool = False) -> None:
        self._doc.flaws.append(Flaw(path, rule, mark, at_key))


def _start(event: Any) -> Mark:
    return event.start_mark.line, event.start_mark.column
