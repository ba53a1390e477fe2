"""The only place that opens a connection to the platform: one request in, one answer out.

aiohttp sends a GET or PUT again by itself when the connection breaks (aio-libs/aiohttp#7363).
`force_close` does not stop that: with aiohttp 3.14.5 a server that resets a PUT on a fresh
connection receives it twice. A middleware does, by turning the break into an error of ours.
The PUT keeps a connection of its own all the same, so that it never meets a stale one, and
`SO_LINGER` of zero makes the kernel forget its unsent bytes when the process dies: without it
a PUT was seen to arrive 25.8 s after its sender was killed. A PUT that is given up is aborted,
because closing would go on sending what asyncio still holds of it.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from autoscaler.foundry.errors import (
    AnswerTooLarge,
    ConnectionLost,
    FoundryError,
    NotConnected,
    TimedOut,
    TooLate,
)
from autoscaler.foundry.fence import Departure
from autoscaler.foundry.leaving import LeavingBody
from autoscaler.foundry.options import FoundryOptions
from autoscaler.outbound.address import guarded_socket

# The headers that anybody here reads; others stay behind.
_KEPT = ("Retry-After", "QoS-Retry-Hint", "Content-Type", "Date")
_AGENT = "foundry-autoscaler"


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `deadline_s` is total, from the first packet to the last.

    A `departure` says how much of that is left, and whether the body may still leave.
    """

    method: str
    url: URL
    deadline_s: float
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    departure: Departure | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Door:
    """Two sessions that follow no redirect, know no proxy, keep no cookie and verify TLS."""

    def __init__(self, options: FoundryOptions) -> None:
        self._options = options
        self._tls = tls(options)
        self._reader: aiohttp.ClientSession | None = None
        self._writer: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Answer:
        """Send once. Raises NotConnected, ConnectionLost, TimedOut, TooLate or AnswerTooLarge."""
        answer, fault = await self._exchange(request)
        # Raised out here: foreign errors carry the request with its Authorization header.
        if fault is not None:
            raise fault
        if answer is None:
            raise ConnectionLost("the connection ended without an answer")
        return answer

    async def close(self) -> None:
        """Let go of all connections."""
        for session in (self._reader, self._writer):
            if session is not None:
                await session.close()
        self._reader = self._writer = None

    async def _exchange(self, request: Request) -> tuple[Answer | None, FoundryError | None]:
        departure = request.departure
        if departure is None or request.body is None:
            return await self._told(request, request.body, request.deadline_s)
        if not departure.may_leave():
            return None, _too_late()
        body = LeavingBody(request.body, departure)
        try:
            answer, fault = await self._told(request, body, departure.left_s())
        except BaseException:
            body.abort()
            raise
        if fault is not None:
            body.abort()
        if departure.late:
            return None, _too_late()
        return answer, fault

    async def _told(
        self, request: Request, body: bytes | LeavingBody | None, left_s: float
    ) -> tuple[Answer | None, FoundryError | None]:
        try:
            async with self._session(request.method).request(
                request.method,
                request.url,
                data=body,
                headers=request.headers,
                allow_redirects=False,
                # A total of 0 would be none at all.
                timeout=aiohttp.ClientTimeout(total=left_s or 1e-3),
            ) as response:
                return await self._read(response), None
        except (AnswerTooLarge, ConnectionLost) as error:
            return None, type(error)(str(error))
        except TimeoutError:
            return None, TimedOut(f"no answer within {request.deadline_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, _broken(error)

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        limit, body = self._options.largest_answer, bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise AnswerTooLarge(f"the answer is longer than {limit} bytes")
        headers = {key: response.headers[key] for key in _KEPT if key in response.headers}
        return Answer(response.status, headers, bytes(body))

    def _session(self, method: str) -> aiohttp.ClientSession:
        if method == "PUT":
            self._writer = self._writer or self._open(
                aiohttp.TCPConnector(
                    ssl=self._tls, force_close=True, socket_factory=forgetful_socket
                )
            )
            return self._writer
        self._reader = self._reader or self._open(
            aiohttp.TCPConnector(ssl=self._tls, socket_factory=guarded_socket())
        )
        return self._reader

    def _open(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(once,),
            headers={"User-Agent": _AGENT, "Accept": "application/json"},
            trust_env=False,
            requote_redirect_url=False,
        )


async def once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request a single time: a break is told, not hidden behind a second sending."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _broken(error) from None


def tls(options: FoundryOptions) -> ssl.SSLContext:
    """A context that verifies, TLS 1.2 or newer. Raises ValueError for an unusable CA file.

    With a CA file only that CA is trusted.
    """
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
    except OSError as error:
        raise ValueError(f"ca_file {options.ca_file} cannot be used: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def forgetful_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket whose unsent bytes die with it. Raises ForbiddenAddressError."""
    made = guarded_socket()(address)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return made


def _too_late() -> TooLate:
    return TooLate("its time was over before it could leave; nothing was sent")


def _broken(error: Exception) -> FoundryError:
    # Only the kind and the system's own words: foreign texts may quote headers or bodies.
    words = getattr(error, "strerror", None)
    shown = type(error).__name__ + (f": {str(words)[:120]}" if words else "")
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return NotConnected(f"no connection ({shown})")
    return ConnectionLost(f"the connection broke ({shown})")
