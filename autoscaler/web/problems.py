"""Errors as RFC 9457 problem details, and JSON that never fails to be written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

JSON = "application/json"
PROBLEM = "application/problem+json"


def dump(tree: object) -> bytes:
    """JSON bytes; what JSON cannot carry is told as text, lone surrogates as escapes."""
    try:
        return orjson.dumps(tree)
    except TypeError:
        return json.dumps(_finite(tree), default=str).encode()


def _finite(tree: object) -> object:
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    if isinstance(tree, Mapping):
        return {str(key): _finite(value) for key, value in tree.items()}
    return [_finite(item) for item in tree] if isinstance(tree, list | tuple) else tree


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """The answer to a request that cannot be served, with what to do about it in `detail`."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return web.Response(body=dump(body), status=status, content_type=PROBLEM, headers=headers)
