"""Between the recorder and the journal: points of ten minutes, kept for fourteen days."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from autoscaler.ports import Chunk, Clock, JournalError
from autoscaler.runtime.history.blob import CHUNK_S, POINTS, TEN_S, pack, unpack
from autoscaler.runtime.history.lines import tens_of
from autoscaler.runtime.history.recorder import Kept, Recorder
from autoscaler.runtime.history.track import MINUTE_S, MINUTES, NOTHING, TEN, Point, Track

# Deployments in one call: a few milliseconds of the store, and others take their turn.
AT_ONCE = 250
# Packing one takes about 0.2 ms; the event loop has its turn after so many.
TURN = 8


class Store(Protocol):
    """What the journal keeps for us."""

    async def keep_chunks(self, chunks: Sequence[Chunk]) -> None:
        """Write over the same hours. Raises JournalError."""
        ...

    async def chunks(self, deployments: Sequence[str], start: float) -> Sequence[Chunk]:
        """Those that begin at or after `start`, oldest first. Raises JournalError."""
        ...


class Keeper:
    """Call `settle` every few seconds; a restart forgets at most the ten minutes in progress.

    What was kept before a restart is taken over before anything is written over it.
    """

    def __init__(self, recorder: Recorder, store: Store, clock: Clock) -> None:
        self._recorder = recorder
        self._store = store
        self._clock = clock

    async def settle(self) -> None:
        """Take over and write out some of what waits. Raises JournalError."""
        everybody = self._recorder.everybody()
        fresh = [(name, kept) for name, kept in everybody if not kept.restored]
        await self._restore(fresh[:AT_ONCE])
        ten = int(self._clock.now() // TEN_S) - 1
        due = [(n, k) for n, k in everybody if k.restored and k.kept_ten < ten]
        await self._write(due[:AT_ONCE], ten)

    async def finish(self) -> None:
        """Write out everything, the ten minutes in progress included, as far as it goes."""
        with suppress(JournalError):
            ten = int(self._clock.now() // TEN_S)
            due = [(name, kept) for name, kept in self._recorder.everybody() if kept.restored]
            for at in range(0, len(due), AT_ONCE):
                await self._write(due[at : at + AT_ONCE], ten)

    async def tens(self, name: str, start: float) -> Mapping[int, Point]:
        """Points of ten minutes since `start`, Unix seconds; what cannot be read is not there."""
        try:
            chunks = await self._store.chunks([name], start - CHUNK_S)
        except JournalError:
            return {}
        return await asyncio.to_thread(_read, chunks)

    async def _restore(self, fresh: Sequence[tuple[str, Kept]]) -> None:
        if not fresh:
            return
        start = self._clock.now() - MINUTES * MINUTE_S - CHUNK_S
        found: dict[str, list[Chunk]] = {}
        for chunk in await self._store.chunks([name for name, _ in fresh], start):
            found.setdefault(chunk.deployment, []).append(chunk)
        for turn, (name, kept) in enumerate(fresh):
            for minute, point in _read(found.get(name, ())).items():
                kept.track.restore(minute, point)
            kept.restored = True
            if turn % TURN == TURN - 1:
                await asyncio.sleep(0)

    async def _write(self, due: Sequence[tuple[str, Kept]], ten: int) -> None:
        chunks: list[Chunk] = []
        for turn, (name, kept) in enumerate(due):
            for first in _chunks_since(kept.kept_ten, ten):
                points = _points(kept.track, first)
                if any(point != NOTHING for point in points):
                    chunks.append(Chunk(name, float(first * TEN_S), pack(points)))
            if turn % TURN == TURN - 1:
                await asyncio.sleep(0)
        if chunks:
            await self._store.keep_chunks(chunks)
        for _, kept in due:
            kept.kept_ten = ten


def _chunks_since(kept: int, ten: int) -> range:
    """The first tens of all chunks that have something new, of those that memory still holds."""
    since = max(kept + 1, ten - MINUTES // TEN + POINTS + 1)
    return range(since // POINTS * POINTS, ten + 1, POINTS)


def _points(track: Track, first: int) -> list[Point]:
    return [track.point((first + n) * TEN, TEN) for n in range(POINTS)]


def _read(chunks: Sequence[Chunk]) -> dict[int, Point]:
    rows = []
    for chunk in chunks:
        with suppress(ValueError):  # one that cannot be read is a gap
            rows.append((chunk.at, unpack(chunk.body)))
    return tens_of(rows)
