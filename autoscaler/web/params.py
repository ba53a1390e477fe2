"""What stands in an address: read once, with name, value and rule in every refusal."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Collection, Iterable
from typing import Any

import orjson
from aiohttp import web

from autoscaler.web.problems import problem

SHOWN = 80
LONGEST_TEXT = 200
# No time before 1970 and none after the year 9999.
LATEST = 253_402_300_799.0
MOST_ROWS = 2**63
CURSOR_RULE = "must be the `next` of an answer to the same question"


class BadParameter(Exception):  # noqa: N818 - it reads as what it is
    """A parameter that breaks a rule."""

    def __init__(self, name: str, value: str, rule: str) -> None:
        super().__init__(f"{name} {rule}, got {value[:SHOWN]!r}")
        self.name, self.value, self.rule = name, value[:SHOWN], rule

    def answer(self) -> web.Response:
        """The problem that names it."""
        return problem(400, str(self), parameter=self.name, value=self.value, rule=self.rule)


class Params:
    """The parameters of one request. Unknown and repeated ones are refused at once."""

    def __init__(self, request: web.Request, known: Collection[str]) -> None:
        self._given = request.query
        for name in self._given:
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                rule = f"is not a parameter here (there are: {listed})"
                raise BadParameter(name[:SHOWN], self._given[name], rule)
            if len(self._given.getall(name)) > 1:
                raise BadParameter(name, self._given[name], "must be given once")

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str | None:
        """Text as it is given, None when it is not."""
        value = self._given.get(name)
        if value is not None and (len(value) > longest or "\0" in value):
            raise BadParameter(name, value, f"must be at most {longest} characters, none of them 0")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number in a closed range."""
        text = self._given.get(name)
        if text is None:
            return default
        if text.isascii() and text.isdecimal() and len(text) <= len(str(high)):
            number = int(text)
            if low <= number <= high:
                return number
        raise BadParameter(name, text, f"must be a whole number in {low}..{high}")

    def moment(self, name: str) -> float | None:
        """A time, Unix seconds."""
        text = self._given.get(name)
        if text is None:
            return None
        try:
            number = float(text) if text.isascii() and len(text) <= 24 else math.nan  # noqa: PLR2004 - longer is no time
        except ValueError:
            number = math.nan
        if not 0 <= number <= LATEST or "_" in text:
            raise BadParameter(name, text, "must be Unix seconds, 0 or more")
        return number

    def span(self) -> tuple[float | None, float | None]:
        """`from` and `to`, in order."""
        start, end = self.moment("from"), self.moment("to")
        if start is not None and end is not None and start > end:
            raise BadParameter("from", f"{start:g}", f"must not be after to ({end:g})")
        return start, end

    def one(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of a closed list."""
        return self.some(name, allowed, (default,), most=1)[0]

    def some(
        self, name: str, allowed: Iterable[str], default: tuple[str, ...] = (), most: int = 50
    ) -> tuple[str, ...]:
        """Words of a closed list, with commas between them."""
        text = self._given.get(name)
        if text is None:
            return default
        words, known = text.split(","), tuple(allowed)
        if len(words) > most or any(word not in known for word in words):
            rule = "must be one of" if most == 1 else "must be some of, with commas between:"
            raise BadParameter(name, text, f"{rule} {', '.join(known)}")
        return tuple(dict.fromkeys(words))

    def cursor(self, kind: str, question: object = None) -> Any:
        """What a cursor of this kind and question carries, None without a cursor."""
        text = self._given.get("cursor")
        if text is None:
            return None
        try:
            made, value = orjson.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        except (ValueError, binascii.Error, TypeError):
            made, value = None, None
        if len(text) > 4 * LONGEST_TEXT or made != _mark(kind, question):
            raise BadParameter("cursor", text, CURSOR_RULE)
        return value

    def place(self, kind: str, question: object = None) -> int | None:
        """The row number that a cursor carries; one that is made up gets no further than here."""
        value = self.cursor(kind, question)
        if value is not None and not (type(value) is int and 0 <= value < MOST_ROWS):
            raise BadParameter("cursor", self._given["cursor"], CURSOR_RULE)
        return value

    def mark(self, kind: str, question: object = None) -> str | None:
        """The row's name that a cursor carries; one that is made up gets no further than here."""
        value = self.cursor(kind, question)
        if value is not None and not (isinstance(value, str) and "\0" not in value):
            raise BadParameter("cursor", self._given["cursor"], CURSOR_RULE)
        return value


def cursor(kind: str, value: object, question: object = None) -> str:
    """An opaque cursor: where to go on, good for the same question alone."""
    return base64.urlsafe_b64encode(orjson.dumps([_mark(kind, question), value])).decode()


def _mark(kind: str, question: object) -> str:
    told = orjson.dumps([kind, question])
    return hashlib.blake2b(told, digest_size=6).hexdigest()
