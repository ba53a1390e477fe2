"""What every part of the configuration has in common: strict, frozen, nothing unknown."""

from __future__ import annotations

import ipaddress
import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from autoscaler.settings.environment import parsed
from autoscaler.settings.units import DURATION_PATTERN, Given, seconds

STRICT = ConfigDict(
    strict=True,
    frozen=True,
    extra="forbid",
    allow_inf_nan=False,
    hide_input_in_errors=True,
    use_attribute_docstrings=True,
)

# The pattern that the platform's own client enforces before it sends a request.
RID = re.compile(r"ri\.[a-z][a-z0-9-]*\.([a-z0-9][a-z0-9\-]*)?\.[a-z][a-z0-9-]*\.[a-zA-Z0-9._-]+")
DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": DURATION_PATTERN},
    ]
}


class Shape(BaseModel):
    """A map of options. Null means "as if it were not there"."""

    model_config = STRICT

    @model_validator(mode="before")
    @classmethod
    def _settle(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {
            key: _typed(cls, key, value) if isinstance(value, Given) else value
            for key, value in data.items()
            if value is not None
        }


def _typed(cls: type[BaseModel], key: str, value: Given) -> object:
    known = cls.model_fields.get(key)
    return str(value) if known is None or wants_text(known.annotation) else parsed(value)


def wants_text(annotation: Any) -> bool:
    """Whether an option takes text as it stands."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return wants_text(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return any(wants_text(each) for each in get_args(annotation))
    return annotation in {str, SecretStr} or origin is Literal


def _rid(value: str) -> str:
    if not RID.fullmatch(value):
        raise ValueError("must be a resource identifier such as ri.foundry-ml-live.main.kind.id")
    return value


def _https(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if not host or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be https://host[:port] and nothing more")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("must begin with https:// (http:// only for a loopback address)")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether the name or address stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def pattern_schema(pattern: str) -> WithJsonSchema:
    """The schema of text whose own check says more than a pattern could."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema(DURATION_SCHEMA)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Rid = Annotated[str, AfterValidator(_rid), pattern_schema(f"^{RID.pattern}$")]
HttpsUrl = Annotated[str, AfterValidator(_https), pattern_schema("^https?://")]
NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._/@:+-]{0,119}$"
WORD = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
Word = Annotated[str, StringConstraints(pattern=WORD)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
