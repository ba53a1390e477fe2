"""Every operation: its parameters and its answers."""

from __future__ import annotations

from typing import Any

from autoscaler.core.decision import Kind
from autoscaler.core.observation import Mode
from autoscaler.web.api.activity import FORMATS
from autoscaler.web.api.activity import KINDS as ACTS
from autoscaler.web.api.activity import MOST as MOST_ENTRIES
from autoscaler.web.api.fleet import MOST_ROWS, SORTS
from autoscaler.web.api.one import MOST_DECISIONS, MOST_POINTS
from autoscaler.web.openapi.changing import changing, ident
from autoscaler.web.openapi.shapes import JSON, SAID, Schema, problems, ref
from autoscaler.web.params import LATEST
from autoscaler.web.view.chips import STATUSES


def paths() -> dict[str, Any]:
    """The operations by path."""
    found: dict[str, Any] = {}
    for path, operation in {**_daemon(), **_trail(), **_fleet(), **_one()}.items():
        found[f"/api/v1{path}"] = {"get": operation}
    for path, methods in changing().items():
        found.setdefault(f"/api/v1{path}", {}).update(methods)
    return found


def _get(
    ident: str, summary: str, schema: str, *params: Schema, errors: tuple[str, ...] = ("400",)
) -> dict[str, Any]:
    return {
        "operationId": ident,
        "summary": summary,
        "parameters": list(params),
        "responses": {
            "200": {"description": summary, "content": {JSON: {"schema": ref(schema)}}},
            "304": {"description": SAID["304"]},
            **problems(*errors, "401", "429"),
        },
    }


EVENTS = """\
Server-sent events. A stream begins with `hello`, after that follow `tick`, `decision`, `activity`,
`override` and `reload` as they happen; a comment every 15 s shows that it lives. Who comes back
with `Last-Event-ID` gets what happened meanwhile, if that was not too much."""


def _events() -> dict[str, Any]:
    last = {"type": "string", "maxLength": 64}
    return {
        "operationId": "events",
        "summary": "What happens, as it happens",
        "description": EVENTS,
        "parameters": [{"name": "Last-Event-ID", "in": "header", "schema": last}],
        "responses": {
            "200": {
                "description": "an endless stream",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **problems("400", "401", "429", "503"),
        },
    }


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _some(name: str, values: tuple[str, ...], description: str) -> Schema:
    """Words of a closed list with commas between them."""
    schema = {"type": "array", "items": {"type": "string", "enum": list(values)}, "minItems": 1}
    more = {"style": "form", "explode": False}
    return {**_query(name, schema, description), **more}


def _whole(name: str, low: int, high: int, default: int, description: str) -> Schema:
    schema = {"type": "integer", "minimum": low, "maximum": high, "default": default}
    return _query(name, schema, description)


_TIME: Schema = {"type": "number", "minimum": 0, "maximum": LATEST}
_MARK: Schema = {"type": "string", "maxLength": 800, "pattern": "^[A-Za-z0-9_=-]+$"}
_CURSOR = _query("cursor", _MARK, "the `next` of the page before")
_FROM = _query("from", _TIME, "Unix seconds, included")
_TO = _query("to", _TIME, "Unix seconds, included")
_NAME: Schema = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "the deployment's name",
}
_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_TEXT: Schema = {"type": "string", "maxLength": 200}
_KINDS = _some("kind", tuple(kind.value for kind in Kind), "outcomes, with commas between them")


def _daemon() -> dict[str, dict[str, Any]]:
    return {
        "/session": _get("session", "Who is asking and what they may do", "Session"),
        "/status": _get("status", "The daemon in short", "Status"),
        "/health": _get("health", "Sources, platform, loop, journal, configuration", "Health"),
        "/overrides": _get("overrides", "What operators asked for and holds now", "Overrides"),
        "/decisions/{id}": _get(
            "decision",
            "One recorded decision in sentences",
            "Described",
            _ID,
            errors=("400", "404", "500", "503"),
        ),
        "/events": _events(),
        "/openapi.json": _get("openapi", "This document", "Document"),
    }


def _trail() -> dict[str, dict[str, Any]]:
    form = {"type": "string", "enum": list(FORMATS)}
    activity = _get(
        "activity",
        "The audit trail, newest first; csv and jsonl are exported as a whole",
        "Activity",
        _whole("limit", 1, MOST_ENTRIES, 100, "entries of one page"),
        _CURSOR,
        _some("kind", ACTS, "kinds, with commas between them"),
        _query("deployment", _TEXT, "a deployment's name"),
        _FROM,
        _query("to", _TIME, "Unix seconds, not included"),
        _query("format", form, "json unless told"),
        errors=("400", "503"),
    )
    lines = {"schema": {"type": "string"}}
    activity["responses"]["200"]["content"] |= {"text/csv": lines, "application/jsonl": lines}
    what_if = _get(
        "whatIf",
        "How far a what-if is, and its result",
        "WhatIf",
        ident("the what-if's id"),
        errors=("400", "404", "501"),
    )
    return {"/activity": activity, "/what-if/{id}": what_if}


def _fleet() -> dict[str, dict[str, Any]]:
    names = _query(
        "names", _TEXT | {"minLength": 1, "maxLength": 3900, "pattern": "^[ -~]+$"}, "1..200 names"
    )
    return {
        "/deployments": _get(
            "deployments",
            "The fleet, one row each",
            "Deployments",
            _query("search", _TEXT, "text in name, group, mode, state, status or reason"),
            _query("group", _TEXT, "a group's name"),
            _some("mode", tuple(mode.value for mode in Mode), "modes that hold now"),
            _some("state", STATUSES, "status words"),
            _query("sort", {"type": "string", "enum": list(SORTS)}, "attention unless told"),
            _query("order", {"type": "string", "enum": ["asc", "desc"]}, "asc unless told"),
            _whole("limit", 1, MOST_ROWS, MOST_ROWS, "rows of one page"),
            _CURSOR,
        ),
        "/sparklines": _get(
            "sparklines",
            "The last six hours' load of some deployments",
            "Sparklines",
            {**names, "required": True},
        ),
    }


def _one() -> dict[str, dict[str, Any]]:
    unknown = ("400", "404")
    return {
        "/deployments/{name}": _get(
            "deployment", "Everything about one deployment", "Deployment", _NAME, errors=unknown
        ),
        "/deployments/{name}/series": _get(
            "series",
            "Lines of one deployment: load, forecasts, envelope; a null is a gap",
            "Series",
            _NAME,
            _FROM,
            _TO,
            _whole("points", 1, MOST_POINTS, 360, "at most so many; a step is a minute or more"),
            errors=unknown,
        ),
        "/deployments/{name}/decisions": _get(
            "decisions",
            "Its recorded decisions, newest first",
            "Decisions",
            _NAME,
            _whole("limit", 1, MOST_DECISIONS, 50, "decisions of one page"),
            _CURSOR,
            _FROM,
            _TO,
            _KINDS,
            errors=("400", "404", "503"),
        ),
    }
