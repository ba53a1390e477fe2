"""What metrics are told of forecasts and of the daemon itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from autoscaler.forecast import independent
from autoscaler.journal import SqlJournal
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.seat import Seat
from autoscaler.telemetry.forecasts import ForecastReading
from autoscaler.telemetry.inside import Reading


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
            seat.learned.risk_of(name),
        )
        for seat in seats
        if (foresight := seat.foresight) is not None
        for name, quality in foresight.quality().items()
    ]


def inside(daemon: Daemon) -> Reading:
    """The daemon's own state, for its metrics."""
    ticks, words = list(daemon.ticks.values()), daemon.operators.words
    said = [word for all_of in words.now().by_scope.values() for word in all_of]
    now = daemon.clock.now()
    return Reading(
        intervals={tick.group: tick.interval_s for tick in ticks},
        alarms={tick.group: tick.alarm.code if tick.alarm else None for tick in ticks},
        journal_up=all(tick.ledger.up for tick in ticks),
        unrecorded=sum(len(tick.ledger.owed) for tick in ticks),
        pause_file=words.file.word() is not None,
        words=Counter(word.control.value for word in said if word.active(now)),
        overran=daemon.jury.overran,
        left_out=daemon.jury.left_out(),
        orphans=len(daemon.orphans.left),
        set_aside=len(daemon.journal.aside.rows) if isinstance(daemon.journal, SqlJournal) else 0,
    )


def forecasts_json(seat: Seat) -> list[dict[str, Any]]:
    """The forecasts of one deployment; null before the first trial."""
    return [
        {
            "name": one.forecast,
            "tau": one.tau,
            "coverage": one.coverage,
            "loss_ratio": one.loss_ratio,
            "bias": one.bias,
            "trials": one.trials,
            "lead_s": one.lead_s,
        }
        for one in forecast_readings([seat])
    ]
