"""Points of ten minutes as bytes: four hours of one deployment in one compact blob."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

from autoscaler.runtime.history.track import NAN, UNKNOWN, Point

POINTS = 24
TEN_S = 600
CHUNK_S = POINTS * TEN_S
# A plain blob is 24 x 10 bytes, one with forecasts 24 x 22, before they are compressed.
PLAIN, AHEAD = b"\x01", b"\x02"
_LOADS = struct.Struct(f"<{POINTS}f")
_DIALS = struct.Struct(f"<{3 * POINTS}H")
_FORECASTS = struct.Struct(f"<{3 * POINTS}f")
_MOST = _LOADS.size + _DIALS.size + _FORECASTS.size


def pack(points: Sequence[Point]) -> bytes:
    """Exactly 24 points, at most 540 bytes. Values keep seven digits."""
    loads = _LOADS.pack(*(_float(p.load) for p in points))
    dials = _DIALS.pack(*(_dial(n) for p in points for n in (p.floor, p.ceiling, p.threads)))
    ahead = [_float(x) for p in points for x in (p.forecast, p.keep, p.ceiling_forecast)]
    if all(math.isnan(x) for x in ahead):
        return PLAIN + zlib.compress(loads + dials, 6)
    return AHEAD + zlib.compress(loads + dials + _FORECASTS.pack(*ahead), 6)


def unpack(body: bytes) -> list[Point]:
    """The points of a blob. Raises ValueError for bytes that are none of ours."""
    try:
        plain = zlib.decompressobj().decompress(body[1:], _MOST + 1)
        loads = _LOADS.unpack_from(plain)
        dials = _DIALS.unpack_from(plain, _LOADS.size)
        ahead = (NAN,) * (3 * POINTS)
        if body[:1] == AHEAD:
            ahead = _FORECASTS.unpack_from(plain, _LOADS.size + _DIALS.size)
        elif body[:1] != PLAIN:
            raise ValueError(f"a history begins with 1 or 2, got {body[:1]!r}")
    except (struct.error, zlib.error) as error:
        raise ValueError(f"not a history: {error}") from error
    if any(map(math.isinf, (*loads, *ahead))):
        raise ValueError("a history must hold finite numbers")
    return [
        _point(loads[i], ahead[3 * i : 3 * i + 3], dials[3 * i : 3 * i + 3]) for i in range(POINTS)
    ]


def _point(load: float, ahead: tuple[float, ...], dials: tuple[int, ...]) -> Point:
    forecast, keep, ceiling = (_known(x) for x in ahead)
    floor, most, threads = (None if n == UNKNOWN else n for n in dials)
    return Point(_known(load), forecast, keep, ceiling, floor, most, threads)


def _float(value: float | None) -> float:
    return NAN if value is None else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _dial(value: int | None) -> int:
    return UNKNOWN if value is None else value
