"""The gate before the API: who is it, and may they."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from aiohttp import hdrs, web

from autoscaler.web.access.failures import Failures
from autoscaler.web.access.person import ANYBODY, Person, Role
from autoscaler.web.access.tokens import LONGEST, Tokens
from autoscaler.web.problems import problem

API = "/api/"
# Anybody who may reach the port may learn who they are and how to ask.
OPEN = frozenset({"/api/v1/session", "/api/v1/openapi.json"})
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="autoscaler"'}
NOBODY: Mapping[str, Role] = MappingProxyType({})
LONGEST_JWT = 8_192


class Verifier(Protocol):
    """What tells the owner of a signed token."""

    async def person(self, token: str) -> Person | None:
        """Whose it is; None for one that is not good."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """The rules. Replaced as a whole when the configuration is."""

    tokens: Tokens = field(default_factory=Tokens)
    write_enabled: bool = False
    token_to_read: bool = False
    client_roles: Mapping[str, Role] = field(default_factory=lambda: NOBODY)
    verifier: Verifier | None = None


class Refused(Exception):  # noqa: N818 - it reads as what it is
    """A request that may not go on, and the answer to it."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Gate:
    """Asks for a token where one is needed. `access` may be replaced at any time."""

    def __init__(self, access: Access, now: Callable[[], float] = time.monotonic) -> None:
        self.access = access
        self._failures = Failures(now)

    async def person(self, request: web.Request) -> Person:
        """Who is asking. Raises Refused for a token that is wrong, or one too many of them."""
        given = request.headers.getall(hdrs.AUTHORIZATION, [])
        if not given:
            return self._by_certificate(request)
        wait = self._failures.wait_s(request.remote or "")
        if wait:
            text = f"too many wrong tokens came from this address; wait {wait} s"
            raise Refused(problem(429, text, {"Retry-After": str(wait)}))
        found = await self._by_token(given)
        if found is None:
            self._failures.failed(request.remote or "")
            raise Refused(problem(401, "this token is not known here", CHALLENGE))
        return found

    async def may_read(self, request: web.Request) -> None:
        """Raises Refused for who may not read this."""
        if not request.path.startswith(API):
            return
        person = await self.person(request)
        if self.access.token_to_read and person is ANYBODY and request.path not in OPEN:
            raise Refused(problem(401, "a bearer token is needed to read here", CHALLENGE))

    async def operator(self, request: web.Request) -> Person:
        """The operator who asks. Raises Refused for everybody else."""
        if not self.access.write_enabled:
            text = "nothing can be changed here: set web.write_enabled in the configuration"
            raise Refused(problem(403, text))
        person = await self.person(request)
        if person is ANYBODY:
            raise Refused(problem(401, "a bearer token is needed to change something", CHALLENGE))
        if person.role is not Role.OPERATOR:
            raise Refused(problem(403, f"{person.name} has the role {person.role}, not operator"))
        return person

    async def _by_token(self, given: list[str]) -> Person | None:
        scheme, _, secret = given[0].partition(" ")
        secret = secret.strip()
        if len(given) != 1 or scheme.lower() != "bearer" or not secret:
            return None
        if len(secret) <= LONGEST:
            found = self.access.tokens.person(secret)
            if found is not None:
                return found
        if self.access.verifier is None or len(secret) > LONGEST_JWT:
            return None
        return await self.access.verifier.person(secret)

    def _by_certificate(self, request: web.Request) -> Person:
        transport = request.transport
        shown = transport.get_extra_info("peercert") if transport is not None else None
        for name in _names(shown or {}):
            role = self.access.client_roles.get(name)
            if role is not None:
                return Person(role, name, "mtls")
        return ANYBODY


def _names(certificate: Mapping[str, Any]) -> list[str]:
    """The subject alternative names of a certificate that was verified, such as DNS:ops.acme."""
    return [f"{kind}:{name}" for kind, name in certificate.get("subjectAltName", ())]
