"""Many pieces of news as a handful of messages, as Alertmanager groups alerts.

The first news of a topic waits `wait_s` for others of its kind; what comes after that waits
until `interval_s` after the last message of the topic. So each topic makes two messages at most
(it began, it is over) per interval, whether one deployment is concerned or ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from autoscaler.notify.message import Message
from autoscaler.notify.news import News, State, Topic

SHOWN = 20
"""So many pieces of news are shown in one message; the others are counted."""
GROUPS = 50
"""So many groups are named in one message."""

Key = tuple[Topic, State]


@dataclass(slots=True)
class Bundle:
    """News of one topic that waits to be told together. Bounded whatever comes."""

    due: float
    count: int = 0
    examples: list[News] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)

    def take(self, news: News) -> None:
        """One more piece of news."""
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(news)
        if news.group and len(self.groups) < GROUPS:
            self.groups[news.group] = None


class Bundles:
    """The bundles of one sink. Times are monotonic seconds."""

    def __init__(self, wait_s: float, interval_s: float, ident: Callable[[], str]) -> None:
        self._wait_s = wait_s
        self._interval_s = interval_s
        self._ident = ident
        self._open: dict[Key, Bundle] = {}
        self._told: dict[Key, float] = {}

    def take(self, news: News, now: float) -> None:
        """Put a piece of news into the bundle of its kind."""
        key = (news.topic, news.state)
        bundle = self._open.get(key)
        if bundle is None:
            earliest = self._told.get(key, float("-inf")) + self._interval_s
            bundle = self._open[key] = Bundle(max(now + self._wait_s, earliest))
        bundle.take(news)

    def ready(self, now: float) -> list[Message]:
        """The messages that have waited long enough; infinity for all of them."""
        due = [key for key, bundle in self._open.items() if bundle.due <= now]
        messages = []
        for key in due:
            messages.append(self._message(key, self._open.pop(key)))
            self._told[key] = now
        return messages

    def _message(self, key: Key, bundle: Bundle) -> Message:
        topic, state = key
        first = bundle.examples[0]
        return Message(
            self._ident(),
            first.at,
            topic,
            state,
            first.severity,
            bundle.count,
            tuple(sorted(bundle.groups)),
            tuple(bundle.examples),
        )
