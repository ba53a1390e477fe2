"""What a what-if is asked, as one line of JSON from the daemon to its subprocess."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_DAYS = 31.0
# The forecast learns from the days before those that count, as it has done in the daemon.
LEARN_DAYS = 7.0
MEMORY_BYTES = 2 * 1024**3
CPU_S = 900


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose past, with which policies laid over the configured ones, for how many days.

    `floor`, `ceiling` and `threads` are the present envelope (0: not known), `startup_s` the
    learnt start-up time. `times` (Unix seconds) and `loads` (requests) are what the daemon has
    recorded itself, used when the source keeps no past. `until` is Unix seconds.
    """

    config: str
    deployment: str
    policies: Mapping[str, Any]
    days: float
    until: float
    group: str = ""
    match: str = ""
    floor: int = 0
    ceiling: int = 0
    threads: int = 0
    startup_s: float | None = None
    native: tuple[float, float, float] | None = None
    times: tuple[float, ...] = field(default=())
    loads: tuple[float, ...] = field(default=())

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Ask:
        """Out of JSON that `text` made."""
        found = json.loads(text)
        native = found["native"]
        return cls(
            **{
                **found,
                "native": tuple(native) if native else None,
                "times": tuple(found["times"]),
                "loads": tuple(found["loads"]),
            }
        )
