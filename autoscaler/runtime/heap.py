"""Keep the garbage collector away from what lives long.

A fleet of ten thousand deployments holds about two million small objects between two ticks.
CPython's full collection walks all of them and stops the event loop for about 400 ms (measured
with `autoscaler bench --deployments 10000`), several times in a tick. Nothing in the core makes
reference cycles, so almost everything dies by reference count alone. After each tick what is
alive is therefore frozen: moved to where the collector does not look. Once an hour everything is
thawed and collected once, so that cycles that libraries leave behind cannot pile up for ever.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass

from autoscaler.ports import Clock

THAW_S = 3600.0
# Young objects are looked at after this many allocations; a tick of a large group makes millions.
YOUNG = 20_000


@dataclass(slots=True)
class Heap:
    """`settle` belongs at the end of a tick, when little is under way."""

    clock: Clock
    thawed_at: float | None = None

    def settle(self) -> None:
        """Freeze what is alive; once an hour collect everything first."""
        now = self.clock.monotonic()
        if self.thawed_at is None:
            gc.set_threshold(YOUNG, 20, 100)
            self.thawed_at = now
        if now - self.thawed_at >= THAW_S:
            self.thawed_at = now
            gc.unfreeze()
            gc.collect()
        gc.freeze()
