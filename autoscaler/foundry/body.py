"""JSON at the door: strict in, loss-free out.

Python's own `json` keeps whole numbers of any size and 1.0 apart from 1; what it would lose
(a repeated key, a number beyond a double) is refused instead of written back changed.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from autoscaler.foundry.errors import InvalidAnswer

Object = dict[str, Any]
# A configuration is 6 deep; Python compares and writes back some hundreds of levels only.
DEEPEST = 64


def decode(body: bytes) -> Object:
    """The JSON object in `body`. Raises InvalidAnswer, which never quotes the body."""
    found, fault = _parse(body)
    # Raised out here: json's and UTF-8's own errors carry the body, which may hold secrets.
    if fault:
        raise InvalidAnswer(f"the answer of {len(body)} bytes {fault}")
    if _deeper(found, DEEPEST):
        raise InvalidAnswer(f"the answer of {len(body)} bytes is nested deeper than {DEEPEST}")
    if not isinstance(found, dict):
        raise InvalidAnswer(f"the answer must be a JSON object, got {type(found).__name__}")
    return found


def encode(value: Object) -> bytes:
    """The object as JSON in ASCII; unpaired surrogates survive as escapes."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _deeper(tree: object, most: int) -> bool:
    level = [tree]
    for _ in range(most):
        parts = [each for each in level if isinstance(each, dict | list)]
        level = [
            inner for part in parts for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _parse(body: bytes) -> tuple[object, str]:
    try:
        return (
            json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_unique,
                parse_constant=_refuse,
                parse_float=_finite,
            ),
            "",
        )
    except UnicodeDecodeError:
        return None, "is not UTF-8"
    except json.JSONDecodeError as error:
        return None, f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except _LossyError as error:
        return None, str(error)
    except ValueError:
        return None, "holds a number of too many digits"
    except RecursionError:
        return None, "is nested too deeply"


class _LossyError(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> Object:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _LossyError("holds an object with a repeated key")
    return made


def _refuse(_: str) -> NoReturn:
    raise _LossyError("holds NaN or Infinity, which JSON does not know")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _LossyError("holds a number that no double can carry")
    return value
