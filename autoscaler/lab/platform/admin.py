"""The pages beside the API: tokens, the gateway's metrics, faults and the inner state."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from autoscaler.lab.platform.deployment import SimulatedDeployment
from autoscaler.lab.platform.faults import FaultBook, fault_from
from autoscaler.lab.platform.gateway import exposition
from autoscaler.lab.platform.tokens import TokenBooth, TokenError
from autoscaler.ports import Clock

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class World(Protocol):
    """What these pages need of the platform around them."""

    clock: Clock
    faults: FaultBook
    tokens: TokenBooth
    deployments: dict[str, SimulatedDeployment]

    def catch_up(self) -> None:
        """Bring every deployment to the clock's now."""
        ...


class Admin:
    """Handlers. `wall` is the callers' clock, which token lifetimes are counted by."""

    def __init__(self, world: World, wall: Clock) -> None:
        self._world = world
        self._wall = wall

    async def token(self, request: web.Request) -> web.StreamResponse:
        """POST /multipass/api/oauth2/token."""
        try:
            answer = self._world.tokens.issue(await _form(request), self._wall.now())
        except TokenError as problem:
            return web.json_response({"error": problem.error}, status=problem.status)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """POST /multipass/api/oauth2/revoke_token."""
        try:
            self._world.tokens.revoke(await _form(request))
        except TokenError as problem:
            return web.json_response({"error": problem.error}, status=problem.status)
        return web.Response(status=200)

    async def metrics(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler's signature
        """GET /metrics: the gateway's counters."""
        self._world.catch_up()
        page = exposition((d.name, d.rid, d.gateway) for d in self._world.deployments.values())
        return web.Response(body=page.encode(), headers={"Content-Type": PROMETHEUS_TEXT})

    async def state(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler's signature
        """GET /_state: what the real platform never tells."""
        self._world.catch_up()
        rows = {name: _row(one) for name, one in self._world.deployments.items()}
        return web.json_response({"at": self._world.clock.now(), "deployments": rows})

    async def list_faults(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler's signature
        """GET /_faults."""
        return web.json_response({"faults": [asdict(one) for one in self._world.faults]})

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        """POST /_faults: one fault as JSON."""
        try:
            fault = self._world.faults.add(fault_from(json.loads(await request.text())))
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=400)
        return web.json_response(asdict(fault), status=201)

    async def clear_faults(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler's signature
        """DELETE /_faults."""
        self._world.faults.clear()
        return web.Response(status=204)


async def _form(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


def _row(one: SimulatedDeployment) -> dict[str, Any]:
    model, bounds = one.model, one.envelope
    return {
        "rid": one.rid,
        "min_replicas": bounds.min_replicas,
        "max_replicas": bounds.max_replicas,
        "threads": bounds.threads,
        "state": model.health.state,
        "ready": model.ready,
        "starting": model.starting,
        "draining": model.draining,
        "upgrading": model.upgrading,
        "running": model.running,
        "queued": model.queued,
        "overload_share": one.overload_share,
        "overload_share_platform_alone": one.overload_share_platform_alone,
        "compute_seconds": one.compute_seconds,
        "compute_seconds_platform_alone": one.compute_seconds_platform_alone,
        "native_actions": model.tally.actions,
        "twin_ready": one.twin.ready,
    }
