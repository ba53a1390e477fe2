"""The routes: probes, metrics, the API and the page's own files."""

from __future__ import annotations

import asyncio
import difflib
import gzip
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources

from aiohttp import hdrs, web

from autoscaler.web.face import Face, Json
from autoscaler.web.problems import dump, problem

FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/detail.js": ("detail.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
# Fleet rows are made at most once in this many seconds, however many pages are open.
FRESH_S = 1.0
MOST_ROWS = 1_000
MOST_DECISIONS = 1_000
# A body smaller than this is one packet anyway.
WORTH_GZIP = 1_400
# The quickest level: 25 MB of metrics shrink to 1 MB in 30 ms; level 9 takes 20 times as long.
GZIP_LEVEL = 1
GUESSES = 3


def add_routes(app: web.Application, face: Face) -> None:
    """Put every route into `app`."""
    api = Api(face)
    for path, (name, kind) in FILES.items():
        app.router.add_get(path, _file(name, kind))
    app.router.add_get("/metrics", api.metrics)
    app.router.add_get("/livez", _probe(face.live))
    app.router.add_get("/healthz", _probe(face.live))
    app.router.add_get("/readyz", _probe(face.ready))
    app.router.add_get("/api/v1/status", api.status)
    app.router.add_get("/api/v1/deployments", api.deployments)
    app.router.add_get("/api/v1/deployments/{name}", api.deployment)
    app.router.add_get("/api/v1/deployments/{name}/decisions", api.decisions)


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = resources.files("autoscaler.web").joinpath("static", name).read_bytes()

    async def serve(request: web.Request) -> web.Response:
        return await _answer(request, body, f"{kind}; charset=utf-8")

    return serve


def _probe(ask: Callable[[], tuple[bool, str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        ok, detail = ask()
        body = dump({"ok": ok, "detail": detail})
        return web.Response(body=body, status=200 if ok else 503, content_type="application/json")

    return answer


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip."""
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return parameter.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


async def _answer(request: web.Request, body: bytes, kind: str) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: kind, hdrs.VARY: "Accept, Accept-Encoding"}
    if len(body) >= WORTH_GZIP and accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        body = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=body, headers=headers)


async def _json(request: web.Request, tree: object) -> web.Response:
    return await _answer(request, dump(tree), "application/json")


class Api:
    """The handlers that ask the daemon."""

    def __init__(self, face: Face) -> None:
        self._face = face
        # One scrape at a time: two would only take turns at the interpreter.
        self._scrape = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._rows: Sequence[Json] = ()
        self._made_at = float("-inf")

    async def metrics(self, request: web.Request) -> web.Response:
        """Metrics in the format that the scraper prefers."""
        accept = request.headers.get(hdrs.ACCEPT, "")
        async with self._scrape:
            body, kind = await asyncio.to_thread(self._face.metrics, accept)
            return await _answer(request, body, kind)

    async def status(self, request: web.Request) -> web.Response:
        """The daemon in short."""
        return await _json(request, await asyncio.to_thread(self._face.status))

    async def deployments(self, request: web.Request) -> web.Response:
        """The fleet: `search` in name, group and state; `limit` (1..1000), `offset`."""
        try:
            limit = _whole(request, "limit", MOST_ROWS, 1, MOST_ROWS)
            offset = _whole(request, "offset", 0, 0, 10_000_000)
        except ValueError as error:
            return problem(400, str(error))
        rows = await self._fresh()
        search = request.query.get("search", "").strip().casefold()
        found = [row for row in rows if _matches(row, search)] if search else rows
        page = found[offset : offset + limit]
        body = {"total": len(found), "offset": offset, "deployments": list(page)}
        return await _json(request, body)

    async def deployment(self, request: web.Request) -> web.Response:
        """Everything about one deployment."""
        name = request.match_info["name"]
        found = self._face.deployment(name)
        return await self._unknown(name) if found is None else await _json(request, found)

    async def decisions(self, request: web.Request) -> web.Response:
        """Its recorded decisions, newest first: `limit` (1..1000), 50 unless told."""
        name = request.match_info["name"]
        try:
            limit = _whole(request, "limit", 50, 1, MOST_DECISIONS)
        except ValueError as error:
            return problem(400, str(error))
        if self._face.deployment(name) is None:
            return await self._unknown(name)
        recorded = await self._face.history(name, limit)
        body = b'{"decisions":[' + b",".join(recorded) + b"]}"
        return await _answer(request, body, "application/json")

    async def _fresh(self) -> Sequence[Json]:
        async with self._reading:
            if time.monotonic() - self._made_at >= FRESH_S:
                self._rows = await asyncio.to_thread(self._sorted)
                self._made_at = time.monotonic()
            return self._rows

    def _sorted(self) -> Sequence[Json]:
        """Those that want to be looked at first, then by name."""
        rows = self._face.deployments()
        return sorted(rows, key=lambda row: (not row.get("attention"), str(row.get("name"))))

    async def _unknown(self, name: str) -> web.Response:
        names = [str(row.get("name")) for row in await self._fresh()]
        near = await asyncio.to_thread(nearest, name, names)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        detail = f"there is no deployment {name[:200]!r} here{hint}"
        return problem(404, detail, did_you_mean=near)


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """At most three names that `name` may have been meant for, the nearest first."""
    folded = name.casefold()[:200]
    within = [each for each in names if folded and folded in each.casefold()]
    # Comparing costs 20 us a name: those of a like beginning are enough in a large fleet.
    few = len(names) <= MOST_ROWS
    alike = names if few else [n for n in names if n[:2].casefold() == folded[:2]][:MOST_ROWS]
    close = difflib.get_close_matches(name[:200], alike, n=GUESSES, cutoff=0.6)
    return list(dict.fromkeys([*close, *sorted(within, key=len)]))[:GUESSES]


def _whole(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) <= len(str(high)):
        number = int(text)
        if low <= number <= high:
            return number
    raise ValueError(f"{name} must be a whole number in {low}..{high}, got {text[:40]!r}")


def _matches(row: Json, search: str) -> bool:
    said = (row.get(key) for key in ("name", "group", "mode", "state", "outcome", "reason"))
    return any(search in str(text).casefold() for text in said if text is not None)
