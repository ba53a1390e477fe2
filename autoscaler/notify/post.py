"""One POST to one receiver: bounded, guarded, never redirected; every end is a value."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from autoscaler.notify.formats import Body
from autoscaler.notify.options import SinkOptions
from autoscaler.outbound.address import ForbiddenAddressError, guarded_socket

LARGEST_ANSWER: Final = 16_384
"""So much of an answer is read: nothing of it is needed, but the connection is kept."""
LONGEST_PAUSE_S: Final = 600.0
RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one attempt ended. `why` is a sentence of our own and quotes nothing foreign.

    `again` says whether another attempt makes sense, `pause_s` how long the receiver asked to
    be left alone.
    """

    why: str
    delivered: bool = False
    again: bool = False
    pause_s: float = 0.0
    status: int | None = None


class Post:
    """A session for one sink: no redirects, no proxies from the environment, no cookies."""

    def __init__(self, options: SinkOptions) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: Body, headers: Mapping[str, str], at: float) -> Delivery:
        """Post once. `at` is Unix seconds, to understand a Retry-After that is a date."""
        try:
            async with self._open().post(
                url,
                data=body.content,
                headers={"Content-Type": body.media_type, **headers},
                allow_redirects=False,
            ) as response:
                await _drain(response)
                return _judged(response.status, _pause(response.headers, at))
        except TimeoutError:
            return Delivery(f"no answer within {self._options.timeout_s:g} s", again=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _broken(error)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            options = self._options
            tls = ssl.create_default_context(cafile=options.ca_file or None)
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
            factory = guarded_socket(allow_private=options.allow_private)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1, ssl=tls, socket_factory=factory),
                headers={"User-Agent": "foundry-autoscaler", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=options.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _drain(response: aiohttp.ClientResponse) -> None:
    # Read past it, and the connection is closed instead of kept.
    left = LARGEST_ANSWER
    async for chunk in response.content.iter_chunked(4096):
        left -= len(chunk)
        if left < 0:
            response.close()
            return


def _judged(status: int, pause_s: float) -> Delivery:
    if 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return Delivery(f"the receiver took it ({status})", delivered=True, status=status)
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return Delivery(
            f"the receiver redirects ({status}); redirects are not followed", status=status
        )
    again = status in RETRYABLE
    word = "cannot take it now" if again else "refuses it"
    return Delivery(f"the receiver {word} ({status})", again=again, pause_s=pause_s, status=status)


def _pause(headers: Mapping[str, str], at: float) -> float:
    """Seconds that Retry-After asks for, 0 without one; ten minutes at most."""
    text, pause = headers.get("Retry-After", "").strip(), 0.0
    if text.isdecimal():
        pause = float(text[:9])
    elif text:
        with contextlib.suppress(ValueError, OverflowError, OSError):
            told = parsedate_to_datetime(text)
            pause = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() - at
    return min(LONGEST_PAUSE_S, max(0.0, pause))


def _broken(error: Exception) -> Delivery:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ForbiddenAddressError):
            return Delivery(f"the connection is refused here: {cause}")
        cause = cause.__cause__ or cause.__context__
    # Only the kind: foreign texts quote the URL, which may be a secret itself.
    words = getattr(error, "strerror", None)
    shown = type(error).__name__ + (f": {str(words)[:80]}" if words else "")
    invalid = isinstance(error, aiohttp.InvalidURL)
    return Delivery(f"it cannot be reached ({shown})", again=not invalid)
