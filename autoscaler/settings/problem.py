"""What is wrong with a configuration: where, which value, which rule. All of it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

# Beyond this a list helps nobody: it is one mistake in a template.
MOST_SHOWN = 50
LONGEST_VALUE = 80


class Hidden:
    """The value of a fault that must not, or need not, be shown."""


HIDDEN = Hidden()


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule at a path of the configuration, before anybody asked where that is written.

    `at_key` points at the key itself and not at its value.
    """

    path: Path
    rule: str
    value: object = HIDDEN
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule and its place.

    `file` is a file's path, or `$NAME` for a value from the environment; `line` and `column`
    count from 1, 0 means that there is none. `value` is as shown to people, empty when there
    is nothing to show; a secret is never in it. `excerpt` is the source line with its caret.
    """

    file: str
    line: int
    column: int
    field: str
    value: str
    rule: str
    excerpt: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        said = f"{self.field}: {self.rule}" if self.field else self.rule
        got = f", got {self.value}" if self.value else ""
        return f"{place}: {said}{got}" + (f"\n{self.excerpt}" if self.excerpt else "")


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column))
        )
        super().__init__(self.text())

    def text(self) -> str:
        """The problems for people, the first 50 of them in full."""
        shown = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        left = len(self.problems) - len(shown)
        if left:
            shown.append(f"... and {left} more")
        return "\n".join(shown)


def dotted(path: Path) -> str:
    """A path as people write it: `groups.online.discover[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def show(value: object) -> str:
    """A value as people wrote it, short; containers only by their kind."""
    if isinstance(value, Hidden):
        return ""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest known word, empty when none is near."""
    choices = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    return f" (did you mean '{choices[near[0]]}'?)" if near else ""


def one_of(known: Sequence[str]) -> str:
    """The words to choose from, in a sentence."""
    return ", ".join(known) if known else "nothing (none is installed)"
