"""The fleet and its deployments as the API's JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoscaler import __version__
from autoscaler.journal import SqlJournal
from autoscaler.ports import Clock, Listener
from autoscaler.roster import Managed
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.history import Recorder
from autoscaler.runtime.seat import Seat
from autoscaler.settings import Settings
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.tally import PlatformTally, SourceTally
from autoscaler.web import view
from autoscaler.web.face import Cost, Standing
from autoscaler.web.stream import Hub
from autoscaler.web.table import Table
from autoscaler.wiring.face.configuration import Configuration
from autoscaler.wiring.face.forecasts import forecasts_json
from autoscaler.wiring.face.health import health, in_short
from autoscaler.wiring.face.telling import Telling
from autoscaler.wiring.face.ticks import TickLog

Json = Mapping[str, Any]
Seats = Callable[[], Mapping[str, Seat]]


@dataclass(slots=True)
class Witnesses:
    """Those who listen and count for the page."""

    platform: PlatformTally
    sources: SourceTally
    ticks: TickLog
    recorder: Recorder
    configuration: Configuration
    telling: Telling
    started_at: float

    @classmethod
    def of(cls, settings: Settings, clock: Clock, seats: Seats, metrics: Metrics) -> Witnesses:
        """For a daemon that begins now; `seats` are its deployments by name."""

        def managed(name: str) -> Managed | None:
            found = seats().get(name)
            return found.managed if found is not None else None

        run = f"{int(clock.now() * 1000):x}"
        hub = Hub(run, metrics.streaming, metrics.stream_dropped)
        return cls(
            PlatformTally(clock, settings.platform.pacing.requests_per_second),
            SourceTally(clock),
            TickLog(),
            Recorder(managed),
            Configuration(settings.file),
            Telling(hub),
            clock.now(),
        )

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those who hear of ticks."""
        return self.ticks, self.recorder, self.telling

    def keep(self, names: Collection[str]) -> None:
        """Forget everybody who is not among `names`."""
        self.recorder.keep(names)
        self.telling.keep(names)


@dataclass(slots=True)
class DaemonFace:
    """Satisfies `web.face.Face` for a running daemon."""

    daemon: Daemon
    render: Metrics
    journal: SqlJournal
    witnesses: Witnesses
    _table: Table = field(default_factory=Table)

    def hello(self) -> Json:
        """What a new stream begins with."""
        at = self.daemon.clock.now()
        return {"version": __version__, "started_at": self.witnesses.started_at, "at": at}

    def status(self, standing: Sequence[Standing]) -> Json:
        """The daemon in short."""
        daemon, witnesses = self.daemon, self.witnesses
        return view.status(
            version=__version__,
            at=daemon.clock.now(),
            started_at=witnesses.started_at,
            decisions=[s.latest for s in list(daemon.seats.values()) if s.latest is not None],
            **in_short(daemon, witnesses, standing, self.live()),
        )

    async def health(self) -> Json:
        """Sources, platform, loop, journal, configuration."""
        return await health(self.daemon, self.witnesses, self.journal)

    def deployments(self, standing: Sequence[Standing]) -> Sequence[Json]:
        """One row per deployment."""
        seats = list(self.daemon.seats.values())
        decisions = [seat.latest for seat in seats if seat.latest is not None]
        return self._table.rows(decisions, {s.managed.name: s.managed for s in seats}, standing)

    def deployment(self, name: str, standing: Sequence[Standing], cost: Cost) -> Json | None:
        """Everything about one deployment."""
        seat = self.daemon.seats.get(name)
        if seat is None:
            return None
        words = view.applying(standing, seat.managed.group, name)
        event = self._table.event(seat.managed, self.daemon.clock.now())
        starts = self.witnesses.recorder.cold_starts(name)
        unseen = seat.learned.startups[: max(0, len(seat.learned.startups) - len(starts))]
        known = view.Known(
            forecasts_json(seat),
            [
                *({"at": None, "took_s": took} for took in unseen),
                *({"at": at, "took_s": took} for at, took in starts),
            ],
            cost.today,
            cost.month,
        )
        return view.detail(seat.latest, seat.managed, words, event, known)

    def knows(self, name: str) -> bool:
        """Whether it is managed."""
        return name in self.daemon.seats

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """The exposition."""
        return self.render.render(accept)

    def live(self) -> tuple[bool, str]:
        """Alive while every group ticks. A platform or source that is away is no reason to die."""
        stuck = self.daemon.watchdog.stuck()
        if stuck:
            ages = ", ".join(f"{group} for {age:.0f} s" for group, age in sorted(stuck.items()))
            return False, f"not decided: {ages}"
        return True, "every group is decided on time"

    def ready(self) -> tuple[bool, str]:
        """Ready when it was configured, has read at least one deployment, and can record."""
        daemon = self.daemon
        if daemon.parts is None:
            return False, "no configuration yet"
        if daemon.seats and not any(s.read_at is not None for s in daemon.seats.values()):
            return False, "no deployment was read yet"
        if not all(tick.ledger.up for tick in daemon.ticks.values()):
            return False, "the journal cannot record: nothing is written to the platform"
        return True, "deciding"
