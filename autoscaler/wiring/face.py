"""What the web face is told: the daemon's state as the API's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler import __version__
from autoscaler.forecast import independent
from autoscaler.journal import SqlJournal
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.seat import Seat
from autoscaler.telemetry.forecasts import ForecastReading
from autoscaler.telemetry.inside import Reading
from autoscaler.telemetry.metrics import Metrics
from autoscaler.web import view
from autoscaler.web.table import Table

Json = Mapping[str, Any]


def forecast_readings(seats: Sequence[Seat]) -> list[ForecastReading]:
    """How good everybody's forecasts are."""
    return [
        ForecastReading(
            seat.managed.name,
            name,
            quality.tau,
            quality.coverage,
            quality.loss_ratio,
            quality.bias,
            quality.trials,
            foresight.leads()[name],
            independent(quality.trials, foresight.every_s, foresight.leads()[name]),
        )
        for seat in seats
        if (foresight := seat.foresight) is not None
        for name, quality in foresight.quality().items()
    ]


def inside(daemon: Daemon) -> Reading:
    """The daemon's own state, for its metrics."""
    ticks = list(daemon.ticks.values())
    return Reading(
        intervals={tick.group: tick.interval_s for tick in ticks},
        alarms={tick.group: tick.alarm.code if tick.alarm else None for tick in ticks},
        journal_up=all(tick.journal_up for tick in ticks),
        unrecorded=sum(len(tick.unrecorded) for tick in ticks),
    )


class DaemonFace:
    """Satisfies `web.face.Face` for a running daemon."""

    def __init__(self, daemon: Daemon, metrics: Metrics, journal: SqlJournal) -> None:
        self._daemon = daemon
        self._metrics = metrics
        self._journal = journal
        self._table = Table()
        self._started_at = daemon.clock.now()

    def status(self) -> Json:
        """The daemon in short."""
        daemon = self._daemon
        groups = [
            {
                "name": name,
                "interval_s": tick.interval_s,
                "deployments": len(tick.seats),
                "last_tick_at": tick.last_at,
            }
            for name, tick in list(daemon.ticks.items())
        ]
        journal_up = all(tick.journal_up for tick in list(daemon.ticks.values()))
        return view.status(
            version=__version__,
            at=daemon.clock.now(),
            started_at=self._started_at,
            decisions=[s.latest for s in list(daemon.seats.values()) if s.latest is not None],
            groups=groups,
            journal_up=journal_up,
            loop_lag_s=daemon.watchdog.loop_lag_s,
            configuration=daemon.parts.digest if daemon.parts else None,
        )

    def deployments(self) -> Sequence[Json]:
        """One row per deployment."""
        seats = list(self._daemon.seats.values())
        decisions = [seat.latest for seat in seats if seat.latest is not None]
        return self._table.rows(decisions, {s.managed.name: s.managed for s in seats})

    def deployment(self, name: str) -> Json | None:
        """Everything about one deployment."""
        seat = self._daemon.seats.get(name)
        if seat is None:
            return None
        if seat.latest is None:
            return view.waiting(seat.managed)
        return view.detail(seat.latest, seat.managed)

    async def history(self, name: str, limit: int) -> Sequence[bytes]:
        """Recorded decisions, newest first."""
        return await self._journal.history(name, limit)

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """The exposition."""
        return self._metrics.render(accept)

    def live(self) -> tuple[bool, str]:
        """Alive while every group ticks. A platform or source that is away is no reason to die."""
        stuck = self._daemon.watchdog.stuck()
        if stuck:
            ages = ", ".join(f"{group} for {age:.0f} s" for group, age in sorted(stuck.items()))
            return False, f"not decided: {ages}"
        return True, "every group is decided on time"

    def ready(self) -> tuple[bool, str]:
        """Ready when it was configured, has read at least one deployment, and can record."""
        daemon = self._daemon
        if daemon.parts is None:
            return False, "no configuration yet"
        if daemon.seats and not any(s.read_at is not None for s in daemon.seats.values()):
            return False, "no deployment was read yet"
        if not all(tick.journal_up for tick in daemon.ticks.values()):
            return False, "the journal cannot record: nothing is written to the platform"
        return True, "deciding"
