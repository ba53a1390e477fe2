"""What holds for a while and is told when it begins and when it is over, and not at every tick."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from autoscaler.notify.news import News, State, Topic

QUIET_S = 900.0
"""A condition that comes and goes is told once in so long; what was not told does not end."""


@dataclass(slots=True)
class _Known:
    holds: bool = False
    told: bool = False
    told_at: float = float("-inf")


class Conditions:
    """Conditions by topic and subject. Bounded by what is managed: see `keep`."""

    def __init__(self, tell: Callable[[News], None]) -> None:
        self._tell = tell
        self._known: dict[tuple[Topic, str], _Known] = {}

    def holds(self, subject: str, news: News) -> None:
        """It holds. The first time is news, unless it was told a moment ago."""
        key = (news.topic, subject)
        known = self._known.setdefault(key, _Known())
        if known.holds:
            return
        known.holds, known.told = True, news.at - known.told_at >= QUIET_S
        if known.told:
            known.told_at = news.at
            self._tell(news)

    def over(self, subject: str, news: News) -> None:
        """It does not hold. That is news when its beginning was."""
        known = self._known.get((news.topic, subject))
        if known is None or not known.holds:
            return
        known.holds = False
        if known.told:
            self._tell(news)

    def holding(self, topic: Topic, subject: str) -> bool:
        """Whether it holds as far as is known."""
        known = self._known.get((topic, subject))
        return known is not None and known.holds

    def keep(self, topics: Collection[Topic], subjects: Collection[str]) -> None:
        """Forget every other subject of these topics."""
        self._known = {
            key: known
            for key, known in self._known.items()
            if key[0] not in topics or key[1] in subjects
        }


def news_of(topic: Topic, at: float, text: str, *, over: bool = False, group: str = "") -> News:
    """News of a condition that concerns no single deployment."""
    return News(at, topic, State.RESOLVED if over else State.FIRING, text, group=group)
