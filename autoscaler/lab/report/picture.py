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

# One bucket is about a pixel of a wide screen; many runs share what one file may hold.
MOST_BUCKETS, LEAST_BUCKETS = 1200, 240
BUCKETS_OF_ALL = 90_000


def buckets_for(runs_of_all: int) -> int:
    """How finely each of so many runs can be drawn for the file to stay below about 3 MB."""
    return max(LEAST_BUCKETS, min(MOST_BUCKETS, BUCKETS_OF_ALL // max(1, runs_of_all)))


@dataclass(slots=True)
class Picture:
    """Lists ready for JSON.

    A bucket is `every_s` seconds long; the first one begins at `begins_at` (Unix seconds; None
    for a trace without a date).
    """

    begins_at: float | None
    every_s: float = 0.0
    load_high: list[float] = field(default_factory=list)
    load_low: list[float] = field(default_factory=list)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)


def picture_of(
    tracks: Mapping[str, Track], start: int, begins_at: float | None, buckets: int = MOST_BUCKETS
) -> Picture:
    """What the tracks saw from step `start` on."""
    picture = Picture(begins_at)
    for name, track in tracks.items():
        load, ready = track.seen(start)
        edges = edges_of(load.size, buckets)
        if not picture.load_high and load.size:
            picture.every_s = load.size / len(edges) * STEP_S
            picture.load_high = highest(load, edges)
            picture.load_low = lowest(load, edges)
        floor, roof = track.envelope(start, start + load.size)
        lacking = np.maximum(load - ready, 0.0)
        moments = worst_moments(load, ready)
        picture.sets[name] = {
            "ready": runs(lowest(ready, edges)),
            **_envelope(floor, roof, edges),
            "short": _sparse(highest(lacking, edges)),
            "moments": [_moment(track, each, start, load, ready) for each in moments],
        }
    return picture


def _envelope(floor: Ints, roof: Ints, edges: Ints) -> dict[str, list[float]]:
    """Floor and ceiling; the floor alone when they are the same."""
    found = {"floor": runs(highest(floor, edges))}
    if not np.array_equal(floor, roof):
        found["ceiling"] = runs(highest(roof, edges))
    return found


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
        "every": (last - first) / len(edges) * STEP_S,
        "load": highest(load[first:last], edges),
        "ready": runs(lowest(ready[first:last], edges)),
        **_envelope(floor, roof, edges),
        "told": [_told(each, offset) for each in decisions_around(track, moment, offset)],
    }


def _told(told: Told, offset: int) -> dict[str, Any]:
    return {
        "at": round((told.step - offset) * STEP_S),
        "before": str(told.before),
        "after": str(told.after),
        "lines": told.lines,
    }
