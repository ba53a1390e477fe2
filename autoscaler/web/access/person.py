"""Somebody who asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do. An operator may everything that a viewer may."""

    ANONYMOUS = "anonymous"
    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Person:
    """Who it is, and how that is known: none, bearer, oidc or mtls."""

    role: Role
    name: str | None
    how: str


ANYBODY = Person(Role.ANONYMOUS, None, "none")
