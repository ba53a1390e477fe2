"""How many connections the page may hold: a crowd of readers takes none of the daemon's own.

Each connection is a file descriptor, and so is each request to the platform and to a source.
Without an end to the former a few hundred idle readers would leave none for the latter.
"""

from __future__ import annotations

import asyncio
import resource
from typing import cast

from aiohttp import web

# A page has a stream and up to six requests; Prometheus and probes have one each.
MOST = 512
# Of the descriptors that the process may have at all.
SHARE = 0.5


class Turned(asyncio.Protocol):
    """A connection that is one too many: closed before anything is read from it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once; whoever is there may come again."""
        cast("asyncio.Transport", transport).abort()


class BoundedRunner(web.AppRunner):
    """A runner whose server has at most `most` connections at a time."""

    most: int = MOST

    @property
    def server(self) -> web.Server | None:
        """Who makes the protocol of a new connection."""
        found = self._server
        return None if found is None else cast("web.Server", _Gate(found, self.most))


class _Gate:
    def __init__(self, server: web.Server, most: int) -> None:
        self._server = server
        self._most = most

    def __call__(self) -> asyncio.BaseProtocol:
        if len(self._server.connections) >= self._most:
            return Turned()
        return self._server()


def most_connections() -> int:
    """So many connections as leave half of the descriptors to everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = soft == resource.RLIM_INFINITY
    return MOST if endless else max(1, min(MOST, int(soft * SHARE)))
