"""A forecaster as bytes and back: what it has learnt survives a restart.

Kept: the history of fourteen days, levels, margins, the ledger. Lost: the few forecasts that
wait for their truth (minutes). The history is compressed; a steady demand takes a few KiB, and
the most that fourteen days can take is 40 KiB.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from array import array

from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import CELLS, History
from autoscaler.forecast.margins import Margins
from autoscaler.forecast.options import Options

MAGIC = b"FC1"
_LEVELS = ("at", "one", "five", "twenty", "scale")
_MARGINS = ("q", "fast", "slow", "loss")
_SUMS = ("trials", "met", "weight", "hits", "loss", "naive", "guess", "demand")
# A header is under 4 KiB; more is not ours.
LARGEST_HEADER = 65_536


def pack(forecaster: Forecaster) -> bytes:
    """What it has learnt, at most 64 KiB."""
    history, options = forecaster.history, forecaster.options
    head = {
        "tau": options.tau,
        "every_s": options.every_s,
        "first": history.first,
        "last": history.last,
        "levels": [getattr(forecaster.levels, name) for name in _LEVELS],
        "adding": _margins(forecaster.adding),
        "keeping": _margins(forecaster.keeping),
        "edge": forecaster.edge.q,
        "ledger": [getattr(forecaster.ledger, name) for name in _SUMS],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    codes = history.codes
    if sys.byteorder == "big":
        codes = array("H", codes)
        codes.byteswap()
    return MAGIC + len(text).to_bytes(4, "big") + text + zlib.compress(codes.tobytes(), 6)


def unpack(data: bytes, options: Options) -> Forecaster:
    """A forecaster that goes on from `data`. Raises ValueError for bytes that are none of ours.

    With another risk or tick the history stays and the margins begin anew.
    """
    head, codes = _parts(data)
    try:
        first, last = _numbers([head["first"], head["last"]], 2)
        history = History(codes, int(first or 0), int(last if last is not None else -1))
        made = Forecaster(options, history)
        if (head["tau"], head["every_s"]) == (options.tau, options.every_s):
            _restore(made, head)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a stored forecast is damaged: {error}") from error
    return made


def _restore(made: Forecaster, head: dict[str, object]) -> None:
    levels, ledger = _numbers(head["levels"], len(_LEVELS)), _numbers(head["ledger"], len(_SUMS))
    for name, value in zip(_LEVELS, levels, strict=True):
        setattr(made.levels, name, value)
    for name, value in zip(_SUMS, ledger, strict=True):
        setattr(made.ledger, name, int(value or 0) if name in {"trials", "met"} else value)
    for margins, stored in ((made.adding, head["adding"]), (made.keeping, head["keeping"])):
        assert isinstance(stored, list)  # noqa: S101 - anything else was refused with the header
        for name, values in zip(_MARGINS, stored, strict=True):
            found = _numbers(values, len(margins.q))
            setattr(margins, name, array("d", (float(each or 0.0) for each in found)))
    edge = head["edge"]
    made.edge.q = float(edge) if isinstance(edge, int | float) else made.edge.q


def _margins(margins: Margins) -> list[list[float]]:
    return [list(getattr(margins, name)) for name in _MARGINS]


def _numbers(values: object, count: int) -> list[float | None]:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"a stored forecast must have {count} numbers here")
    for each in values:
        if each is not None and not (isinstance(each, int | float) and math.isfinite(each)):
            raise ValueError("a stored forecast must have finite numbers")
    return values


def _parts(data: bytes) -> tuple[dict[str, object], array[int]]:
    start = len(MAGIC) + 4
    size = int.from_bytes(data[len(MAGIC) : start], "big")
    if data[: len(MAGIC)] != MAGIC or not 0 < size <= LARGEST_HEADER:
        raise ValueError("a stored forecast must begin with its mark and version")
    try:
        head = json.loads(data[start : start + size])
        inflate = zlib.decompressobj()
        raw = inflate.decompress(data[start + size :], CELLS * 2 + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError("a stored forecast is damaged") from error
    if not isinstance(head, dict) or len(raw) != CELLS * 2:
        raise ValueError(f"a stored forecast must hold {CELLS} minutes")
    if not all(isinstance(head.get(key), list) for key in ("adding", "keeping")):
        raise ValueError("a stored forecast must hold its margins")
    codes = array("H", raw)
    if sys.byteorder == "big":
        codes.byteswap()
    return head, codes
