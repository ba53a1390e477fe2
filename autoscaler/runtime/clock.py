"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Wall time for records, boot time for waiting: a sleep of the machine counts as waiting."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step back and go on while the machine is suspended."""
        return time.clock_gettime(_CLOCK)

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(max(0.0, seconds))


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
