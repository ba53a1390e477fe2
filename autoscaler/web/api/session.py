"""Who is asking, and what that person may do."""

from __future__ import annotations

from aiohttp import web

from autoscaler.web.api.parts import Parts, send_json
from autoscaler.web.params import Params


class Session:
    """`/api/v1/session`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """The role of the one who asks."""
        Params(request, ())
        gate = self._parts.gate
        person = await gate.person(request)
        told = {
            "role": person.role.value,
            "write_enabled": gate.access.write_enabled,
            "auth": person.how,
            "author": person.name,
        }
        return await send_json(request, told)
