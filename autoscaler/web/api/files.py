"""The page's own files, read once at start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import web

from autoscaler.web.answers import bind, send

FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/detail.js": ("detail.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

Serve = Callable[[web.Request], Awaitable[web.Response]]


def file(name: str, kind: str) -> Serve:
    """A handler for one file of `static`."""
    data = resources.files("autoscaler.web").joinpath("static", name).read_bytes()
    body = bind(data, f"{kind}; charset=utf-8")

    async def serve(request: web.Request) -> web.Response:
        return send(request, body)

    return serve
