"""The token request of OAuth2 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from yarl import URL

from autoscaler.foundry.auth import Grant
from autoscaler.foundry.body import decode
from autoscaler.foundry.door import Answer, Request
from autoscaler.foundry.errors import (
    FoundryError,
    InvalidAnswer,
    SecretUnreadable,
    TokenRefused,
    TokenUnavailable,
)
from autoscaler.foundry.options import ClientLogin
from autoscaler.foundry.secret import Secret
from autoscaler.foundry.units import number

Exchange = Callable[[Request], Awaitable[Answer]]

# The lifetime is documented as "short" only; an answer without one is renewed soon.
UNTOLD_LIFE_S = 300.0
_VISIBLE = re.compile(r"[\x21-\x7e]{1,65536}")
_ERROR = re.compile(r"[a-z_]{1,40}")
_REFUSED = frozenset({400, 401, 403})


class TokenEndpoint:
    """Asks for a token; the client secret is read again each time, so that it can be rotated."""

    def __init__(self, login: ClientLogin, url: URL, deadline_s: float, send: Exchange) -> None:
        self._login = login
        self._url = url
        self._deadline_s = deadline_s
        self._send = send

    async def fetch(self) -> Grant:
        """A new token. Raises TokenRefused, TokenUnavailable or SecretUnreadable."""
        answer = await self._ask()
        if isinstance(answer, FoundryError):
            raise answer
        if answer.status in _REFUSED:
            raise TokenRefused(
                f"the token endpoint refused client {self._login.client_id!r} with "
                f"HTTP {answer.status}{_named(answer.body)}"
            )
        if answer.status != 200:  # noqa: PLR2004 - RFC 6749 5.1 knows this one
            raise TokenUnavailable(f"the token endpoint answered HTTP {answer.status}")
        return self._granted(answer.body)

    async def _ask(self) -> Answer | FoundryError:
        try:
            return await self._send(self._request())
        except SecretUnreadable as error:
            return error
        except FoundryError as error:
            return TokenUnavailable(f"the token endpoint did not answer: {error}")

    def _request(self) -> Request:
        form = {
            "client_id": self._login.client_id,
            "client_secret": self._login.client_secret.read(fresh=True).reveal(),
            "grant_type": "client_credentials",
        }
        if self._login.scopes:
            form["scope"] = " ".join(self._login.scopes)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", self._url, self._deadline_s, headers, urlencode(form).encode())

    def _granted(self, body: bytes) -> Grant:
        fault = ""
        try:
            said = decode(body)
        except InvalidAnswer as error:
            said, fault = {}, str(error)
        if fault:
            raise TokenUnavailable(f"the token endpoint's answer is not valid: {fault}")
        return grant_of(said)


def grant_of(said: Mapping[str, object]) -> Grant:
    """The token in an answer. Raises TokenUnavailable naming the field, never its value."""
    token, kind = said.get("access_token"), said.get("token_type", "bearer")
    if not isinstance(token, str) or not _VISIBLE.fullmatch(token):
        raise TokenUnavailable("access_token must be visible ASCII text, got something else")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenUnavailable("token_type must be bearer, got something else")
    life = number(said.get("expires_in", UNTOLD_LIFE_S))
    if life is None or life <= 0:
        raise TokenUnavailable("expires_in must be a number of seconds > 0, got something else")
    return Grant(Secret(token), life)


def _named(body: bytes) -> str:
    try:
        error = decode(body).get("error")
    except InvalidAnswer:
        return ""
    return f" {error}" if isinstance(error, str) and _ERROR.fullmatch(error) else ""
