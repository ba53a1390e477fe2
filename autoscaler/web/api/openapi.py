"""The document of this API."""

from __future__ import annotations

from functools import cache

from aiohttp import web

from autoscaler.web.answers import Body, bind, send
from autoscaler.web.openapi import openapi
from autoscaler.web.params import Params
from autoscaler.web.problems import dump


@cache
def _body() -> Body:
    return bind(dump(openapi()))


async def document(request: web.Request) -> web.Response:
    """The OpenAPI document."""
    Params(request, ())
    return send(request, _body())
