"""Who is asking, and what that person may do."""

from __future__ import annotations

from aiohttp import web

from autoscaler.web.api.parts import send_json
from autoscaler.web.params import Params


async def session(request: web.Request) -> web.Response:
    """The role of the one who asks."""
    Params(request, ())
    told = {"role": "anonymous", "write_enabled": False, "auth": "none", "author": None}
    return await send_json(request, told)
