"""Small words for JSON schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

JSON = "application/json"
PROBLEM = "application/problem+json"
SAID = {
    "304": "it has not changed: the ETag is the same",
    "400": "a parameter breaks its rule, or the body is not JSON",
    "401": "a token is needed, or this one is not known",
    "403": "not allowed: writing is off, the role is another, or a page of another site asks",
    "404": "there is no such thing",
    "413": "the body is too large",
    "415": "the body is not application/json",
    "422": "a field breaks its rule",
    "429": "too many wrong tokens came from this address",
    "500": "a bug",
    "501": "it is not installed here",
    "503": "it cannot be answered now",
}

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
TIME: Schema = {"type": "number", "description": "Unix seconds"}
SECONDS: Schema = {"type": "number", "description": "seconds"}
ANYTHING: Schema = {"type": "object"}


def obj(**fields: Schema) -> Schema:
    """An object with exactly these fields, all of them always there."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def maybe(schema: Schema) -> Schema:
    """This, or null when it is not known."""
    if "$ref" in schema or "type" not in schema or isinstance(schema["type"], list):
        return {"anyOf": [schema, {"type": "null"}]}
    more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **more}


def many(schema: Schema, **more: Any) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema, **more}


def by_name(schema: Schema) -> Schema:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": schema}


def ref(name: str) -> Schema:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def words(values: Iterable[str], description: str = "") -> Schema:
    """One of a closed list."""
    told = {"description": description} if description else {}
    return {"type": "string", "enum": list(values), **told}


def told(schema: Schema, description: str) -> Schema:
    """The same with a description."""
    return {**schema, "description": description}


def problems(*codes: str) -> dict[str, Schema]:
    """Answers that are problems, by status."""
    return {
        code: {"description": SAID[code], "content": {PROBLEM: {"schema": ref("Problem")}}}
        for code in codes
    }
