"""One trace under one actuator, thinned out for plots: load, replicas, envelopes, worst moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoscaler.lab.report.thin import edges_of, highest, lowest, runs, short
from autoscaler.lab.report.watch import Floats, Ints, Told, Track
from autoscaler.lab.report.worst import (
    MOST_POINTS,
    STEP_S,
    Moment,
    decisions_around,
    window_of,
    worst_moments,
)

# One bucket is about a pixel of a wide screen.
BUCKETS = 1200
DAY_STEPS = 8640


@dataclass(slots=True)
class Picture:
    """JSON-ready. Times are seconds from `begins_at` (Unix seconds; None: day 0 of a trace)."""

    begins_at: float | None
    times: list[float] = field(default_factory=list)
    load_high: list[float] = field(default_factory=list)
    load_low: list[float] = field(default_factory=list)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)


def picture_of(
    tracks: Mapping[str, Track], start: int, begins_at: float | None, buckets: int = BUCKETS
) -> Picture:
    """What the tracks saw from step `start` on."""
    picture = Picture(begins_at)
    for name, track in tracks.items():
        load, ready = track.seen(start)
        edges = edges_of(load.size, buckets)
        if not picture.times and load.size:
            picture.times = [int(edge * STEP_S) for edge in edges.tolist()]
            picture.load_high = highest(load, edges)
            picture.load_low = lowest(load, edges)
        floor, roof = track.envelope(start, start + load.size)
        lacking = np.maximum(load - ready, 0.0)
        moments = worst_moments(load, ready)
        picture.sets[name] = {
            "ready": runs(lowest(ready, edges)),
            "most": runs(highest(ready, edges)),
            "floor": runs(highest(floor, edges)),
            "ceiling": runs(highest(roof, edges)),
            "short": _sparse(highest(lacking, edges)),
            "moments": [_moment(track, each, start, load, ready) for each in moments],
        }
    return picture


def _sparse(values: list[float]) -> list[list[float]]:
    """Index and value where there is any."""
    return [[index, value] for index, value in enumerate(values) if value > 0]


def _moment(track: Track, moment: Moment, offset: int, load: Floats, ready: Ints) -> dict[str, Any]:
    first, last = window_of(moment, load.size)
    told: dict[str, Any] = {
        "at": round(moment.start * STEP_S),
        "lasted": round(moment.lasted_s),
        "lost": short(moment.lost),
        "short": short(moment.short),
    }
    if not track.explained:
        return told
    edges = edges_of(last - first, MOST_POINTS)
    floor, roof = track.envelope(offset + first, offset + last)
    return told | {
        "from": round(first * STEP_S),
        "times": [int(edge * STEP_S) for edge in edges.tolist()],
        "load": highest(load[first:last], edges),
        "ready": runs(lowest(ready[first:last], edges)),
        "floor": runs(highest(floor, edges)),
        "ceiling": runs(highest(roof, edges)),
        "told": [_told(each, offset) for each in decisions_around(track, moment, offset)],
    }


def _told(told: Told, offset: int) -> dict[str, Any]:
    return {
        "at": round((told.step - offset) * STEP_S),
        "before": str(told.before),
        "after": str(told.after),
        "lines": told.lines,
    }
