"""One message: many pieces of news of one kind in one post."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.notify.news import TITLES, News, Severity, State, Topic


@dataclass(frozen=True, slots=True)
class Message:
    """What one post says. `id` stays the same however often it is sent.

    `examples` are the first pieces of news, `count` says how many there were in all,
    `groups` which groups they came from. `at` is Unix seconds, of the first of them.
    """

    id: str
    at: float
    topic: Topic
    state: State
    severity: Severity
    count: int
    groups: tuple[str, ...]
    examples: tuple[News, ...]

    @property
    def title(self) -> str:
        """The message in one line."""
        over = "over: " if self.state is State.RESOLVED else ""
        return f"{over}{TITLES[self.topic]}{self._whose()}"

    @property
    def beyond(self) -> int:
        """How many pieces of news are counted and not shown."""
        return self.count - len(self.examples)

    def _whose(self) -> str:
        names = [news.deployment for news in self.examples if news.deployment]
        if not names:
            return f" ({', '.join(self.groups)})" if self.groups else ""
        if self.count == 1:
            return f": {names[0]}"
        return f" ({self.count} deployments)"
