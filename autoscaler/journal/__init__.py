"""The durable record: intents, decisions, overrides, learnt facts; SQLite or PostgreSQL."""

from __future__ import annotations

from autoscaler.core.controls import Standing
from autoscaler.journal.errors import JournalLocked
from autoscaler.journal.journal import SqlJournal
from autoscaler.journal.opening import open_journal, open_readonly
from autoscaler.journal.prune import Size

__all__ = [
    "JournalLocked",
    "Size",
    "SqlJournal",
    "Standing",
    "open_journal",
    "open_readonly",
]
