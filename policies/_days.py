"""Which days count: weekdays, dates, ranges of dates, public holidays and holidays of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from policies._zone import nearest

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTRY = re.compile(r"([A-Za-z]{2})(?:-([A-Za-z0-9]{1,4}))?")
_YEARLY = re.compile(r"(\d\d)-(\d\d)")
# A leap year, in which every day of a year exists.
_LEAP = 2000


def weekday(text: str) -> int:
    """0 for Monday to 6 for Sunday. Raises ValueError."""
    word = text.strip().lower()
    for known in (WEEKDAYS, _FULL):
        if word in known:
            return known.index(word)
    rule = f"must be weekdays such as Mon-Fri or Sat,Sun, got {text.strip()!r}"
    raise ValueError(rule + nearest(word, _FULL))


def weekdays(text: str) -> frozenset[int]:
    """The weekdays of `Mon-Fri`, `Sat,Sun`, `Sun-Thu`: both ends count. Raises ValueError."""
    found: set[int] = set()
    for each in text.split(","):
        first, dash, last = each.partition("-")
        begin = weekday(first)
        end = weekday(last) if dash else begin
        found |= {(begin + offset) % 7 for offset in range((end - begin) % 7 + 1)}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Dates:
    """A range of dates, both ends included; `yearly` ones come every year."""

    first: date
    last: date
    yearly: bool = False

    def __contains__(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        this = day.replace(year=_LEAP)
        if self.first <= self.last:
            return self.first <= this <= self.last
        return this >= self.first or this <= self.last


def dates(text: str) -> Dates:
    """`2026-12-24`, `2026-12-24..2027-01-02`, or every year: `12-24..01-02`. Raises ValueError."""
    begin, dots, end = (part.strip() for part in text.partition(".."))
    (first, yearly), (last, same) = _date(begin, text), _date(end if dots else begin, text)
    if yearly is not same:
        raise ValueError(f"must have a year at both ends or at none, got {text!r}")
    if last < first and not yearly:
        raise ValueError(f"must end after it begins, got {text!r}")
    return Dates(first, last, yearly)


def _date(text: str, whole: str) -> tuple[date, bool]:
    yearly = _YEARLY.fullmatch(text)
    try:
        if yearly:
            return date(_LEAP, int(yearly[1]), int(yearly[2])), True
        return date.fromisoformat(text), False
    except ValueError:
        rule = "must be dates such as 2026-12-24, 2026-12-24..2027-01-02 or 12-24, got"
        raise ValueError(f"{rule} {whole!r}") from None


@dataclass(frozen=True, slots=True)
class Country:
    """The public holidays of a country, or of a part of it, as the package `holidays` has them."""

    code: str
    part: str | None = None

    def __contains__(self, day: date) -> bool:
        return day in _public(self.code, self.part, day.year)


@lru_cache(maxsize=1024)
def _public(code: str, part: str | None, year: int) -> frozenset[date]:
    import holidays  # 0.2 s that only those pay who use them

    return frozenset(holidays.country_holidays(code, subdiv=part, years=year))


def holiday(text: str) -> Country | Dates:
    """`DE`, `DE-BY`, or dates of one's own. Raises ValueError, also for an unknown country."""
    found = _COUNTRY.fullmatch(text.strip())
    if found is None:
        return dates(text)
    country = Country(found[1].upper(), found[2].upper() if found[2] else None)
    try:
        _public(country.code, country.part, _LEAP)
    except NotImplementedError:
        rule = "must be a country or a part of one such as DE or DE-BY, got"
        raise ValueError(f"{rule} {text!r}") from None
    return country


@dataclass(frozen=True, slots=True)
class Days:
    """The days that count: all conditions together. Empty ones allow every day."""

    of_week: frozenset[int] = frozenset()
    within: tuple[Dates, ...] = ()
    holidays: tuple[Country | Dates, ...] = ()
    on_holidays: str = "as_usual"

    def __contains__(self, day: date) -> bool:
        if self.of_week and day.weekday() not in self.of_week:
            return False
        if self.within and not _in_any(day, self.within):
            return False
        if self.on_holidays == "as_usual":
            return True
        return _in_any(day, self.holidays) is (self.on_holidays == "only")


def _in_any(day: date, places: Iterable[Country | Dates]) -> bool:
    return any(day in each for each in places)


EVERY_DAY = Days()
