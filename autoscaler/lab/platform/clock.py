"""Clocks of the simulation."""

from __future__ import annotations

import asyncio
import time

from autoscaler.ports import Clock


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(max(0.0, seconds))


class FastClock:
    """Another clock, `speed` times faster from now on. Raises ValueError."""

    def __init__(self, clock: Clock, speed: float) -> None:
        if not 0 < speed < float("inf"):
            raise ValueError(f"speed must be above 0 and finite, got {speed}")
        self._clock = clock
        self._speed = speed
        self._wall = clock.now()
        self._steady = clock.monotonic()

    def now(self) -> float:
        """Simulated Unix seconds."""
        return self._wall + (self._clock.now() - self._wall) * self._speed

    def monotonic(self) -> float:
        """Simulated seconds that never step back."""
        return self._steady + (self._clock.monotonic() - self._steady) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait for simulated seconds."""
        await self._clock.sleep(seconds / self._speed)
