"""Decisions and observations as JSON, exact both ways, and a decision told in sentences.

Readers and writers are made from the core's own type hints, so a field that the core gains
tomorrow is carried without a word here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from autoscaler.codec.reading import CodecError, from_tree
from autoscaler.codec.story import describe
from autoscaler.codec.writing import escaped, to_tree
from autoscaler.core.decision import Decision
from autoscaler.core.observation import Observation

__all__ = [
    "CodecError",
    "decode",
    "decode_decision",
    "decode_observation",
    "describe",
    "encode",
    "encode_decision",
    "encode_observation",
    "from_tree",
    "observation_schema",
    "to_tree",
]

T = TypeVar("T")


def encode_decision(decision: Decision) -> bytes:
    """The decision as one line of JSON; equal decisions give equal bytes."""
    return encode(Decision, decision)


def decode_decision(data: bytes | str) -> Decision:
    """The decision that `encode_decision` was given. Raises CodecError."""
    return decode(Decision, data)


def encode_observation(seen: Observation) -> bytes:
    """The observation as one line of JSON; equal observations give equal bytes."""
    return encode(Observation, seen)


def decode_observation(data: bytes | str) -> Observation:
    """The observation that `encode_observation` was given. Raises CodecError."""
    return decode(Observation, data)


def encode(hint: object, value: object) -> bytes:
    """Any value of the core's vocabulary as JSON, by its type."""
    tree = to_tree(hint, value)
    try:
        return orjson.dumps(tree)
    except TypeError:  # lone surrogates: a record with escapes is better than none
        return orjson.dumps(escaped(tree))


def decode(hint: Callable[..., T] | type[T], data: bytes | str) -> T:
    """A value of the type `hint` out of JSON; fields with a default may be absent.

    Raises CodecError for anything else, unknown fields included.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CodecError("", f"must be JSON ({error})", data) from error
    return from_tree(hint, tree)


def observation_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of an encoded observation."""
    from pydantic import ConfigDict, TypeAdapter, with_config
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        """Leaves out a default that JSON cannot show, the empty read-only mapping."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as declared by the parent

    strict = with_config(ConfigDict(extra="forbid", title="Observation"))(Observation)
    return TypeAdapter(strict).json_schema(schema_generator=Quiet)
