"""What guaranteed replicas cost, counted from the history. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from autoscaler.runtime.history.blob import TEN_S
from autoscaler.runtime.history.track import MINUTE_S, Point

DAY_S = 86_400.0
# A month is not forecast from less than this.
LEAST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Compute-seconds since midnight UTC, and of this month at the last week's pace."""

    today: float | None
    month: float | None


UNKNOWN_COST = Cost(None, None)


def priced(tens: Mapping[int, Point], rate: float, now: float) -> Cost:
    """The cost by points of ten minutes, keyed by their beginning in minutes.

    `rate` is in compute-seconds per second of a replica. What was not recorded is not counted
    for today, and does not change the pace.
    """
    floors = {minute: p.floor for minute, p in tens.items() if p.floor is not None}
    if not floors:
        return UNKNOWN_COST
    midnight = now - now % DAY_S
    today = sum(n * _lasted(minute, now) for minute, n in floors.items() if minute >= midnight / 60)
    known = sum(_lasted(minute, now) for minute in floors)
    if known < LEAST_S:
        return Cost(today * rate, None)
    pace = sum(n * _lasted(minute, now) for minute, n in floors.items()) / known
    return Cost(today * rate, pace * rate * _month_s(now))


def _lasted(minute: int, now: float) -> float:
    """Seconds of ten minutes that are over."""
    return min(float(TEN_S), max(0.0, now - minute * MINUTE_S))


def _month_s(now: float) -> float:
    day = datetime.fromtimestamp(now, UTC)
    return calendar.monthrange(day.year, day.month)[1] * DAY_S
