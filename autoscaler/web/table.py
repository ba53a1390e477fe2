"""The fleet's rows, made anew only for deployments that were decided again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from autoscaler.core.decision import Decision
from autoscaler.roster import Managed
from autoscaler.web.view import Row, row, waiting

NOBODY: Mapping[str, Managed] = MappingProxyType({})

# Rows between two offers of the interpreter to other threads: about 2 ms of work.
BREATH = 100


class Table:
    """Remembers each deployment's row with its decision. Used by one thread at a time."""

    def __init__(self, breathe: Callable[[float], None] = time.sleep) -> None:
        self._breathe = breathe
        self._rows: dict[str, tuple[Decision, Row]] = {}

    def rows(
        self, decisions: Iterable[Decision], managed: Mapping[str, Managed] = NOBODY
    ) -> list[Row]:
        """A row for each decision, and for everybody in `managed` who has none yet."""
        before, now, made = self._rows, dict[str, tuple[Decision, Row]](), 0
        for decision in decisions:
            name = decision.deployment
            kept = before.get(name)
            if kept is None or kept[0] is not decision:
                kept = decision, row(decision, managed.get(name))
                made += 1
                if made % BREATH == 0:
                    self._breathe(0)
            now[name] = kept
        self._rows = now
        rows = [kept[1] for kept in now.values()]
        rows.extend(waiting(each) for name, each in managed.items() if name not in now)
        return rows
