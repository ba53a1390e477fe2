"""A forecaster as bytes and back: what it has learnt survives a restart.

Kept: the history of fourteen days, levels, margins, the ledger. Lost: the few forecasts that
wait for their truth (minutes). The history is compressed; a steady demand takes a few KiB, and
the most that fourteen days can take is 60 KiB.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from array import array
from typing import TypeVar

from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import BLOCKS, CELLS, History, Means
from autoscaler.forecast.margins import Margins
from autoscaler.forecast.options import Options

Ring = TypeVar("Ring", "array[int]", "array[float]")

MAGIC = b"FC2"
_LEVELS = ("at", "one", "five", "twenty", "sixty", "usual")
_MARGINS = ("q", "fast", "slow", "loss")
_SUMS = ("trials", "met", "weight", "hits", "loss", "naive", "guess", "demand")
_SPANS = 6
# A header is under 4 KiB; more is not ours.
LARGEST_HEADER = 65_536
MAXIMA_BYTES = CELLS * 2
MEANS_BYTES = BLOCKS * 4


def pack(forecaster: Forecaster) -> bytes:
    """What it has learnt, at most 64 KiB."""
    history, options = forecaster.history, forecaster.options
    means = history.means
    head = {
        "tau": options.tau,
        "every_s": options.every_s,
        "spans": [history.first, history.last, means.first, means.last, *means.begun],
        "levels": [getattr(forecaster.levels, name) for name in _LEVELS],
        "adding": _margins(forecaster.adding),
        "keeping": _margins(forecaster.keeping),
        "edges": [forecaster.last_word.q, forecaster.ceiling.q],
        "ledger": [getattr(forecaster.ledger, name) for name in _SUMS],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    body = _little(history.codes).tobytes() + _little(means.ring).tobytes()
    rest = len(text).to_bytes(4, "big") + text + zlib.compress(body, 6)
    return MAGIC + zlib.crc32(rest).to_bytes(4, "big") + rest


def unpack(data: bytes, options: Options) -> Forecaster:
    """A forecaster that goes on from `data`. Raises ValueError for bytes that are none of ours.

    With another risk or tick the history stays and the margins begin anew; to another lead
    they adapt by themselves.
    """
    head, codes, ring = _parts(data)
    try:
        first, last, begin, end, total, count = (
            number or 0 for number in _numbers(head["spans"], _SPANS)
        )
        means = Means(ring, int(begin), int(end))
        means.begun = float(total), int(count)
        made = Forecaster(options, History(codes, int(first), int(last), means))
        if (head["tau"], head["every_s"]) == (options.tau, options.every_s):
            _restore(made, head)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a stored forecast is damaged: {error}") from error
    return made


def _restore(made: Forecaster, head: dict[str, object]) -> None:
    levels, ledger = _numbers(head["levels"], len(_LEVELS)), _numbers(head["ledger"], len(_SUMS))
    edges = _numbers(head["edges"], 2)
    for name, value in zip(_LEVELS, levels, strict=True):
        setattr(made.levels, name, value)
    for name, value in zip(_SUMS, ledger, strict=True):
        setattr(made.ledger, name, int(value or 0) if name in {"trials", "met"} else value)
    for margins, stored in ((made.adding, head["adding"]), (made.keeping, head["keeping"])):
        if not isinstance(stored, list) or len(stored) != len(_MARGINS):
            raise ValueError("a stored forecast must hold its margins")
        for name, values in zip(_MARGINS, stored, strict=True):
            found = _numbers(values, len(margins.q))
            setattr(margins, name, array("d", (float(each or 0.0) for each in found)))
    made.last_word.q, made.ceiling.q = (float(each or 0.0) for each in edges)
    for learner in (made.adding, made.keeping, made.last_word, made.ceiling):
        learner.age = made.ledger.trials


def _margins(margins: Margins) -> list[list[float]]:
    return [list(getattr(margins, name)) for name in _MARGINS]


def _numbers(values: object, count: int) -> list[float | None]:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"a stored forecast must have {count} numbers here")
    for each in values:
        if each is not None and not _finite(each):
            raise ValueError("a stored forecast must have finite numbers")
    return values


def _finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number that no double can carry
        return False


def _parts(data: bytes) -> tuple[dict[str, object], array[int], array[float]]:
    mark = len(MAGIC)
    start = mark + 8
    size = int.from_bytes(data[mark + 4 : start], "big")
    if data[:mark] != MAGIC or not 0 < size <= LARGEST_HEADER:
        raise ValueError("a stored forecast must begin with its mark and version")
    if zlib.crc32(data[mark + 4 :]) != int.from_bytes(data[mark : mark + 4], "big"):
        raise ValueError("a stored forecast must have its checksum: it is damaged")
    try:
        head = json.loads(data[start : start + size])
        inflate = zlib.decompressobj()
        raw = inflate.decompress(data[start + size :], MAXIMA_BYTES + MEANS_BYTES + 1)
    except (ValueError, RecursionError, zlib.error) as error:
        raise ValueError("a stored forecast is damaged") from error
    if not isinstance(head, dict) or len(raw) != MAXIMA_BYTES + MEANS_BYTES:
        raise ValueError(f"a stored forecast must hold {CELLS} minutes")
    codes = _little(array("H", raw[:MAXIMA_BYTES]))
    ring = _little(array("f", raw[MAXIMA_BYTES:]))
    # One number that is none makes the sum none; the sum of so few of 32 bits cannot overflow.
    if not math.isfinite(sum(ring)):
        raise ValueError("a stored forecast must have finite numbers")
    return head, codes, ring


def _little(ring: Ring) -> Ring:
    """The ring in the byte order of the store, or back from it."""
    if sys.byteorder == "big":
        ring = ring[:]
        ring.byteswap()
    return ring
