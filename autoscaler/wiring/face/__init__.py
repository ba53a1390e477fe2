"""What the web face is told: the daemon's state as the API's JSON."""

from __future__ import annotations

from pathlib import Path

from autoscaler.runtime.history.keeper import Keeper
from autoscaler.web.access import Gate
from autoscaler.web.api.parts import Parts
from autoscaler.wiring.controls import Controls
from autoscaler.wiring.face.daemon import DaemonFace, Witnesses
from autoscaler.wiring.face.forecasts import forecast_readings, inside
from autoscaler.wiring.face.past import RecordedPast
from autoscaler.wiring.face.records import JournalRecords
from autoscaler.wiring.face.steering import Steering
from autoscaler.wiring.whatif import engine_of

__all__ = ["DaemonFace", "Witnesses", "forecast_readings", "inside", "parts_of"]


def parts_of(
    face: DaemonFace, keeper: Keeper, controls: Controls, gate: Gate, config: Path
) -> Parts:
    """Whom the handlers ask, for a running daemon whose configuration is at `config`."""
    daemon, journal, recorder = face.daemon, face.journal, face.witnesses.recorder
    return Parts(
        face,
        JournalRecords(journal),
        RecordedPast(daemon, recorder, keeper),
        Steering(daemon, controls),
        face.witnesses.telling.hub,
        gate,
        what_if=engine_of(daemon, keeper, config),
    )
