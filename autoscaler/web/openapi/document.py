"""The document put together."""

from __future__ import annotations

from typing import Any

from autoscaler import __version__
from autoscaler.web.openapi import changing, daemon, fleet
from autoscaler.web.openapi.paths import paths

DESCRIPTION = (
    "What the autoscaler sees, did and why. Times are Unix seconds; null means not known, never "
    "zero. Lists go on with `next`, an opaque cursor. Answers carry an ETag. Errors are RFC 9457 "
    "problems that name parameter, value and rule."
)


def openapi() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Foundry autoscaler",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths(),
        "security": [{}, {"bearer": []}],
        "components": {
            "schemas": {**fleet.SCHEMAS, **daemon.SCHEMAS, **changing.SCHEMAS},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
