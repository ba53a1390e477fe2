"""The page's own files, read once at start: nothing that a request says touches the disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from aiohttp import hdrs, web

from autoscaler.web.answers import bind, send

STATIC = "/static/"
SHELL = "page.html"
# Addresses within the page: all are answered with its shell, which then shows what they name.
PAGES = ("/", "/d/{name}", "/activity", "/overrides", "/what-if", "/health")
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml; charset=utf-8",
        "json": "application/json",
        "txt": "text/plain; charset=utf-8",
        "md": "text/plain; charset=utf-8",
    }
)

Serve = Callable[[web.Request], Awaitable[web.Response]]


def add_page(app: web.Application) -> None:
    """Put the page and everything that it loads into `app`."""
    for path, file in files():
        serve = _serve(file.read_bytes(), KINDS[file.name.rpartition(".")[2]])
        app.router.add_get(STATIC + path, serve)
        if path == SHELL:
            for page in PAGES:
                app.router.add_get(page, serve)


def files() -> Iterator[tuple[str, Traversable]]:
    """Every file of the page with its path below `static`."""
    return _below(resources.files("autoscaler.web").joinpath("static"), "")


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        else:
            yield path + entry.name, entry


def _serve(data: bytes, kind: str) -> Serve:
    body = bind(data, kind)

    async def serve(request: web.Request) -> web.Response:
        answer = send(request, body)
        # Kept by the browser and asked for again by its mark: a new version shows at once.
        answer.headers[hdrs.CACHE_CONTROL] = "no-cache"
        return answer

    return serve
