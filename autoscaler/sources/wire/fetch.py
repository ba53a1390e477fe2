"""One request to one origin: every failure is a value, every answer is bounded."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from autoscaler.core.observation import Absence, Missing
from autoscaler.outbound.address import ForbiddenAddressError, guarded_socket
from autoscaler.sources.wire.options import HttpOptions

CHUNK: Final = 65_536
CONNECTIONS: Final = 8
"""Of one source at a time: a slow server holds up its own queries only."""
LONGEST_QUOTE: Final = 120


@dataclass(frozen=True, slots=True)
class Body:
    """A complete answer within the size limit, of any status but 3xx, 401 and 403."""

    status: int
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer, in a sentence of our own; `outcome` is "error" or "timeout"."""

    detail: str
    outcome: str = "error"
    too_large: bool = False

    def missing(self) -> Missing:
        """The failure as a signal's absence."""
        return Missing(Absence.SOURCE_FAILED, self.detail)


class Fetcher:
    """HTTP to the origin of `options.url` and nowhere else.

    No redirects, no proxies from the environment, no cookies, no retries, no compression
    (an answer that cannot unfold cannot be a bomb). Raises ValueError when made with a CA file
    that cannot be used; opens no connection before the first request.
    """

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._tls = _tls(options) if options.url.startswith("https") else None
        self._session: aiohttp.ClientSession | None = None

    async def get(self, accept: str) -> Body | Failure:
        """GET the configured URL itself."""
        return await self._ask("GET", self._options.url, {"Accept": accept}, None)

    async def post(self, path: str, form: Mapping[str, str]) -> Body | Failure:
        """POST a form to `path` below the configured URL."""
        url = self._options.url.rstrip("/") + path
        return await self._ask("POST", url, {"Accept": "application/json"}, form)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    def quote(self, foreign: str) -> str:
        """A short printable piece of foreign text; nothing if it repeats a secret of ours."""
        secret, credentials = _secret(self._options), _credentials(self._options)
        if isinstance(secret, Failure) or isinstance(credentials, Failure):
            return ""
        sent = credentials.get("Authorization", "").rpartition(" ")[2]
        if secret and (secret in foreign or sent in foreign):
            return ""
        text = "".join(c if c.isprintable() else " " for c in foreign[: LONGEST_QUOTE + 1])
        return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "..."

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], form: Mapping[str, str] | None
    ) -> Body | Failure:
        credentials = _credentials(self._options)
        if isinstance(credentials, Failure):
            return credentials
        try:
            async with self._open().request(
                method, url, data=form, headers=headers | credentials, allow_redirects=False
            ) as response:
                return await self._receive(response)
        except TimeoutError:
            return Failure(f"no answer within {self._options.timeout_s:g} s", "timeout")
        except aiohttp.ClientConnectorError as error:
            return Failure(_why_not_connected(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failure(f"the exchange broke off ({type(error).__name__})")

    async def _receive(self, response: aiohttp.ClientResponse) -> Body | Failure:
        refusal = _refusal(response)
        if refusal is not None:
            return refusal
        limit = self._options.max_bytes
        too_large = Failure(f"the answer is larger than {limit} bytes", too_large=True)
        if (response.content_length or 0) > limit:
            return too_large
        content = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            content += chunk
            if len(content) > limit:
                return too_large
        return Body(response.status, response.content_type, bytes(content))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            options = self._options
            factory = guarded_socket(allow_link_local=options.allow_link_local)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, ssl=self._tls or True, socket_factory=factory
                ),
                headers={"Accept-Encoding": "identity", **options.headers},
                timeout=aiohttp.ClientTimeout(total=options.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _tls(options: HttpOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca_file or None)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"ca_file must be a readable PEM file, got {options.ca_file!r} ({type(error).__name__})"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _secret(options: HttpOptions) -> str | Failure:
    """The token, read anew for every query: secrets are rotated under a running daemon."""
    if not options.token_file:
        return ""
    try:
        text = Path(options.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        return Failure(f"token_file {options.token_file} is unreadable ({type(error).__name__})")
    if not text or not text.isprintable():
        return Failure(f"token_file {options.token_file} must hold one printable line")
    return text


def _credentials(options: HttpOptions) -> dict[str, str] | Failure:
    secret = _secret(options)
    if isinstance(secret, Failure) or not secret:
        return secret if isinstance(secret, Failure) else {}
    if not options.username:
        return {"Authorization": f"Bearer {secret}"}
    pair = base64.b64encode(f"{options.username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _refusal(response: aiohttp.ClientResponse) -> Failure | None:
    status = response.status
    if 300 <= status < 400:  # noqa: PLR2004 - the class of HTTP redirects
        return Failure(f"the server redirects ({status}); redirects are not followed")
    if status in {401, 403}:
        return Failure(f"the server refuses the credentials ({status})")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        return Failure("the answer is compressed although that was ruled out")
    return None


def _why_not_connected(error: aiohttp.ClientConnectorError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ForbiddenAddressError):
            return f"the connection is refused here: {cause}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "cannot connect: the server's certificate cannot be verified"
    inner = error.os_error
    return f"cannot connect ({inner.strerror or type(inner).__name__})"
