"""The fleet's rows, made anew only for deployments that were decided again or steered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from autoscaler.core.decision import Decision
from autoscaler.roster import Managed
from autoscaler.web.face import Standing
from autoscaler.web.view import Row, applying, row, waiting
from autoscaler.web.view.rows import next_event
from autoscaler.web.view.words import Stored

NOBODY: Mapping[str, Managed] = MappingProxyType({})

# Rows between two offers of the interpreter to other threads: about 2 ms of work.
BREATH = 100
# A calendar is asked again when its event has come, or after this many seconds.
ASK_AGAIN_S = 300.0

Words = tuple[Stored, ...] | None


class Table:
    """Remembers each deployment's row with its decision. Used by one thread at a time."""

    def __init__(self, breathe: Callable[[float], None] = time.sleep) -> None:
        self._breathe = breathe
        self._rows: dict[str, tuple[Decision, Words, Row]] = {}
        self._events: dict[str, tuple[Managed, float, Row | None]] = {}

    def rows(
        self,
        decisions: Iterable[Decision],
        managed: Mapping[str, Managed] = NOBODY,
        standing: Sequence[Standing] | None = None,
    ) -> list[Row]:
        """A row for each decision, and for everybody in `managed` who has none yet.

        `standing` are the overrides that hold now; without, those that a decision was shown.
        """
        before, now, made = self._rows, dict[str, tuple[Decision, Words, Row]](), 0
        for decision in decisions:
            name = decision.deployment
            words = _words(standing, decision.group, name)
            kept = before.get(name)
            if kept is None or kept[0] is not decision or kept[1] != words:
                event = self.event(managed.get(name), decision.at)
                kept = decision, words, row(decision, managed.get(name), words, event)
                made += 1
                if made % BREATH == 0:
                    self._breathe(0)
            now[name] = kept
        self._rows = now
        self._events = {name: one for name, one in self._events.items() if name in managed}
        rows = [kept[2] for kept in now.values()]
        for name, each in managed.items():
            if name not in now:
                rows.append(waiting(each, _words(standing, each.group, name) or ()))
        return rows

    def event(self, managed: Managed | None, at: float) -> Row | None:
        """What its calendars will do next, asked only when it may have changed."""
        if managed is None:
            return None
        kept = self._events.get(managed.name)
        if kept is None or kept[0] is not managed or at >= kept[1]:
            event = next_event(managed, at)
            until = at + ASK_AGAIN_S if event is None else min(event["at"], at + ASK_AGAIN_S)
            kept = self._events[managed.name] = managed, until, event
        return kept[2]


def _words(standing: Sequence[Standing] | None, group: str, name: str) -> Words:
    if standing is None:
        return None
    return applying(standing, group, name) if standing else ()
