"""The document is true: every route is in it, and real answers have its shapes."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from autoscaler.web.api.parts import Parts
from autoscaler.web.api.routes import add_routes
from autoscaler.web.openapi import openapi
from tests.web.conftest import Asker

DOCUMENT = openapi()


def operations() -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }


def test_every_route_is_in_the_document_and_nothing_else(asked: Parts) -> None:
    app = web.Application()
    add_routes(app, asked)
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/")
    }
    assert {one for one in served if one[0] != "HEAD"} == operations()


def schema_of(path: str, status: int) -> dict[str, Any]:
    answer = DOCUMENT["paths"][path]["get"]["responses"][str(status)]
    (content,) = answer["content"].values()
    return {**content["schema"], "components": DOCUMENT["components"]}


def holds(told: Any, path: str, status: int = 200) -> None:
    Draft202012Validator(schema_of(path, status)).validate(told)


ASKED = [
    ("/session", "/session"),
    ("/status", "/status"),
    ("/health", "/health"),
    ("/deployments", "/deployments"),
    ("/deployments/{name}", "/deployments/chat"),
    ("/deployments/{name}", "/deployments/embed"),
    ("/deployments/{name}/series", "/deployments/chat/series"),
    ("/deployments/{name}/decisions", "/deployments/chat/decisions"),
    ("/sparklines", "/sparklines?names=chat"),
    ("/overrides", "/overrides"),
    ("/openapi.json", "/openapi.json"),
]


@pytest.mark.parametrize(("path", "question"), ASKED)
async def test_a_real_answer_has_the_shape_of_the_document(
    ask: Asker, path: str, question: str
) -> None:
    holds(await ask.get(f"/api/v1{question}"), f"/api/v1{path}")


async def test_a_decision_has_the_shape_of_the_document(ask: Asker) -> None:
    listed = await ask.get("/api/v1/deployments/chat/decisions")
    told = await ask.get(f"/api/v1/decisions/{listed['decisions'][0]['id']}")
    holds(told, "/api/v1/decisions/{id}")


async def test_problems_have_the_shape_of_the_document(ask: Asker) -> None:
    holds(await ask.get("/api/v1/deployments/nobody", 404), "/api/v1/deployments/{name}", 404)
    holds(await ask.get("/api/v1/deployments?limit=x", 400), "/api/v1/deployments", 400)


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = set(DOCUMENT["components"]["schemas"])
    assert references(DOCUMENT) <= names


def references(tree: object) -> set[str]:
    if isinstance(tree, dict):
        own = {str(tree["$ref"]).rpartition("/")[2]} if "$ref" in tree else set()
        return own.union(*(references(item) for item in tree.values()))
    return set().union(*map(references, tree)) if isinstance(tree, list) else set()
