"""A window of a calendar, as it is written in a configuration, and the schedule that it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from autoscaler.core.options import check_options, meta
from policies import _days
from policies._days import EVERY_DAY, Days
from policies._spans import (
    DAY_S,
    Always,
    Between,
    Daily,
    Lasting,
    Once,
    Rule,
    Schedule,
    Span,
    check_cron,
)
from policies._zone import instant, zone_of

T = TypeVar("T")
LONGEST_S = 366 * DAY_S
_UTC = ZoneInfo("UTC")
_CLOCK = r"(\d?\d):([0-5]\d)(?::([0-5]\d))?"
_TIME = re.compile(rf"(?:([A-Za-z]+) +)?{_CLOCK} *- *(?:([A-Za-z]+) +)?{_CLOCK}")
_DATED = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
_STAMP = r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"
_STAMPS = re.compile(rf"({_STAMP}) *- *({_STAMP})")
_TIME_RULE = "must be local times such as 07:30-20:00, 22:00-06:00 or Fri 18:00-Mon 06:00, got"
_SPEC_RULE = "must be such as Mon-Fri 07:30-20:30 Europe/Berlin, or instants with offsets, got"


@dataclass(frozen=True, slots=True)
class Window:
    """When: weekdays and times, dates, cron expressions or instants, in a time zone.

    The start belongs to a window, its end does not. Without any of these it is always open.
    """

    zone: str = field(
        default="", metadata=meta("IANA time zone, such as Europe/Berlin; UTC when left out")
    )
    days: str = field(default="", metadata=meta("weekdays: Mon-Fri, or Sat,Sun; empty: every day"))
    time: str = field(
        default="",
        metadata=meta(
            "local times: 07:30-20:00; 22:00-06:00 goes over midnight, Fri 18:00-Mon 06:00 over "
            "the weekend; empty: the whole day"
        ),
    )
    dates: tuple[str, ...] = field(
        default=(),
        metadata=meta("days or ranges with both ends: 2026-12-24..2027-01-02, yearly 12-24..01-02"),
    )
    holidays: tuple[str, ...] = field(
        default=(), metadata=meta("public holidays (DE, DE-BY) and dates of one's own")
    )
    on_holidays: str = field(
        default="as_usual",
        metadata=meta("what a holiday changes", one_of=("as_usual", "skip", "only")),
    )
    start: str = field(
        default="", metadata=meta("instead of `time`: a cron expression, or 2026-12-24T08:00")
    )
    end: str = field(default="", metadata=meta("the same for the end"))
    duration_s: float | None = field(
        default=None,
        metadata=meta("instead of `end`: how long it lasts", unit="s", gt=0, le=LONGEST_S),
    )
    spec: str = field(
        default="",
        metadata=meta("all in one: Mon-Fri 07:30-20:30 Europe/Berlin; several with commas"),
    )

    def __post_init__(self) -> None:
        check_options(self)
        self._check_company()
        _rules(self)

    def _check_company(self) -> None:
        """Refuse options that say the same thing twice, or half of a thing."""
        others = [
            item.name
            for item in fields(Window)
            if item.name != "spec" and getattr(self, item.name) != item.default
        ]
        if self.spec and others:
            raise ValueError(f"spec must stand alone, it is given with {others[0]}")
        if self.start and self.time:
            raise ValueError("time must not be given with start")
        if self.start and bool(self.end) is (self.duration_s is not None):
            raise ValueError("start must be given with either end or duration")
        if not self.start and (self.end or self.duration_s):
            raise ValueError("start must be given with end or duration")


def plain_window(given: Window, zone: str = "", holidays: tuple[str, ...] = ()) -> Window:
    """The window alone, without what a subclass adds; `zone` and `holidays` fill empty ones.

    A window that is written as `spec` has its zone in it.
    """
    values = {item.name: getattr(given, item.name) for item in fields(Window)}
    if not given.spec:
        values["zone"] = given.zone or zone
        values["holidays"] = given.holidays or holidays
    return Window(**values)


@lru_cache(maxsize=16_384)
def schedule_of(window: Window) -> Schedule:
    """The schedule that a plain window means. Raises ValueError."""
    if window.on_holidays != "as_usual" and not window.holidays:
        said = window.on_holidays
        raise ValueError(f"on_holidays must be as_usual where no holidays are given, got {said!r}")
    return Schedule(_zone(window), tuple(_rules(window)))


def _zone(window: Window) -> ZoneInfo:
    return _named("zone", zone_of, window.zone or "UTC")


def _named(name: str, read: Callable[[str], T], text: str) -> T:
    """What is read of an option's text; the error names the option."""
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _rules(window: Window) -> list[Rule]:
    zone = _zone(window)
    if window.spec:
        return [_named("spec", _spec_rule, each.strip()) for each in window.spec.split(",")]
    days = Days(
        _named("days", _days.weekdays, window.days) if window.days else frozenset(),
        tuple(_named("dates", _days.dates, each) for each in window.dates),
        tuple(_named("holidays", _days.holiday, each) for each in window.holidays),
        window.on_holidays,
    )
    if window.start:
        return [_started(window, zone, days)]
    if window.time:
        return [_named("time", lambda text: _timed(text, zone, days), window.time)]
    unbounded = days.of_week == frozenset() and not days.within and days.on_holidays == "as_usual"
    return [Always() if unbounded else Daily(zone, days, 0, DAY_S)]


def _spec_rule(text: str) -> Rule:
    """One part of a py-kube-downscaler time specification."""
    stamps = _STAMPS.fullmatch(text)
    if stamps:
        return _once(_moment(stamps[1], _UTC), _moment(stamps[2], _UTC), text)
    rest, _, zone = text.rpartition(" ")
    days, _, times = rest.strip().partition(" ")
    if not times:
        raise ValueError(f"{_SPEC_RULE} {text!r}")
    if _TIME.fullmatch(rest.strip()):
        return _timed(rest.strip(), zone_of(zone), EVERY_DAY)
    return _timed(times.strip(), zone_of(zone), Days(_days.weekdays(days)))


def _timed(text: str, zone: ZoneInfo, days: Days) -> Rule:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{_TIME_RULE} {text!r}")
    begin, end = _clock(found.groups()[1:4], text), _clock(found.groups()[5:8], text)
    first, last = found[1], found[5]
    if begin >= DAY_S or (first is None) is not (last is None):
        raise ValueError(f"{_TIME_RULE} {text!r}")
    if first is None:
        if begin == end:
            raise ValueError(f"must begin and end at different times, got {text!r}")
        return Daily(zone, days, begin, end if end > begin else end + DAY_S)
    if days.of_week:
        raise ValueError(f"must not name weekdays when days are given too, got {text!r}")
    opens = _days.weekday(first)
    end += (_days.weekday(last) - opens) % 7 * DAY_S
    only = Days(frozenset({opens}), days.within, days.holidays, days.on_holidays)
    return Daily(zone, only, begin, end if end > begin else end + 7 * DAY_S)


def _clock(parts: tuple[str | None, ...], text: str) -> int:
    hours, minutes, seconds = (int(part or 0) for part in parts)
    found = hours * 3600 + minutes * 60 + seconds
    if found > DAY_S:
        raise ValueError(f"{_TIME_RULE} {text!r}")
    return found


def _started(window: Window, zone: ZoneInfo, days: Days) -> Rule:
    if not _DATED.fullmatch(window.start):
        _named("start", check_cron, window.start)
        if window.duration_s is not None:
            return Lasting(zone, days, window.start, window.duration_s)
        _named("end", check_cron, window.end)
        return Between(zone, days, window.start, window.end)
    if days != EVERY_DAY:
        raise ValueError("start must be a cron expression when days, dates or holidays are given")
    begin = _named("start", lambda text: _moment(text, zone), window.start)
    if window.duration_s is not None:
        return _once(begin, begin + window.duration_s, window.start)
    return _named("end", lambda text: _once(begin, _moment(text, zone), text), window.end)


def _moment(text: str, zone: ZoneInfo) -> float:
    """Unix seconds of a local time, or of one with an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be such as 2026-12-24T08:00, got {text!r}") from None
    return instant(found, zone) if found.tzinfo is None else found.timestamp()


def _once(begin: float, end: float, text: str) -> Rule:
    if end <= begin:
        raise ValueError(f"must have its end after its start, got {text!r}")
    return Once(Span(begin, end))
