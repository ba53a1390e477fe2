"""What stands in a body: JSON, bounded, read strictly; refusals name field, value and rule."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from aiohttp import hdrs, web

from autoscaler.web.access.gate import Refused
from autoscaler.web.problems import problem

LARGEST = 64 * 1024
DEEPEST = 16
# A body of 64 KiB that takes longer is held back on purpose.
PATIENCE_S = 5.0
SHOWN = 80
# Something to read, in one line. What Python calls printable leaves out invisible marks besides.
ALLOWED = r" -~\u00a1-\u2027\u2030-\ud7ff"
LINE_PATTERN = (
    rf"^[{ALLOWED}]*[!-~\u00a1-\u1fff\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff][{ALLOWED}]*$"
)
LINE = re.compile(LINE_PATTERN)


class BadField(Exception):  # noqa: N818 - it reads as what it is
    """A field that breaks a rule."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        super().__init__(f"{name} {rule}, got {shown(value)}")
        self.name, self.value, self.rule = name, value, rule

    def answer(self) -> web.Response:
        """The problem that names it."""
        return problem(422, str(self), field=self.name, value=shown(self.value), rule=self.rule)


def shown(value: object) -> str:
    """A value for a message, short."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


async def json_of(request: web.Request) -> Mapping[str, Any]:
    """The JSON object in the body. Raises Refused for anything else."""
    kind = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get(hdrs.CONTENT_ENCODING):
        text = "the body must be application/json, not compressed"
        raise Refused(problem(415, text, {"Accept": "application/json"}))
    if (request.content_length or 0) > LARGEST:
        raise Refused(problem(413, f"the body must have at most {LARGEST} bytes"))
    try:
        async with asyncio.timeout(PATIENCE_S):
            body = await request.read()
    except TimeoutError:
        answer = problem(408, f"the body did not arrive within {PATIENCE_S:g} s")
        answer.force_close()
        raise Refused(answer) from None
    return parsed(body)


def parsed(body: bytes) -> Mapping[str, Any]:
    """A JSON object of plain finite values, no key twice. Raises Refused."""
    try:
        text = body.decode("utf-8")
        if deep(text) > DEEPEST:
            _refuse(f"must be nested at most {DEEPEST} deep")
        tree = json.loads(
            text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        _refuse(f"must be JSON: {str(error)[:SHOWN]}")
    if not isinstance(tree, dict):
        _refuse("must be an object")
    return tree


def _refuse(rule: str) -> NoReturn:
    raise Refused(problem(400, f"the body {rule}", field="", rule=rule))


def deep(text: str) -> int:
    """How deep brackets are nested, those inside of strings left out."""
    depth = most = 0
    quoted = escaped = False
    for char in text:
        if quoted:
            escaped, quoted = char == "\\" and not escaped, escaped or char != '"'
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            most = max(most, depth)
        elif char in "]}":
            depth -= 1
    return most


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:40]!r} is there twice")
        found[key] = value
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large for a number")
    return number


class Fields:
    """The fields of one body. Unknown ones are refused at once."""

    def __init__(self, given: Mapping[str, Any], known: Collection[str]) -> None:
        self._given = given
        for name in given:
            if name not in known:
                rule = f"is not a field here (there are: {', '.join(sorted(known))})"
                raise BadField(name[:SHOWN], given[name], rule)

    def __contains__(self, name: str) -> bool:
        return self._given.get(name) is not None

    def text(self, name: str, longest: int) -> str:
        """Text that says something, in one line."""
        value = self._given.get(name)
        text = value if isinstance(value, str) else ""
        if len(text) > longest or not text.isprintable() or not LINE.fullmatch(text):
            rule = f"must be text of 1..{longest} printable characters"
            raise BadField(name, value, rule)
        return text.strip()

    def one(self, name: str, allowed: Collection[str]) -> str:
        """One of a closed list."""
        value = self._given.get(name)
        if not isinstance(value, str) or value not in allowed:
            raise BadField(name, value, f"must be one of {', '.join(allowed)}")
        return value

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number in a closed range."""
        value = self._given.get(name)
        # 8.0 is a whole number to JSON, true is none.
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0.5
        if number != int(number) or not low <= number <= high:
            raise BadField(name, value, f"must be a whole number in {low}..{high}")
        return int(number)

    def number(self, name: str, low: float, high: float) -> float:
        """A number in a closed range."""
        value = self._given.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadField(name, value, "must be a number")
        if not low <= value <= high:
            raise BadField(name, value, f"must be in {low:g}..{high:g}")
        return float(value)

    def true(self, name: str) -> bool:
        """Whether it is true; False when it is not there. Nothing else is taken."""
        value = self._given.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadField(name, value, "must be true or false")
        return value is True

    def table(self, name: str, most: int) -> Mapping[str, Any]:
        """An object with at most so many keys."""
        value = self._given.get(name)
        if not isinstance(value, dict) or not 1 <= len(value) <= most:
            raise BadField(name, value, f"must be an object with 1..{most} keys")
        return value
