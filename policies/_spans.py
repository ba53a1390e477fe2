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
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from policies._days import EVERY_DAY, Days
from policies._zone import instant, latest_wall_time, wall_time

DAY_S = 86_400
NEVER = float("inf")
SECOND = timedelta(seconds=1)
# The day after a leap day may be 8 years away, around 2100.
FAR_S = 8.1 * 365.25 * DAY_S
_WEEK_S = 8 * DAY_S
# Two weeks of a tick every minute: nobody reads further, and it takes about 0.1 s.
_MOST_SPANS = 20_000


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
        for tick in _ticks(self.start, self.days, self.zone, begin - self.duration_s, end):
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
        ends = _ticks(self.end, EVERY_DAY, self.zone, since, end + FAR_S)
        stop = -NEVER
        for tick in _ticks(self.start, self.days, self.zone, since, end):
            while stop < tick:
                stop = next(ends, NEVER)
            if stop == tick:
                continue
            if stop > begin:
                yield Span(tick, stop)


def _ticks(cron: str, days: Days, zone: ZoneInfo, after: float, until: float) -> Iterator[float]:
    """The ticks after `after` and before `until`, on days that count."""
    last = latest_wall_time(until, zone)
    for wall in _walls(cron, days, wall_time(after, zone), last):
        tick = instant(wall, zone)
        if after < tick < until:
            yield tick


def _last_tick(cron: str, days: Days, zone: ZoneInfo, at: float) -> float | None:
    """The last tick that is not after `at`, None when there is none for years."""
    first = wall_time(at - FAR_S, zone)
    for wall in _walls(cron, days, latest_wall_time(at, zone) + SECOND, first):
        tick = instant(wall, zone)
        if tick <= at:
            return tick
    return None


def _walls(cron: str, days: Days, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The ticks on the wall's clock from `begin` to `end`, which may lie before it.

    Days that do not count are stepped over whole, however many ticks they have.
    """
    back = end < begin
    ticks = _cron(cron, begin, reverse=back)
    wall = next(ticks, None)
    while wall is not None and ((wall >= end) if back else (wall <= end)):
        if wall.date() in days:
            yield wall
        else:
            edge = datetime.combine(wall.date(), time() if back else time(23, 59, 59))
            ticks = _cron(cron, edge, reverse=back)
        wall = next(ticks, None)


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
        return tuple(_joined(self._raw(begin, end)))

    def _raw(self, begin: float, end: float) -> list[Span]:
        each = (islice(rule.spans(begin, end), _MOST_SPANS) for rule in self.rules)
        return sorted(span for spans in each for span in spans)

    def open_at(self, at: float, lead_s: float = 0.0) -> Span | None:
        """The span that is open at `at` or will be within `lead_s` (at most a day), or None."""
        spans, ends = _near(self, int(at // DAY_S))
        index = bisect_right(ends, at)
        if index == len(spans) or spans[index].start > at + min(lead_s, DAY_S):
            return None
        return spans[index]

    def next_edge(self, at: float) -> tuple[float, bool] | None:
        """The next instant after `at` at which it opens (True) or closes, None for years."""
        span = self.open_at(at)
        if span is not None:
            end = self.closes(span)
            return None if end == NEVER else (end, False)
        firsts = (next(rule.spans(at, at + FAR_S), None) for rule in self.rules)
        start = min((each.start for each in firsts if each is not None), default=None)
        return None if start is None else (start, True)

    def closes(self, span: Span) -> float:
        """When it really closes: spans that meet at the edge of a look are joined.

        Unix seconds; infinity when that is years or very many spans away.
        """
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
    limit, looked = end + FAR_S, 0
    while end < limit and looked < _MOST_SPANS:
        raw = schedule._raw(end, end + _WEEK_S)  # noqa: SLF001 - a cached method of it
        spans = tuple(_joined(raw))
        if not spans or spans[0].start > end:
            return end
        looked += len(raw)
        end = spans[0].end
    return NEVER
