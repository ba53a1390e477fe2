"""Requests that another site's page made a browser send.

There are no cookies here, so a browser has no authority of its own to abuse; but a page must not
be able to reach a daemon behind a firewall through its reader's browser either. As in Go's
`http.CrossOriginProtection`: `Sec-Fetch-Site` where the browser sends it, else `Origin`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import hdrs, web

FINE = frozenset({"same-origin", "none"})


def strange(request: web.Request) -> str:
    """Why an unsafe request is not taken from this sender, empty when it is."""
    sites = request.headers.getall("Sec-Fetch-Site", [])
    if any(site.lower() not in FINE for site in sites):
        return "a page of another site may not change anything here"
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if not origins:
        return ""
    if len(origins) > 1 or not _same(origins[0], request):
        return "the Origin is not this server: a page of another site may not change anything here"
    return ""


def _same(origin: str, request: web.Request) -> bool:
    try:
        parts = urlsplit(origin)
        _ = parts.port
    except ValueError:
        return False
    # The scheme is left out: whoever ends TLS before us speaks plain HTTP to us.
    return bool(parts.scheme) and parts.netloc.lower() == request.host.lower()
