"""The token endpoint's memory: OAuth2 client credentials, refresh, revocation, expiry."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

SCOPES = frozenset({"api:models-read", "api:models-write", "api:models-execute"})
_OFFLINE = "offline_access"


class TokenError(Exception):
    """An OAuth2 error: `error` is its RFC 6749 code, `status` the HTTP status."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass(frozen=True, slots=True)
class Grant:
    """A token's rights; `expires_at` in seconds of the booth's caller, None: never."""

    scopes: frozenset[str]
    expires_at: float | None


class TokenBooth:
    """Issues and checks bearer tokens.

    Times are wall seconds, not simulated ones: `expires_in` has to be true for a client that
    reads its own watch.
    """

    def __init__(self, client_id: str, client_secret: str, static: str, ttl_s: float) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.ttl_s = ttl_s
        self._static = static
        self._grants: dict[str, Grant] = {static: Grant(SCOPES, None)}
        self._refresh: dict[str, frozenset[str]] = {}

    def issue(self, form: Mapping[str, str], now: float) -> dict[str, object]:
        """Answer a token request. Raises TokenError."""
        if not self._known(form):
            raise TokenError("invalid_client", 401)
        kind = form.get("grant_type", "")
        if kind == "client_credentials":
            scopes = frozenset(form.get("scope", "").split())
        elif kind == "refresh_token":
            known = self._refresh.pop(form.get("refresh_token", ""), None)
            if known is None:
                raise TokenError("invalid_grant")
            scopes = known
        else:
            raise TokenError("unsupported_grant_type")
        if scopes - SCOPES - {_OFFLINE}:
            raise TokenError("invalid_scope")
        return self._grant(scopes, now)

    def revoke(self, form: Mapping[str, str]) -> None:
        """Forget a token; an unknown one is no error (RFC 7009). Raises TokenError."""
        if not self._known(form):
            raise TokenError("invalid_client", 401)
        self._grants.pop(form.get("token", ""), None)
        self._refresh.pop(form.get("token", ""), None)

    def scopes(self, token: str, now: float) -> frozenset[str] | None:
        """The token's scopes; None when it is unknown or over."""
        grant = self._grants.get(token)
        if grant is None or (grant.expires_at is not None and now >= grant.expires_at):
            return None
        return grant.scopes

    def expire_all(self) -> None:
        """End every issued token at once; the static one goes on."""
        self._grants = {self._static: Grant(SCOPES, None)}

    def _known(self, form: Mapping[str, str]) -> bool:
        given = form.get("client_id", ""), form.get("client_secret", "")
        wanted = self.client_id, self.client_secret
        return all(
            hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(given, wanted, strict=True)
        )

    def _grant(self, scopes: frozenset[str], now: float) -> dict[str, object]:
        rights = scopes - {_OFFLINE} or SCOPES  # no scope asked for means all of them
        token = secrets.token_urlsafe(24)
        self._grants = {t: g for t, g in self._grants.items() if not _over(g, now)}
        self._grants[token] = Grant(rights, now + self.ttl_s)
        answer: dict[str, object] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.ttl_s),
            "scope": " ".join(sorted(rights)),
        }
        if _OFFLINE in scopes:
            answer["refresh_token"] = refresh = secrets.token_urlsafe(24)
            self._refresh[refresh] = scopes
        return answer


def _over(grant: Grant, now: float) -> bool:
    return grant.expires_at is not None and now >= grant.expires_at
