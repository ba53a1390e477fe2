"""Secrets out of everything that is written: by the name of a field, by shape and by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

MASK = "[redacted]"

# A shorter one would black out ordinary words, and no real token is as short.
SHORTEST = 6
# Access tokens are replaced every hour; this many past ones are still worth hiding.
KEPT = 64
DEEPEST = 8

_KEY = re.compile(
    r"(?:^|[_.])(?:authorization|cookie|credentials?|dsn|pass(?:phrase|wd|word)|secret|tokens?"
    r"|(?:access|api|private|secret)_?key|environmentvariables)$"
)
_SHAPES = (
    # JSON Web Tokens: a base64url object, whatever follows.
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}"), rf"\1 {MASK}"),
    (re.compile(r"://([^/?#\s:@]*):[^\s/@]+@"), rf"://\1:{MASK}@"),
)


def is_secret_key(key: str) -> bool:
    """Whether a value under this name is a secret; `token_file` names a file and is not."""
    return _KEY.search(key.casefold().replace("-", "_")) is not None


class Redactor:
    """Knows the secrets that were loaded and takes them out of texts and of log events."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Hide this value from now on, also where it is quoted for a URL or for JSON.

        Values shorter than 6 characters cannot be told from ordinary words and are not hidden.
        """
        if len(secret) < SHORTEST or secret in self._secrets:
            return
        self._secrets[secret] = None
        while len(self._secrets) > KEPT:
            self._secrets.pop(next(iter(self._secrets)))
        forms = {form for each in self._secrets for form in _forms(each)}
        # The longest first: a secret may begin with another one.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered)))

    def scrub(self, text: str) -> str:
        """The text without loaded secrets and without anything in the shape of one."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        for shape, mask in _SHAPES:
            text = shape.sub(mask, text)
        return text

    def event(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """A log event without secrets, at any depth down to 8."""
        return {key: self._value(key, value, 0) for key, value in facts.items()}

    def _value(self, key: str, value: Any, depth: int) -> Any:
        if is_secret_key(key) and value is not None and value != "":
            return MASK
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, Mapping):
            if depth >= DEEPEST:
                return MASK
            return {str(k): self._value(str(k), v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return MASK if depth >= DEEPEST else [self._value("", v, depth + 1) for v in value]
        return value


def _forms(secret: str) -> set[str]:
    escaped = orjson.dumps(secret.encode("utf-8", "replace").decode()).decode()[1:-1]
    shown = repr(secret)[1:-1]
    return {secret, escaped, shown, *_quoted(secret)}


def _quoted(secret: str) -> tuple[str, ...]:
    data = secret.encode("utf-8", "replace")
    return quote(data, safe=""), quote(data), quote_plus(data)
