"""Rules of a calendar as spans of time: half-open, start inclusive, end exclusive, Unix seconds.

Local times become instants by policies/_zone.py, so every kind of rule knows one way to meet the
change of the clocks. Cron expressions are read by cronsim on the wall's clock, with Debian's rule
that day-of-month and day-of-week both count only when one of them is a star.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from policies._days import EVERY_DAY, Days
from policies._zone import instant, latest_wall_time, wall_time

DAY_S = 86_400
NEVER = float("inf")
SECOND = timedelta(seconds=1)
# The day after a leap day may be 8 years away, around 2100.
LOOKBACK_S = 8.1 * 365.25 * DAY_S
HORIZONS_S = (8 * DAY_S, 64 * DAY_S, 400 * DAY_S, LOOKBACK_S)
_MOST_TICKS = 20_000


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time during which a window is open: start <= at < end, Unix seconds."""

    start: float
    end: float


class Rule(Protocol):
    """One way to say when a window is open."""

    def spans(self, begin: float, end: float) -> Iterator[Span]:
        """The spans that touch [begin, end), whole, in the order of their starts."""
        ...


@dataclass(frozen=True, slots=True)
class Always:
    """Without any limit of time."""

    def spans(self, _: float, __: float) -> Iterator[Span]:
        """One span without ends."""
        yield Span(-NEVER, NEVER)


@dataclass(frozen=True, slots=True)
class Once:
    """One span of absolute time."""

    span: Span

    def spans(self, begin: float, end: float) -> Iterator[Span]:
        """The span, when it touches."""
        if self.span.end > begin and self.span.start < end:
            yield self.span


@dataclass(frozen=True, slots=True)
class Daily:
    """From `begin_s` to `end_s` seconds after the local midnight of each day that counts.

    `end_s` may lie days later: windows go over midnight and over the end of the week.
    """

    zone: ZoneInfo
    days: Days
    begin_s: int
    end_s: int

    def spans(self, begin: float, end: float) -> Iterator[Span]:
        """One span per day that counts; none when the change of the clocks swallows it."""
        zone = self.zone
        day = wall_time(begin, zone).date() - timedelta(days=self.end_s // DAY_S + 1)
        last = wall_time(end, zone).date()
        while day <= last:
            if day in self.days:
                midnight = datetime.combine(day, time())
                start = instant(midnight + timedelta(seconds=self.begin_s), zone)
                stop = instant(midnight + timedelta(seconds=self.end_s), zone)
                if start < stop and stop > begin and start < end:
                    yield Span(start, stop)
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lasting:
    """Open for `duration_s` seconds from every tick of a cron expression on a day that counts."""

    zone: ZoneInfo
    days: Days
    start: str
    duration_s: float

    def spans(self, begin: float, end: float) -> Iterator[Span]:
        """One span per tick."""
        for tick in _ticks(self.start, self.days, self.zone, begin - self.duration_s):
            if tick >= end:
                return
            yield Span(tick, tick + self.duration_s)


@dataclass(frozen=True, slots=True)
class Between:
    """Open from a tick of one cron expression until the next tick of another.

    As Nomad Autoscaler's schedules: open while the last start is later than the last end. Days
    that do not count have no starts; ends are on any day.
    """

    zone: ZoneInfo
    days: Days
    start: str
    end: str

    def spans(self, begin: float, end: float) -> Iterator[Span]:
        """One span per start that is not inside another."""
        first = _last_tick(self.start, self.days, self.zone, begin)
        since = begin if first is None else first - 1
        ends = _ticks(self.end, EVERY_DAY, self.zone, since)
        stop = -NEVER
        for tick in _ticks(self.start, self.days, self.zone, since):
            if tick >= end:
                return
            while stop < tick:
                stop = next(ends, NEVER)
            if stop == tick:
                continue
            if stop > begin:
                yield Span(tick, stop)


def _ticks(cron: str, days: Days, zone: ZoneInfo, after: float) -> Iterator[float]:
    """The ticks after an instant, on days that count."""
    for wall in _cron(cron, wall_time(after, zone), reverse=False):
        tick = instant(wall, zone)
        if tick > after and wall.date() in days:
            yield tick


def _last_tick(cron: str, days: Days, zone: ZoneInfo, at: float) -> float | None:
    """The last tick that is not after an instant, None when there is none for years."""
    walls = _cron(cron, latest_wall_time(at, zone) + SECOND, reverse=True)
    for _, wall in zip(range(_MOST_TICKS), walls, strict=False):
        tick = instant(wall, zone)
        if tick <= at - LOOKBACK_S:
            return None
        if tick <= at and wall.date() in days:
            return tick
    return None


def _cron(expression: str, wall: datetime, *, reverse: bool) -> Iterator[datetime]:
    from cronsim import CronSim  # 20 ms that only those pay who use cron

    ticks: Iterator[datetime] = CronSim(expression, wall, reverse=reverse)
    return ticks


def check_cron(expression: str) -> None:
    """Raise ValueError with the rule that a cron expression breaks."""
    from cronsim import CronSimError

    rule = "must be a cron expression of five fields such as 0 8 * * Mon-Fri, got"
    if len(expression.split()) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
        raise ValueError(f"{rule} {expression!r}")
    try:
        first = next(_cron(expression, datetime(2000, 1, 1), reverse=False), None)  # noqa: DTZ001 - on the wall's clock
    except CronSimError as error:
        raise ValueError(f"{rule} {expression!r} ({str(error).lower()})") from None
    if first is None:
        raise ValueError(f"must be a cron expression that comes true, got {expression!r}")


# --- schedules ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Rules; a window is open while any of them holds. Compared by identity.

    `zone` is the one in which its times are told.
    """

    zone: ZoneInfo
    rules: tuple[Rule, ...]

    @property
    def always(self) -> bool:
        """Whether it never closes."""
        return any(isinstance(rule, Always) for rule in self.rules)

    def between(self, begin: float, end: float) -> tuple[Span, ...]:
        """The spans that touch [begin, end), joined where they meet, in order."""
        found = [span for rule in self.rules for span in rule.spans(begin, end)]
        return tuple(_joined(sorted(found)))

    def open_at(self, at: float, lead_s: float = 0.0) -> Span | None:
        """The span that is open at `at` or will be within `lead_s` (at most a day), or None."""
        spans, ends = _near(self, int(at // DAY_S))
        index = bisect_right(ends, at)
        if index == len(spans) or spans[index].start > at + min(lead_s, DAY_S):
            return None
        return spans[index]

    def next_edge(self, at: float) -> tuple[float, bool] | None:
        """The next instant after `at` at which it opens (True) or closes, None for years."""
        for horizon in HORIZONS_S:
            for span in self.between(at, at + horizon):
                if span.start > at:
                    return span.start, True
                if span.end < at + horizon:
                    return span.end, False
        return None

    def closes(self, span: Span) -> float:
        """When it really closes, Unix seconds: spans that meet at the edge of a look are joined."""
        return _closes(self, span.end)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in spans:
        if current is not None and span.start <= current.end:
            current = Span(current.start, max(current.end, span.end))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


@lru_cache(maxsize=16_384)
def _near(schedule: Schedule, day: int) -> tuple[tuple[Span, ...], tuple[float, ...]]:
    """The spans of a UTC day and of the day after it, and their ends."""
    spans = schedule.between(day * DAY_S, (day + 2) * DAY_S)
    return spans, tuple(span.end for span in spans)


@lru_cache(maxsize=16_384)
def _closes(schedule: Schedule, end: float) -> float:
    limit = end + LOOKBACK_S
    while end < limit:
        spans = schedule.between(end, end + HORIZONS_S[0])
        if not spans or spans[0].start > end:
            return end
        end = spans[0].end
    return NEVER
