"""Listens to ticks and keeps their history. What it costs is measured by `autoscaler bench`."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.core.decision import Decision
from autoscaler.core.observation import Missing, Signal
from autoscaler.ports import TickReport
from autoscaler.roster import Managed
from autoscaler.runtime.history.track import MINUTE_S, Track

COLD_STARTS = 20
# Beside the minutes, the last ticks as they were: at most so many a deployment, and so many of
# all together, which is 10 to 22 MB however large the fleet is.
FINE = 900
FINE_OF_ALL = 1_000_000

Find = Callable[[str], Managed | None]


@dataclass(frozen=True, slots=True)
class Fine:
    """A ring of single ticks: each slot is `unit_s` whole seconds."""

    track: Track
    unit_s: int


@dataclass(slots=True)
class Kept:
    """A deployment's track, and which of its signals are drawn."""

    track: Track
    managed: Managed | None
    demand: str | None
    forecast: str | None
    fine: Fine | None = None
    restored: bool = False
    kept_ten: int = -1
    startups: tuple[float, ...] = ()
    cold_starts: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=COLD_STARTS)
    )


class Recorder:
    """A listener. `find` names how a deployment is managed now.

    Groups that tick more than once a minute get their last ticks kept one by one.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._kept: dict[str, Kept] = {}
        # The page's threads read while the loop writes; a dictionary must not grow meanwhile.
        self._lock = threading.Lock()

    def told(self, report: TickReport) -> None:
        """Note every decision of a tick."""
        minute = int(report.at // MINUTE_S)
        unit_s = math.ceil(max(1.0, report.interval_s))
        size = min(FINE, FINE_OF_ALL // max(1, len(self._kept), len(report.decisions)))
        for decision in report.decisions:
            self._note(decision, minute, unit_s, size)

    def track(self, name: str) -> Track | None:
        """The last six hours, None for one that was never decided."""
        kept = self._kept.get(name)
        return kept.track if kept else None

    def fine(self, name: str) -> Fine | None:
        """The last ticks one by one, None where they are a minute apart or more."""
        kept = self._kept.get(name)
        return kept.fine if kept else None

    def cold_starts(self, name: str) -> Sequence[tuple[float, float]]:
        """When and how long starting up took since the daemon started, oldest first."""
        kept = self._kept.get(name)
        return tuple(kept.cold_starts) if kept else ()

    def keep(self, names: Collection[str]) -> None:
        """Forget everybody who is not among `names`."""
        gone = self._kept.keys() - set(names)
        with self._lock:
            for name in gone:
                del self._kept[name]

    def everybody(self) -> list[tuple[str, Kept]]:
        """All that are recorded."""
        with self._lock:
            return list(self._kept.items())

    def _note(self, decision: Decision, minute: int, unit_s: int, size: int) -> None:
        name = decision.deployment
        kept = self._kept.get(name)
        if kept is None or kept.managed is None or kept.managed is not self._find(name):
            kept = self._begin(name, minute, kept)
        seen = decision.seen
        signals = seen.signals
        hold = decision.plan.hold
        told = hold is None or hold.by != "reading"
        now = (decision.outcome.actual or seen.envelope) if told else None
        load = None if kept.demand is None else _value(signals.get(kept.demand))
        ahead = None if kept.forecast is None else _ahead(kept.forecast, signals)
        kept.track.note(minute, load, ahead, now)
        if unit_s < MINUTE_S:
            slot = int(decision.at // unit_s)
            if kept.fine is None or kept.fine.unit_s != unit_s:
                kept.fine = Fine(Track(slot, size), unit_s)
            kept.fine.track.note(slot, load, ahead, now)
        startups = seen.learned.startups
        if startups is not kept.startups:
            if startups and kept.startups and startups != kept.startups:
                kept.cold_starts.append((decision.at, startups[-1]))
            kept.startups = startups

    def _begin(self, name: str, minute: int, before: Kept | None) -> Kept:
        managed = self._find(name)
        demand = managed.demand if managed else None
        forecast = next(iter(managed.forecasts), None) if managed else None
        if before is not None:
            before.managed, before.demand, before.forecast = managed, demand, forecast
            return before
        kept = Kept(Track(minute), managed, demand, forecast)
        with self._lock:
            self._kept[name] = kept
        return kept


def _value(signal: Signal | None) -> float | None:
    return None if signal is None or isinstance(signal, Missing) else signal.last


def _ahead(name: str, signals: Mapping[str, Signal]) -> tuple[float, float, float] | None:
    add, keep = _value(signals.get(name)), _value(signals.get(f"{name}_keep"))
    ceiling = _value(signals.get(f"{name}_ceiling"))
    return None if add is None or keep is None or ceiling is None else (add, keep, ceiling)
