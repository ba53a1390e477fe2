"""One thing that a doctor found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is. An error: it will not work. A warning: it may hurt. A note: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


CHECKS = frozenset(
    {
        *("configuration", "static_token", "token", "scope", "clock", "platform"),
        *("permission", "rid", "unsupported", "source", "signal", "label", "scrape"),
        *("no_policy", "no_signal", "time_zones", "doubt", "interval"),
        *("native_threshold", "native_delays", "file_mode", "pause_file", "port"),
        *("journal", "journal_directory", "journal_mode", "journal_mount", "disk_space"),
        *("other_automation", "endless_override"),
    }
)
"""The names of the checks, for scripts and for `docs/doctor.md`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about whom, why that matters, and what to do.

    `check` is one of `CHECKS`. `unreachable` says that something did not answer, so
    that what depends on it was not looked at.
    """

    level: Level
    check: str
    about: str
    what: str
    why: str
    action: str
    unreachable: bool = False

    def tree(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "level": self.level.value}


MOST_NAMES = 5


def names(found: list[str]) -> str:
    """The first names of many."""
    more = len(found) - MOST_NAMES
    return ", ".join(found[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
