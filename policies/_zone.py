"""Local time and instants: what a clock on the wall means where clocks are put forward and back.

A local time that the clock skips means the next valid instant. One that comes twice means its
first coming, so that a doubled hour counts once. The mapping never steps back.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

ZERO = timedelta(0)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone of a name. Raises ValueError with the nearest known one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        rule = f"must be an IANA time zone such as Europe/Berlin, got {name!r}"
        raise ValueError(rule + nearest(name, available_timezones())) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the nearest known word, empty when none is near."""
    near = difflib.get_close_matches(word, tuple(known), n=1)
    return f": did you mean {near[0]}?" if near else ""


def instant(local: datetime, zone: ZoneInfo) -> float:
    """Unix seconds of a local time without zone."""
    first = local.replace(tzinfo=zone, fold=0)
    before, after = first.utcoffset() or ZERO, first.replace(fold=1).utcoffset() or ZERO
    # Only in a gap is the offset of the second reading the larger one.
    return first.timestamp() if after <= before else _end_of_gap(local, before, after, zone)


def _end_of_gap(local: datetime, before: timedelta, after: timedelta, zone: ZoneInfo) -> float:
    """The instant at which the clock was put forward over a local time."""
    naive = (local - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001 - both are local
    early, late = naive - after.total_seconds(), naive - before.total_seconds()
    while late - early > 1:
        middle = (early + late) // 2
        if local_time(middle, zone).utcoffset() == after:
            late = middle
        else:
            early = middle
    return late


def local_time(at: float, zone: ZoneInfo) -> datetime:
    """The local time at Unix seconds `at`, with its zone."""
    return datetime.fromtimestamp(at, zone)


def wall_time(at: float, zone: ZoneInfo) -> datetime:
    """The local time at Unix seconds `at` as the clock on the wall shows it, in whole seconds."""
    return local_time(at, zone).replace(tzinfo=None, fold=0, microsecond=0)


def latest_wall_time(at: float, zone: ZoneInfo) -> datetime:
    """No later local time means `at` or an instant before it.

    In the second coming of a doubled hour all of the first coming lies behind.
    """
    local = local_time(at, zone)
    doubled = (local.replace(fold=0).utcoffset() or ZERO) - (local.utcoffset() or ZERO)
    return wall_time(at, zone) + max(ZERO, doubled)


@lru_cache(maxsize=4096)
def told(at: float, zone: ZoneInfo) -> str:
    """An instant as operators read it: `Mon 2026-11-23 08:00 CET`."""
    return local_time(at, zone).strftime("%a %Y-%m-%d %H:%M %Z")
