"""OIDC access tokens, verified with joserfc (extra `oidc`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from autoscaler.web.access.person import Person, Role

log = structlog.get_logger(__name__)

# Asymmetric alone: with HS256 a public key could be used as a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
# Keys are fetched anew when a token names an unknown one, but not more often than this.
AGAIN_S = 60.0
# Keys that were taken back are forgotten after this long at the latest.
OLDEST_S = 3600.0
LEEWAY_S = 30

Fetch = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens are good, and which claim tells a role.

    `operators` and `viewers` are values of the claim `role_claim`, text or a list of text;
    `name_claim` is who appears in the audit trail.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    role_claim: str = "roles"
    operators: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    name_claim: str = "sub"


class Oidc:
    """Satisfies `gate.Verifier`. `fetch` brings the key set, from a file or an address."""

    def __init__(
        self, trust: Trust, fetch: Fetch, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._trust = trust
        self._fetch = fetch
        self._now = now
        self._keys: Any = None
        self._asked_at = float("-inf")
        self._turn = asyncio.Lock()

    async def person(self, token: str) -> Person | None:
        """Whose token this is; None for one that is not good, whatever is wrong with it."""
        for refreshed in (False, True):
            keys = await self._known(anew=refreshed)
            if keys is None:
                return None
            claims, unknown_key = self._verified(token, keys)
            if claims is not None:
                return self._who(claims)
            if not unknown_key:
                return None
        return None

    def _verified(self, token: str, keys: Any) -> tuple[Mapping[str, Any] | None, bool]:
        """The claims of a good token, and whether another key set might make it good."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        trust = self._trust
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": trust.issuer},
            aud={"essential": True, "value": trust.audience},
            exp={"essential": True},
        )
        try:
            found = jwt.decode(token, keys, algorithms=list(trust.algorithms))
            rules.validate(found.claims)
        except InvalidKeyIdError:
            return None, True
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.info("a token was refused", why=type(error).__name__)
            return None, False
        return found.claims, False

    def _who(self, claims: Mapping[str, Any]) -> Person | None:
        trust, name = self._trust, claims.get(self._trust.name_claim)
        told = claims.get(trust.role_claim)
        roles = {told} if isinstance(told, str) else set(_texts(told))
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            return None
        if roles & set(trust.operators):
            return Person(Role.OPERATOR, name[:120], "oidc")
        return Person(Role.VIEWER, name[:120], "oidc") if roles & set(trust.viewers) else None

    async def _known(self, *, anew: bool) -> Any:
        from joserfc.jwk import KeySet

        async with self._turn:
            age = self._now() - self._asked_at
            if self._keys is not None and age < (AGAIN_S if anew else OLDEST_S):
                return self._keys
            if self._keys is None and age < 1.0:
                return None
            self._asked_at = self._now()
            try:
                import json

                self._keys = KeySet.import_key_set(json.loads(await self._fetch()))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the keys, nobody is let in
                log.warning("the key set cannot be used", error=type(error).__name__)
                if age >= OLDEST_S:
                    self._keys = None
            return self._keys


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
