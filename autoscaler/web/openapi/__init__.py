"""The API's OpenAPI 3.1 document, written beside the handlers and held to them by tests."""

from __future__ import annotations

from autoscaler.web.openapi.document import openapi

__all__ = ["openapi"]
