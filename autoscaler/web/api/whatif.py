"""Trying other policies on the last days of a deployment."""

from __future__ import annotations

from aiohttp import web

from autoscaler.web.api.parts import Parts, send_json
from autoscaler.web.body import BadField, Fields, json_of
from autoscaler.web.face import WhatIf
from autoscaler.web.params import Params
from autoscaler.web.problems import JSON, dump, problem

LONGEST_NAME = 200
LONGEST_ID = 100
MOST_POLICIES = 50
DAYS = (0.01, 31.0)
ABSENT = "what-if is not available here: install the lab extra"


class WhatIfs:
    """`/api/v1/what-if`. It changes nothing, so whoever may read may try."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def post(self, request: web.Request) -> web.Response:
        """Begin; 202 with the id under which it goes on."""
        parts = self._parts
        await parts.gate.may_read(request)
        Params(request, ())
        engine = parts.what_if
        if engine is None:
            return problem(501, ABSENT)
        fields = Fields(await json_of(request), ("deployment", "policies", "days"))
        name = fields.text("deployment", LONGEST_NAME)
        if not parts.face.knows(name):
            raise BadField("deployment", name, "is not managed here")
        policies = fields.table("policies", MOST_POLICIES)
        days = fields.number("days", *DAYS)
        try:
            ident = await engine.start(name, policies, days)
        except ValueError as error:
            return problem(422, str(error), field="policies", rule=str(error))
        where = {"Location": f"/api/v1/what-if/{ident}"}
        return web.Response(body=dump({"id": ident}), status=202, content_type=JSON, headers=where)

    async def get(self, request: web.Request) -> web.Response:
        """How far it is, and at the end its result."""
        Params(request, ())
        found = self._engine_and_id(request)
        if isinstance(found, web.Response):
            return found
        engine, ident = found
        state = engine.state(ident)
        return self._unknown(ident) if state is None else await send_json(request, state)

    async def delete(self, request: web.Request) -> web.Response:
        """Cancel it; 204."""
        await self._parts.gate.may_read(request)
        Params(request, ())
        found = self._engine_and_id(request)
        if isinstance(found, web.Response):
            return found
        engine, ident = found
        done = await engine.cancel(ident)
        return web.Response(status=204) if done else self._unknown(ident)

    def _engine_and_id(self, request: web.Request) -> tuple[WhatIf, str] | web.Response:
        if self._parts.what_if is None:
            return problem(501, ABSENT)
        ident = request.match_info["id"]
        if len(ident) > LONGEST_ID or not ident.isprintable():
            return self._unknown(ident)
        return self._parts.what_if, ident

    def _unknown(self, ident: str) -> web.Response:
        return problem(404, f"there is no what-if {ident[:LONGEST_ID]!r}")
