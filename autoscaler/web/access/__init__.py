"""Who is asking: tokens, client certificates, OIDC; and how often one may be wrong."""

from __future__ import annotations

from autoscaler.web.access.gate import Access, Gate
from autoscaler.web.access.person import ANYBODY, Person, Role
from autoscaler.web.access.tokens import Token, Tokens, digest_of, new_token

__all__ = [
    "ANYBODY",
    "Access",
    "Gate",
    "Person",
    "Role",
    "Token",
    "Tokens",
    "digest_of",
    "new_token",
]
