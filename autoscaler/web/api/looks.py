"""Looking at deployments now instead of at their next tick."""

from __future__ import annotations

from aiohttp import web

from autoscaler.web.api.overrides import LONGEST_SCOPE, LONGEST_WHY
from autoscaler.web.api.parts import Parts
from autoscaler.web.body import BadField, Fields, json_of
from autoscaler.web.face import UnknownScope
from autoscaler.web.params import Params
from autoscaler.web.problems import JSON, dump


class Looks:
    """`/api/v1/looks`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def post(self, request: web.Request) -> web.Response:
        """Have a scope read and decided now; 202 with how many that are."""
        person = await self._parts.gate.operator(request)
        Params(request, ())
        fields = Fields(await json_of(request), ("scope", "why"))
        scope, why = fields.text("scope", LONGEST_SCOPE), fields.text("why", LONGEST_WHY)
        try:
            count = await self._parts.controls.look(scope, str(person.name), why)
        except UnknownScope as error:
            raise BadField("scope", scope, str(error)) from error
        return web.Response(body=dump({"deployments": count}), status=202, content_type=JSON)
