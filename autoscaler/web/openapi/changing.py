"""Operations that change or begin something, and their bodies."""

from __future__ import annotations

from typing import Any

from autoscaler.core.envelope import DIALS
from autoscaler.core.observation import Control, Mode
from autoscaler.web.api import overrides as o
from autoscaler.web.api import whatif as w
from autoscaler.web.body import LINE_PATTERN
from autoscaler.web.openapi.shapes import (
    ANYTHING,
    JSON,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    Schema,
    maybe,
    obj,
    problems,
    ref,
    told,
    words,
)

SECURITY: list[Schema] = [{"bearer": []}]


def line(longest: int, description: str = "") -> Schema:
    """Text in one line."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": LINE_PATTERN}
    return told(schema, description) if description else schema


def whole(low: int, high: int) -> Schema:
    """A whole number in a closed range."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """A number in a closed range."""
    return {"type": "number", "minimum": low, "maximum": high}


def _word(controls: tuple[Control, ...], *, ends: bool, **more: Schema) -> Schema:
    """One form of a new override: these controls, with or without an end."""
    end = {"for_s": number(1, o.YEAR_S)} if ends else {"endless": {"const": True}}
    fields = {
        "scope": line(o.LONGEST_SCOPE, "fleet, group:NAME or a deployment's name"),
        "control": words(control.value for control in controls),
        "why": line(o.LONGEST_WHY),
        **end,
        **more,
    }
    author = line(o.LONGEST_AUTHOR, "for whom the token's owner speaks")
    return {
        "type": "object",
        "properties": {**fields, "author": author},
        "required": list(fields),
        "additionalProperties": False,
    }


DIAL = words(dial.value for dial in DIALS)
FORMS: tuple[tuple[tuple[Control, ...], Schema], ...] = (
    ((Control.PAUSE, Control.BRAKE), {}),
    ((Control.PIN, Control.FLOOR), {"dial": DIAL, "value": whole(0, o.MOST)}),
    ((Control.MODE,), {"mode": words(mode.value for mode in Mode)}),
)

SCHEMAS: dict[str, Schema] = {
    "NewOverride": {
        "description": "an end (for_s, seconds) or endless: true must be said",
        "oneOf": [
            _word(names, ends=ends, **more) for names, more in FORMS for ends in (True, False)
        ],
    },
    "NewLook": obj(scope=line(o.LONGEST_SCOPE), why=line(o.LONGEST_WHY)),
    "Looked": obj(deployments=WHOLE),
    "NewWhatIf": obj(
        deployment=line(w.LONGEST_NAME),
        policies={
            "type": "object",
            "minProperties": 1,
            "maxProperties": w.MOST_POLICIES,
            "additionalProperties": maybe(ANYTHING),
        },
        days=number(*w.DAYS),
    ),
    "WhatIfBegun": obj(id=TEXT),
    "WhatIf": {
        "type": "object",
        "properties": {
            "state": words(("queued", "running", "done", "failed", "cancelled")),
            "progress": told(NUMBER, "0..1"),
            "result": ANYTHING,
            "problem": {},
        },
        "required": ["state"],
    },
    "Ok": obj(ok=TRUTH, detail=TEXT),
}


def ident(what: str) -> Schema:
    """An id in the path."""
    schema = {"type": "string", "minLength": 1, "maxLength": 100}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "description": what}


def changing() -> dict[str, dict[str, Any]]:
    """The operations, by path below /api/v1 and method."""
    return {
        "/overrides": {"post": _add()},
        "/overrides/{id}": {"delete": _end()},
        "/looks": {"post": _look()},
        "/what-if": {"post": _try()},
        "/what-if/{id}": {"delete": _cancel()},
    }


def _body(name: str) -> Schema:
    return {"required": True, "content": {JSON: {"schema": ref(name)}}}


def _answer(description: str, name: str) -> Schema:
    return {"description": description, "content": {JSON: {"schema": ref(name)}}}


_WRITE_ERRORS = ("400", "401", "403", "413", "415", "422", "429", "503")


def _add() -> Schema:
    where = {"Location": {"schema": TEXT}}
    return {
        "operationId": "addOverride",
        "summary": "Pause, brake, pin, raise a floor or change the mode for a while",
        "security": SECURITY,
        "requestBody": _body("NewOverride"),
        "responses": {
            "201": {**_answer("it holds from now on", "Override"), "headers": where},
            **problems(*_WRITE_ERRORS),
        },
    }


def _end() -> Schema:
    return {
        "operationId": "endOverride",
        "summary": "Take an override back",
        "security": SECURITY,
        "parameters": [ident("the override's id")],
        "responses": {
            "200": _answer("what it was", "Override"),
            **problems("400", "401", "403", "404", "429", "503"),
        },
    }


def _look() -> Schema:
    return {
        "operationId": "look",
        "summary": "Read and decide now instead of at the next tick",
        "security": SECURITY,
        "requestBody": _body("NewLook"),
        "responses": {
            "202": _answer("so many deployments are looked at", "Looked"),
            **problems(*_WRITE_ERRORS),
        },
    }


def _try() -> Schema:
    return {
        "operationId": "tryWhatIf",
        "summary": "Try other policies on the last days of a deployment; changes nothing",
        "requestBody": _body("NewWhatIf"),
        "responses": {
            "202": _answer("it has begun", "WhatIfBegun"),
            **problems("400", "401", "403", "413", "415", "422", "429", "501"),
        },
    }


def _cancel() -> Schema:
    return {
        "operationId": "cancelWhatIf",
        "summary": "Stop a what-if",
        "parameters": [ident("the what-if's id")],
        "responses": {
            "204": {"description": "it is stopped"},
            **problems("400", "401", "403", "404", "429", "501"),
        },
    }
