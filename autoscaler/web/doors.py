"""Who may ask and how: the Host allow-list, methods, sizes and the headers of every answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from autoscaler.ports import JournalError
from autoscaler.web.access.gate import Gate, Refused
from autoscaler.web.access.strangers import strange
from autoscaler.web.body import BadField
from autoscaler.web.params import BadParameter
from autoscaler.web.problems import problem

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    # Everything that the page loads comes from here, and nobody may put it into a frame.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
# The longest legal line is 3,900 characters of names, percent-encoded.
LONGEST_LINE = 16_380


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9464` or `[::1]:0`. Raises ValueError with the rule."""
    host, colon, port = listen.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not bare or (":" in bare) != host.startswith("["):
        raise ValueError(f"listen must be host:port or [address]:port, got {listen!r}")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65_535):  # noqa: PLR2004 - the highest port
        raise ValueError(f"the port of listen must be in 0..65535, got {listen!r}")
    return bare, int(port)


def host_of(header: str) -> str:
    """The name or address in a Host header, without port, brackets and final dot."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, colon, port = text.rpartition(":")
    return (name if colon and port.isdecimal() else text).removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def doorkeeper(allowed: Iterable[str], gate: Gate) -> Middleware:
    """The middleware before every route.

    A page of another site whose name was rebound to this address still sends its own name as
    Host. Loopback names, the configured names and the address that the connection came in by
    are answered; nothing else is.
    """
    names = frozenset(host_of(name) for name in allowed)

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = _refused(request, names)
        if refused is not None:
            return refused
        try:
            if request.method in READING:
                await gate.may_read(request)
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - each becomes a problem that tells its reader enough
            return _told(request, error)

    return keep


def _told(request: web.Request, error: Exception) -> web.Response:
    """The answer to a request whose handler raised."""
    if isinstance(error, Refused):
        return error.answer
    if isinstance(error, BadParameter | BadField):
        return error.answer()
    if isinstance(error, JournalError):
        log.warning("the journal was not reached", path=request.path, problem=str(error))
        return problem(503, "the journal does not answer; try again", {"Retry-After": "5"})
    if isinstance(error, web.HTTPException):
        return _known(request, error)
    # The caller learns nothing of the inside; the log has it.
    log.error("request failed", path=request.path, error=type(error).__name__, exc_info=error)
    return problem(500, "this is a bug; the log has the details")


def _known(request: web.Request, error: web.HTTPException) -> web.Response:
    """The answers that aiohttp gives by itself, as problems."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
        return problem(405, f"only {allow} are served here", {"Allow": allow})
    return problem(error.status, _sentence(error.status, request))


def _refused(request: web.Request, names: frozenset[str]) -> web.Response | None:
    header = request.headers.get(hdrs.HOST)
    if header is None:
        return problem(400, "the Host header is missing")
    host = host_of(header)
    if not (is_loopback(host) or host in names or host == _own_address(request)):
        return problem(421, "this Host is not served here; add it to web.allowed_hosts")
    if request.method not in READING:
        why = strange(request)
        return problem(403, why) if why else None
    if request.body_exists and request.match_info.http_exception is None:
        return problem(413, "a request to this address has no body")
    return None


def _own_address(request: web.Request) -> str | None:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if name else None


def _sentence(status: int, request: web.Request) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {request.path[:200]}; the API begins at /api/v1/status"
    return HTTPStatus(status).description or HTTPStatus(status).phrase


async def headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 - aiohttp's signal
    """Set what every answer carries, and take out what tells of the software."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall(hdrs.SERVER, None)
