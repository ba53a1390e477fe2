"""Which words of operators are in force, seen through the decisions that they shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from autoscaler.core.decision import Decision
from autoscaler.core.observation import Override
from autoscaler.notify.news import News, State, Topic
from autoscaler.ports import TickReport

EXPIRING_S = 600.0
"""An end is told so long before it comes, when the word is in force for longer than that."""


@dataclass(slots=True)
class _Heard:
    groups: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)
    first_at: float = 0.0
    warned: bool = False


class Words:
    """Tells when a word comes into force, is about to end, and is in force no more.

    What is in force when the daemon starts is nothing new.
    """

    def __init__(self, tell: Callable[[News], None]) -> None:
        self._tell = tell
        self._heard: dict[Override, _Heard] = {}
        self._seen: set[str] = set()

    def told(self, report: TickReport) -> None:
        """Look at what a tick's deployments were told."""
        group, at = report.group, report.at
        found = _words(report.decisions, at)
        for word, names in found.items():
            heard = self._heard.get(word)
            if heard is None:
                heard = self._heard[word] = _Heard(names=names, first_at=at)
                if group in self._seen:
                    self._say(Topic.OVERRIDE_ADDED, word, heard, report, "")
            heard.groups.add(group)
            self._warn(word, heard, report)
        for word, heard in list(self._heard.items()):
            if group in heard.groups and word not in found:
                heard.groups.discard(group)
                if not heard.groups:
                    del self._heard[word]
                    self._say(Topic.OVERRIDE_ENDED, word, heard, report, "no longer: ")
        self._seen.add(group)

    def _warn(self, word: Override, heard: _Heard, report: TickReport) -> None:
        ends = word.expires_at
        if heard.warned or ends is None or ends - report.at > EXPIRING_S:
            return
        heard.warned = True
        if ends - heard.first_at > EXPIRING_S:
            self._say(Topic.OVERRIDE_EXPIRING, word, heard, report, "ends soon: ")

    def _say(
        self, topic: Topic, word: Override, heard: _Heard, report: TickReport, begin: str
    ) -> None:
        names = heard.names
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        text = f"{begin}{_shown(word)} for {names[0]}{more}"
        only = names[0] if len(names) == 1 else ""
        self._tell(News(report.at, topic, State.EVENT, text, only, report.group))


def _words(decisions: Sequence[Decision], at: float) -> dict[Override, list[str]]:
    found: dict[Override, list[str]] = {}
    for decision in decisions:
        for word in decision.seen.overrides:
            if word.expires_at is None or word.expires_at > at:
                found.setdefault(word, []).append(decision.deployment)
    return found


def _shown(word: Override) -> str:
    value = f" of {word.dial.value} at {word.value}" if word.dial is not None else ""
    ends = "without end"
    if word.expires_at is not None:
        ends = f"until {datetime.fromtimestamp(word.expires_at, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{word.control.value}{value} by {word.author}, {ends} ({word.why})"
