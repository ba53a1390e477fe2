"""What the handlers have in common: whom they ask, and what is made once for all."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from autoscaler.ports import JournalError
from autoscaler.web.access.gate import Access, Gate
from autoscaler.web.answers import JSON, bound, send
from autoscaler.web.face import Controls, Face, Json, Past, Records, Standing, WhatIf
from autoscaler.web.problems import dump, problem
from autoscaler.web.shelf import FRESH_S, Shelf
from autoscaler.web.stream import Hub

MOST_COMPARED = 1_000
GUESSES = 3


@dataclass(slots=True)
class Parts:
    """Whom the handlers ask."""

    face: Face
    records: Records
    past: Past
    controls: Controls
    hub: Hub
    gate: Gate = field(default_factory=lambda: Gate(Access()))
    what_if: WhatIf | None = None
    shelf: Shelf = field(default_factory=Shelf)
    _rows: Sequence[Json] = ()
    _standing: Sequence[Standing] = ()
    _rows_at: float = float("-inf")
    _standing_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def standing(self) -> Sequence[Standing]:
        """The overrides that hold now; the last known ones when the journal is away."""
        async with self._asking:
            if time.monotonic() - self._standing_at >= FRESH_S:
                # What was active stays active: a pause does not end because a disk is full.
                with contextlib.suppress(JournalError):
                    self._standing = await self.controls.standing()
                self._standing_at = time.monotonic()
            return self._standing

    async def rows(self) -> Sequence[Json]:
        """The fleet, a second old at the most."""
        standing = await self.standing()
        async with self._reading:
            if time.monotonic() - self._rows_at >= FRESH_S:
                self._rows = await asyncio.to_thread(self.face.deployments, standing)
                self._rows_at = time.monotonic()
            return self._rows

    def changed(self) -> None:
        """Something was changed from here: show it at once."""
        self._rows_at = self._standing_at = float("-inf")
        self.shelf.forget()

    async def unknown(self, name: str) -> web.Response:
        """404, with the names that may have been meant."""
        names = [str(row["name"]) for row in await self.rows()]
        near = await asyncio.to_thread(nearest, name, names)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        detail = f"there is no deployment {name[:200]!r} here{hint}"
        return problem(404, detail, did_you_mean=near)


async def send_json(request: web.Request, tree: object) -> web.Response:
    """An answer that is not kept."""
    return send(request, await bound(dump(tree), JSON))


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """At most three names that `name` may have been meant for, the nearest first."""
    folded = name.casefold()[:200]
    within = [each for each in names if folded and folded in each.casefold()]
    # Comparing costs 20 us a name: those of a like beginning are enough in a large fleet.
    few = len(names) <= MOST_COMPARED
    alike = names if few else [n for n in names if n[:2].casefold() == folded[:2]][:MOST_COMPARED]
    close = difflib.get_close_matches(name[:200], alike, n=GUESSES, cutoff=0.6)
    return list(dict.fromkeys([*close, *sorted(within, key=len)]))[:GUESSES]
