"""The server's life: bind, serve, close."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable

from aiohttp import web

from autoscaler.web.api.parts import Parts
from autoscaler.web.api.routes import add_routes
from autoscaler.web.body import LARGEST
from autoscaler.web.crowd import BoundedRunner, most_connections
from autoscaler.web.doors import LONGEST_LINE, doorkeeper, headers, parse_listen

# Requests still running at the end get this long, seconds; a scrape of 10,000 takes half of it.
GOODBYE_S = 1.0
IDLE_S = 75.0

# aiohttp tells of every malformed request with a traceback: anybody could fill the log with it.
_QUIET = logging.getLogger("autoscaler.web.protocol")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class Server:
    """A server that listens. `url` is where, with the port that it really got."""

    def __init__(self, runner: web.AppRunner, host: str, scheme: str = "http") -> None:
        self._runner = runner
        port = runner.addresses[0][1]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.url = f"{scheme}://{place}"

    async def close(self) -> None:
        """Stop listening, let running requests end for a second, and let go of the port."""
        await self._runner.cleanup()


async def serve(
    parts: Parts,
    listen: str,
    allowed_hosts: Iterable[str] = (),
    tls: ssl.SSLContext | None = None,
) -> Server:
    """Listen at `host:port`; port 0 takes a free one.

    `allowed_hosts` are names under which it may be asked besides loopback names and its own
    address. Raises ValueError for an address that is none, OSError when it is taken.
    """
    host, port = parse_listen(listen)
    runner = BoundedRunner(
        _app(parts, [host, *allowed_hosts]),
        access_log=None,
        logger=_QUIET,
        handle_signals=False,
        shutdown_timeout=GOODBYE_S,
        keepalive_timeout=IDLE_S,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_FIELD,
    )
    runner.most = most_connections()
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except BaseException:
        await runner.cleanup()
        raise
    return Server(runner, host, "http" if tls is None else "https")


# A signed token of an identity provider can be a few thousand characters.
LONGEST_FIELD = 9_000


def _app(parts: Parts, hosts: Iterable[str]) -> web.Application:
    middlewares = [doorkeeper(hosts, parts.gate)]
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST)
    app.on_response_prepare.append(headers)
    add_routes(app, parts)

    async def goodbye(_: web.Application) -> None:
        parts.hub.close()

    app.on_shutdown.append(goodbye)
    return app
