"""Bearer tokens, kept as SHA-256 alone.

A token is 256 random bits, so a plain hash is as good as a slow one: nobody can try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.web.access.person import Person, Role

PREFIX = "fas_"
LONGEST = 512


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is configured: whose, for what, and its hash."""

    name: str
    role: Role
    sha256: bytes


class Tokens:
    """All tokens. Every one is compared each time, in constant time, found or not."""

    def __init__(self, tokens: Sequence[Token] = ()) -> None:
        self._tokens = tuple(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def person(self, secret: str) -> Person | None:
        """Whose token this is."""
        told = digest_of(secret)
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.sha256, told):
                found = token
        return None if found is None else Person(found.role, found.name, "bearer")


def digest_of(secret: str) -> bytes:
    """The hash under which a token is configured."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_token() -> str:
    """A token that nobody has yet: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)
