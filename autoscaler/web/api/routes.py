"""Which address is answered by whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from autoscaler.web.api.activity import Activity
from autoscaler.web.api.daemon import Itself
from autoscaler.web.api.events import Events
from autoscaler.web.api.files import add_page
from autoscaler.web.api.fleet import Fleet
from autoscaler.web.api.looks import Looks
from autoscaler.web.api.one import One
from autoscaler.web.api.openapi import document
from autoscaler.web.api.overrides import Overrides
from autoscaler.web.api.parts import Parts
from autoscaler.web.api.probes import Scrape, probe
from autoscaler.web.api.recorded import Recorded
from autoscaler.web.api.session import Session
from autoscaler.web.api.sparklines import Sparklines
from autoscaler.web.api.whatif import WhatIfs

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
API = "/api/v1"


def add_routes(app: web.Application, parts: Parts) -> None:
    """Put every route into `app`."""
    add_page(app)
    app.router.add_get("/metrics", Scrape(parts.face).get)
    app.router.add_get("/livez", probe(parts.face.live))
    app.router.add_get("/healthz", probe(parts.face.live))
    app.router.add_get("/readyz", probe(parts.face.ready))
    for path, handler in reading(parts).items():
        app.router.add_get(API + path, handler)
    for method, path, handler in changing(parts):
        app.router.add_route(method, API + path, handler)


def reading(parts: Parts) -> dict[str, Handler]:
    """Everything that can be read, by its path below /api/v1."""
    itself, one = Itself(parts), One(parts)
    return {
        "/session": Session(parts).get,
        "/status": itself.status,
        "/health": itself.health,
        "/deployments": Fleet(parts).get,
        "/deployments/{name}": one.get,
        "/deployments/{name}/series": one.series,
        "/deployments/{name}/decisions": one.decisions,
        "/decisions/{id}": Recorded(parts).get,
        "/sparklines": Sparklines(parts).get,
        "/overrides": Overrides(parts).get,
        "/activity": Activity(parts).get,
        "/events": Events(parts).get,
        "/what-if/{id}": WhatIfs(parts).get,
        "/openapi.json": document,
    }


def changing(parts: Parts) -> tuple[tuple[str, str, Handler], ...]:
    """Everything that changes or begins something: method, path below /api/v1, handler."""
    overrides, what_ifs = Overrides(parts), WhatIfs(parts)
    return (
        ("POST", "/overrides", overrides.post),
        ("DELETE", "/overrides/{id}", overrides.delete),
        ("POST", "/looks", Looks(parts).post),
        ("POST", "/what-if", what_ifs.post),
        ("DELETE", "/what-if/{id}", what_ifs.delete),
    )
