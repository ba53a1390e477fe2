"""Rows that cannot be read: set aside and told, each once, so that one of them stops nobody.

A row may be damaged by a disk, by a hand, or written by a version that knows more words.
"""

from __future__ import annotations

import structlog

log = structlog.get_logger(__name__)

# Enough to see what it is about.
SHOWN = 300
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a damaged row may raise."""


class Aside:
    """What was set aside since the start, by table and key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}

    def put(self, table: str, key: object, why: Exception, instead: str) -> None:
        """Tell of a row, once; `instead` is what is done without it."""
        place = table, str(key)[:SHOWN]
        if place in self.rows:
            return
        problem = self.rows[place] = f"{type(why).__name__}: {why}"[:SHOWN]
        log.error(
            "a row of the journal cannot be read",
            table=table,
            key=place[1],
            problem=problem,
            instead=instead,
        )
