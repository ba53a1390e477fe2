"""How much history is enough, and what a history cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

HOUR_S = 3600.0
DAY_S = 86_400.0

REACTIVE_DAYS = 2.0
"""A day to choose by and another to judge by."""
DAILY_DAYS = 3.0
"""A day more, for a forecast learns the time of day from the day before."""
WEEKLY_DAYS = 14.0
"""Every weekday twice: once to learn from and once to judge by."""


class NotEnoughError(Exception):
    """A recommendation would be a guess; the sentence says how much more history it takes."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a history of so many days allows."""

    days: float

    @property
    def daily(self) -> bool:
        """Whether a forecast by the time of day can be judged."""
        return self.days >= DAILY_DAYS

    @property
    def weekly(self) -> bool:
        """Whether a weekday was seen twice."""
        return self.days >= WEEKLY_DAYS


def check(name: str, duration_s: float) -> Span:
    """What a history allows. Raises NotEnoughError below two days."""
    days = duration_s / DAY_S
    if days >= REACTIVE_DAYS:
        return Span(days)
    more = [
        f"{lacking(days, needed)} more for {what}"
        for needed, what in (
            (REACTIVE_DAYS, "settings that react (2 days)"),
            (DAILY_DAYS, "a forecast by the time of day (3 days)"),
            (WEEKLY_DAYS, "weekly patterns (14 days)"),
        )
    ]
    raise NotEnoughError(f"{name} has {length(days)} of history; it takes {', '.join(more)}")


def lacking(days: float, needed: float) -> str:
    """How much is missing."""
    return length(max(0.0, needed - days))


def length(days: float) -> str:
    """Hours below two days, else days."""
    return f"{days * 24:.1f} hours" if days < REACTIVE_DAYS else f"{days:.1f} days"
