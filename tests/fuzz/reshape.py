"""Hostile JSON that is still JSON: an input of the corpus with a few values replaced.

Bytes changed blindly are mostly no JSON any more and end at the door. An input that begins with
a zero byte is read as edits instead: which input of the corpus, then pairs of place and value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
HOSTILE: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1.0, -0.0),
    *(1e308, -1e308, 5e-324, "", "0", "1", "NaN", "+Inf", "-Inf", "1e400", "1_0", "\u0663", "\0"),
    *("\ud800", "a" * 300, "ACTIVE", [], {}, [[]], [{}], {"a": 1}, {"float": "nan"}),
    *({"int": "9" * 30}, {"float": "inf"}, [1, "1"], [1e9, "2"], {"value": 1e308, "unit": "YEARS"}),
)


def reshaped(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, which takes edits of its corpus too."""
    name = target.__name__

    def tried(data: bytes) -> None:
        target(edited(name, data[1:]) if data[:1] == b"\0" else data)

    tried.__name__ = name
    tried.__doc__ = target.__doc__
    return tried


def edited(name: str, data: bytes) -> bytes:
    """The JSON that the edits in `data` make of an input in the corpus of a target."""
    texts = _texts(name)
    tree = json.loads(texts[data[0] % len(texts)]) if data else None
    for place, value in zip(data[1:13:2], data[2:13:2], strict=False):
        spots = _spots(tree)
        if spots:
            part, key = spots[place % len(spots)]
            if value == 255:
                del part[key]
            else:
                part[key] = deepcopy(HOSTILE[value % len(HOSTILE)])
    return json.dumps(tree).encode()


def _spots(tree: object) -> list[tuple[dict[object, object], object]]:
    spots: list[tuple[dict[object, object], object]] = []
    parts = [tree]
    while parts and len(spots) < 256:
        part = parts.pop()
        if isinstance(part, dict):
            spots += [(part, key) for key in part]
            parts += part.values()
        elif isinstance(part, list):
            spots += [(part, at) for at in range(len(part))]  # type: ignore[misc]  # lists and maps alike
            parts += part
    return spots


@cache
def _texts(name: str) -> tuple[str, ...]:
    found = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    return tuple(text.decode() for text in found if _shallow(text))


def _shallow(text: bytes) -> bool:
    if text[:1] != b"{" or len(text) > 20_000:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return text.count(b'{"a":') < 50
