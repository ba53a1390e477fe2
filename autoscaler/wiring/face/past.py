"""Lines of charts: from the recorder, and from the source where it keeps a past."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import structlog

from autoscaler.core.cost import Unpriced, replica_rate
from autoscaler.core.observation import Missing, Series
from autoscaler.ports import Question
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.history import Fine, Recorder
from autoscaler.runtime.history.cost import UNKNOWN_COST, Cost, priced
from autoscaler.runtime.history.keeper import Keeper
from autoscaler.runtime.history.lines import Ahead, Raster, joined, lines, looking, sparkline
from autoscaler.runtime.history.track import MINUTE_S, MINUTES, NOTHING, TEN, Point
from autoscaler.runtime.seat import Seat
from autoscaler.web.face import Span

log = structlog.get_logger(__name__)

# A chart that waits longer for the source is drawn from our own record.
PATIENCE_S = 2.0
SPARKS = 36
# A window this much longer than the ring of ticks, as a share, is still drawn from it.
SOME_MORE = 1.1
# Fleets that tick faster than this, as a demonstration does, show a quarter of an hour.
FAST_S = 5
FAST_STEP_S = 25
# A cost is counted anew after this long.
COST_S = 30.0
WEEK_S = 7 * 86_400.0
TEN_S = TEN * MINUTE_S


@runtime_checkable
class Narrow(Protocol):
    """A query that can be asked for one label value alone."""

    def only(self, label: str, value: str) -> object:
        """The same question for one value."""
        ...


@dataclass(slots=True)
class RecordedPast:
    """Satisfies `web.face.Past`."""

    daemon: Daemon
    recorder: Recorder
    keeper: Keeper
    _costs: dict[str, tuple[float, Cost]] = field(default_factory=dict)

    async def series(self, name: str, span: Span) -> Mapping[str, Any]:
        """The lines of one deployment."""
        seat, now = self.daemon.seats.get(name), self.daemon.clock.now()
        ahead = _ahead(seat) if seat is not None else None
        end = span.end
        if end is None:
            end = now + (ahead.lead_s if ahead else 0.0)
        fine = self._fine(name, span.start, end, now)
        unit_s = fine.unit_s if fine is not None else MINUTE_S
        raster = Raster.over(span.start, end, span.points, unit_s)
        loads = await self._told(seat, raster, now) if seat is not None else None
        track = fine.track if fine is not None else self.recorder.track(name)
        tens = await self._tens(name, raster.start) if fine is None else {}
        look = looking(track, tens)
        return await asyncio.to_thread(lines, raster, look, now, ahead, loads, unit_s)

    def _fine(self, name: str, start: float, end: float, now: float) -> Fine | None:
        """The single ticks, for a window that lies within them or all since the start."""
        fine = self.recorder.fine(name)
        if fine is None or end - start > fine.unit_s * fine.track.size * SOME_MORE:
            return None
        return fine if now - start <= fine.unit_s * fine.track.size * SOME_MORE else None

    async def _tens(self, name: str, start: float) -> Mapping[int, Point]:
        """What the journal has of a window that begins before the minutes in memory do."""
        track = self.recorder.track(name)
        edge = MINUTE_S * (track.minute - MINUTES) if track is not None else math.inf
        return await self.keeper.tens(name, start) if start < edge else {}

    async def cost(self, name: str) -> Cost:
        """What the guaranteed replicas cost today and, at the last week's pace, this month."""
        now = self.daemon.clock.now()
        kept = self._costs.get(name)
        if kept is None or now >= kept[0]:
            self._costs = {n: one for n, one in self._costs.items() if one[0] > now}
            kept = self._costs[name] = now + COST_S, await self._cost(name, now)
        return kept[1]

    async def _cost(self, name: str, now: float) -> Cost:
        seat = self.daemon.seats.get(name)
        rate = replica_rate(seat.live.resources) if seat is not None else None
        if seat is None or seat.read_at is None or rate is None or isinstance(rate, Unpriced):
            return UNKNOWN_COST
        tens = dict(await self.keeper.tens(name, now - WEEK_S))
        minute, track = int(now // MINUTE_S), self.recorder.track(name)
        if track is not None:
            for first in range((minute - MINUTES) // TEN * TEN, minute + 1, TEN):
                tens[first] = joined([tens.get(first, NOTHING), track.point(first, TEN)])
        return priced(tens, rate, now)

    def sparklines(self, names: Sequence[str]) -> Mapping[str, Any]:
        """The highest load of each ten minutes of the last six hours."""
        if all(tick.interval_s < FAST_S for tick in list(self.daemon.ticks.values())):
            return self._quick(names)
        end = int(self.daemon.clock.now() // TEN_S + 1) * TEN_S
        start = end - SPARKS * TEN_S
        first = start // MINUTE_S
        drawn = {name: sparkline(self.recorder.track(name), first, SPARKS) for name in names}
        return {"from": start, "to": end, "step_s": TEN_S, "lines": drawn}

    def _quick(self, names: Sequence[str]) -> Mapping[str, Any]:
        end = int(self.daemon.clock.now() // FAST_STEP_S + 1) * FAST_STEP_S
        start, drawn = end - SPARKS * FAST_STEP_S, {}
        for name in names:
            fine = self.recorder.fine(name)
            unit_s = fine.unit_s if fine is not None else 1
            look = looking(fine.track if fine is not None else None, {})
            units = max(1, FAST_STEP_S // unit_s)
            steps = (start + i * FAST_STEP_S for i in range(SPARKS))
            drawn[name] = [look(t // unit_s, units).load for t in steps]
        return {"from": start, "to": end, "step_s": FAST_STEP_S, "lines": drawn}

    async def _told(self, seat: Seat, raster: Raster, now: float) -> Series | None:
        """The source's own past of the demand; None when it keeps none or is late."""
        managed, parts = seat.managed, self.daemon.parts
        spec = managed.signals.get(managed.demand or "")
        source = parts.sources.get(spec.source) if parts is not None and spec is not None else None
        if spec is None or source is None:
            return None
        query = spec.question.query
        if not isinstance(query, Narrow):
            return None
        label = spec.question.label
        question: Question = replace(spec.question, query=query.only(label, managed.match))
        end = min(now, raster.start + raster.count * raster.step_s)
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await source.history(question, raster.start, end, float(raster.step_s))
        except Exception:  # noqa: BLE001 - our own record is there without it
            log.debug("a source told no past", deployment=managed.name)
            return None
        return found.get(managed.match)


def _ahead(seat: Seat) -> Ahead | None:
    """What the present forecast says of the time ahead."""
    decision = seat.latest
    name = next(iter(seat.managed.forecasts), None)
    if decision is None or name is None:
        return None
    signals = decision.seen.signals
    ordered, kept = signals.get(name), signals.get(f"{name}_keep")
    ceiling = signals.get(f"{name}_ceiling")
    if ordered is None or isinstance(ordered, Missing):
        return None
    return Ahead(
        ordered.times[0] - decision.at,
        ordered.last_at - decision.at,
        None if kept is None or isinstance(kept, Missing) else kept.last,
        None if ceiling is None or isinstance(ceiling, Missing) else ceiling.last,
    )
