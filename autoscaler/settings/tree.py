"""One file with the environment over it, as plain data that knows where each value came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath

from autoscaler.settings.document import (
    LARGEST_FILE,
    LINE_BREAK,
    Document,
    Flaw,
    Mark,
    read_yaml,
)
from autoscaler.settings.environment import overlay, parsed
from autoscaler.settings.problem import (
    HIDDEN,
    ConfigError,
    Fault,
    Path,
    Problem,
    dotted,
    show,
)
from autoscaler.settings.secrecy import near_secret_key, suspicious_line
from autoscaler.settings.units import Given

_WIDEST = 120
# Where secrets live, of a line only the part in question is shown.
_PRIVATE_SECTIONS = frozenset({"platform", "sources", "journal"})
_NOWHERE = (-1, -1)
_AUTH = ("platform", "auth")
_OPEN_KEYS = frozenset({"client_id", "client_secret_file", "scopes", "token_file"})
_ONE_KEY = re.compile(r"\s*(?:- )?(?:[\w.-]+:\s+)?")
_UNTIL_NEXT = re.compile(r"[,}\]#]")
_FILE_SECTIONS = ("platform", "sources", "journal", "web", "log", "notify", "tracing")


class Tree:
    """The configuration before its shape is known. Nothing in it is changed after it is made.

    Places are looked up by reading the text a second time with marks, which only happens when
    something is wrong: it keeps 10,000 deployments cheap.
    """

    def __init__(self, file: str, text: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self._text = text
        self._marked: Document | None = None
        document = read_yaml(text)
        data = document.data if isinstance(document.data, dict) else {}
        self.problems: list[Problem] = [self._flawed(flaw) for flaw in document.flaws]
        if not isinstance(document.data, dict) and not document.flaws:
            self.problems.append(self.problem(Fault((), "must be a map", document.data)))
        self.broken = any(not flaw.path for flaw in document.flaws)
        laid = overlay(data, environ)
        self._variables = laid.variables
        self.problems += [Problem(f"${n}", 0, 0, "", "", f.rule) for n, f in laid.faults]
        # A flawed value, such as a literal secret, is out of the way of every later check.
        self.flawed = tuple(f.path for f in document.flaws if f.path and not f.usable)
        self.data = _absolute(without(laid.data, self.flawed), FilePath(file).parent)

    @classmethod
    def of_file(cls, path: FilePath, environ: Mapping[str, str]) -> Tree:
        """Read a file. Raises ConfigError when it cannot be read at all."""
        rule = ""
        raw = b""
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            rule = f"the file cannot be read: {why}"
        if len(raw) > LARGEST_FILE:
            rule = f"the file must be at most {LARGEST_FILE} bytes long"
        if rule:
            raise ConfigError([Problem(str(path), 0, 0, "", "", rule)])
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = error.start - raw.rfind(b"\n", 0, error.start)
            raise ConfigError(
                [Problem(str(path), line, column, "", "", "the file must be UTF-8 text")]
            ) from None
        tree = cls(str(path), text, environ)
        if tree.broken:
            # Whatever else could be said would be about the part before the break.
            raise ConfigError(tree.problems)
        return tree

    def at(self, path: Path) -> object:
        """The value at a path, None when there is none."""
        found: object = self.data
        for part in path:
            found = inner(found, part)
        return found

    def problem(self, fault: Fault) -> Problem:
        """A fault with its place, its value and its source line, as far as these may be shown."""
        path = fault.path
        private = _is_private(path)
        value = HIDDEN if private else fault.value
        if isinstance(value, str) and any(map(suspicious_line, value.splitlines())):
            value = HIDDEN
        field, shown = dotted(path), show(value)
        variable = self._variable(path)
        if variable:
            return Problem(f"${variable}", 0, 0, field, shown, fault.rule)
        mark, length = self._mark(path, at_key=fault.at_key)
        if mark == _NOWHERE:
            return Problem(self.file, 0, 0, field, shown, fault.rule)
        excerpt = "" if private else self._excerpt(mark, path, length)
        return Problem(self.file, mark[0] + 1, mark[1] + 1, field, shown, fault.rule, excerpt)

    def variable_gave(self, path: Path) -> bool:
        """Whether the environment gave exactly this value."""
        return path in self._variables

    def replaced(self, path: Path, value: object) -> Tree:
        """The tree with another value at a path of maps and lists that exists, or in its map."""
        other = object.__new__(Tree)
        other.__dict__.update(self.__dict__)
        changed = _replaced(self.data, path, value)
        other.data = changed if isinstance(changed, dict) else self.data
        return other

    def without_faulty(self, paths: Iterable[Path]) -> Tree:
        """The tree with the values at these paths taken out, places and all else kept."""
        rest = object.__new__(Tree)
        rest.__dict__.update(self.__dict__)
        rest.data = without(self.data, tuple(paths))
        return rest

    def _flawed(self, flaw: Flaw) -> Problem:
        line, column = flaw.mark
        name = dotted(flaw.path)
        length = len(str(flaw.path[-1])) if flaw.at_key else 0
        excerpt = self._excerpt(flaw.mark, flaw.path, length)
        return Problem(self.file, line + 1, column + 1, name, "", flaw.rule, excerpt)

    def _variable(self, path: Path) -> str:
        for end in range(len(path), 0, -1):
            if path[:end] in self._variables:
                return self._variables[path[:end]]
        if path and path not in self._document().keys:
            # A map that only variables made: the first of them names it.
            made = [v for p, v in self._variables.items() if p[: len(path)] == path]
            return made[0] if made else ""
        return ""

    def _mark(self, path: Path, *, at_key: bool) -> tuple[Mark, int]:
        """Line and column, and the key's length when the place is a key (else 0)."""
        document = self._document()
        if not at_key and path in document.values:
            return document.values[path], 0
        for end in range(len(path), 0, -1):
            if path[:end] in document.keys:
                return document.keys[path[:end]], len(str(path[end - 1]))
            if path[:end] in document.values:
                return document.values[path[:end]], 0
        return document.values.get((), _NOWHERE) if not path else _NOWHERE, 0

    def _document(self) -> Document:
        if self._marked is None:
            self._marked = read_yaml(self._text, marks=True)
        return self._marked

    def _excerpt(self, mark: Mark, path: Path, length: int) -> str:
        line, column = mark
        lines = self._lines()
        if line >= len(lines) or column >= _WIDEST or line in self._document().secret_lines:
            return ""
        # A line that cannot be parsed may go on with a secret that began above it.
        around = lines[line : line + 1] if path else lines[max(0, line - 2) : line + 1]
        if any(suspicious_line(each) for each in around):
            return ""
        text = "".join(c if c.isprintable() else " " for c in lines[line])
        before, after = text[:column], text[column:]
        if length:
            # Whatever follows an unknown key may be anything, so it is not repeated.
            quotes = 2 if after[:1] in {"'", '"'} else 0
            after = after[: length + quotes + 1]
        if path and path[0] in _PRIVATE_SECTIONS:
            before = before if _ONE_KEY.fullmatch(before) else " " * column
            after = _UNTIL_NEXT.split(after)[0]
        if not after.strip():
            return ""
        return f"{line + 1:>6} | {(before + after)[:_WIDEST]}\n       | {' ' * column}^"

    def _lines(self) -> list[str]:
        return LINE_BREAK.split(self._text)


def _is_private(path: Path) -> bool:
    """Whether what stands at a path may be a secret, misspelt or misplaced."""
    if path[:2] == _AUTH and (len(path) == len(_AUTH) or path[2] not in _OPEN_KEYS):
        return True
    return any(near_secret_key(str(part)) for part in path)


def inner(data: object, part: str | int) -> object:
    """One step down into plain data, None when it is not there."""
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
        return data[part]
    return None


def without(data: dict[str, object], paths: tuple[Path, ...]) -> dict[str, object]:
    """A copy of the data in which the values at the paths are null, which means left out."""
    for path in paths:
        if path:
            data = _nulled(data, path)
    return data


def _nulled(data: dict[str, object], path: Path) -> dict[str, object]:
    if path[0] not in data:
        return data
    copy = dict(data)
    key = str(path[0])
    copy[key] = _item_nulled(copy[key], path[1:])
    return copy


def _item_nulled(value: object, path: Path) -> object:
    if not path:
        return None
    if isinstance(value, dict):
        return _nulled(value, path)
    if isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        items = list(value)
        items[path[0]] = _item_nulled(items[path[0]], path[1:])
        return items
    return value


def _absolute(data: dict[str, object], folder: FilePath) -> dict[str, object]:
    """File names (`*_file`) are relative to the configuration file, as everybody expects."""
    found = {k: _files(v, folder) if k in _FILE_SECTIONS else v for k, v in data.items()}
    plugins = found.get("plugins")
    if isinstance(plugins, dict):
        given = plugins.get("directories")
        listed = parsed(given) if isinstance(given, Given) else given
        if isinstance(listed, list):
            places = [str(folder / each) if isinstance(each, str) else each for each in listed]
            found["plugins"] = {**plugins, "directories": places}
    return found


def _files(data: object, folder: FilePath) -> object:
    if not isinstance(data, dict):
        return data
    return {
        key: str(folder / value)
        if isinstance(value, str) and str(key).endswith("_file")
        else _files(value, folder)
        for key, value in data.items()
    }


def _replaced(data: object, path: Path, value: object) -> object:
    if not path:
        return value
    if isinstance(data, list):
        return [_replaced(v, path[1:], value) if i == path[0] else v for i, v in enumerate(data)]
    below = data if isinstance(data, dict) else {}
    return {**below, path[0]: _replaced(below.get(path[0]), path[1:], value)}
