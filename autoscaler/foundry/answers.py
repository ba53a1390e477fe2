"""Error answers to errors: by name where the platform gives one, else by status."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoscaler.foundry.backoff import do_not_retry, retry_after_s
from autoscaler.foundry.body import Object, decode
from autoscaler.foundry.door import Answer
from autoscaler.foundry.errors import (
    BY_NAME,
    BY_STATUS,
    AnswerFacts,
    ApiNotFound,
    ErrorAnswer,
    InvalidAnswer,
    Parameter,
    Redirected,
    ServerError,
    UnexpectedStatus,
)

LONGEST_DETAIL = 200
_IDENTIFIER = re.compile(r"[A-Za-z0-9_:.-]{1,100}")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,2}")


def error_of(
    answer: Answer, now: float, hidden: tuple[str, ...] = (), *, quote: bool = True
) -> ErrorAnswer | None:
    """The error in an answer, None for a success. `now` is Unix seconds, for `Retry-After`.

    Texts in `hidden` are struck out of what is quoted; without `quote` nothing free is.
    """
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - the success class of RFC 9110
        return None
    said = _json(answer.body)
    name = _identifier(said, "errorName")
    kind = _class_of(status, name, empty=not answer.body.strip())
    facts = AnswerFacts(
        status=status,
        name=name,
        code=_identifier(said, "errorCode"),
        instance_id=_identifier(said, "errorInstanceId"),
        detail=_detail(said, answer.body, hidden) if quote else "",
        parameters=_parameters(kind, said.get("parameters")),
        retry_after_s=retry_after_s(answer.headers, now),
        do_not_retry=do_not_retry(answer.headers),
    )
    return kind(facts)


def _class_of(status: int, name: str, *, empty: bool) -> type[ErrorAnswer]:
    if status == 404 and empty:  # noqa: PLR2004 - not found
        return ApiNotFound
    general = BY_STATUS.get(status)
    if general is None:
        general = {3: Redirected, 5: ServerError}.get(status // 100, UnexpectedStatus)
    # A name counts only under its own status: a 500 that says "not found" is still a 500.
    named = BY_NAME.get(name)
    return named if named is not None and issubclass(named, general) else general


def _json(body: bytes) -> Object:
    try:
        return decode(body)
    except InvalidAnswer:
        return {}


def _identifier(said: Mapping[str, object], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else ""


def _detail(said: Mapping[str, object], body: bytes, hidden: tuple[str, ...]) -> str:
    description = said.get("errorDescription")
    if isinstance(description, str):
        return clip(description, hidden)
    return "" if said else clip(body.decode("utf-8", "replace"), hidden)


def clip(text: str, hidden: tuple[str, ...] = ()) -> str:
    """At most 200 printable characters of foreign text, without hidden ones and tokens."""
    for secret in filter(None, hidden):
        text = text.replace(secret, "***")
    text = _JWT.sub("***", text)
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= LONGEST_DETAIL else plain[: LONGEST_DETAIL - 3] + "..."


def _parameters(kind: type[ErrorAnswer], said: object) -> dict[str, Parameter]:
    if not isinstance(said, dict):
        return {}
    kept = {key: _parameter(said[key]) for key in kind.parameters if key in said}
    return {key: value for key, value in kept.items() if value is not None}


def _parameter(value: object) -> Parameter | None:
    # Numbers also arrive as texts: the platform's safe longs are written so.
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else clip(value)
    if isinstance(value, list):
        return tuple(clip(item) for item in value[:20] if isinstance(item, str))
    return None
