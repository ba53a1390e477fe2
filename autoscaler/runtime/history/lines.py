"""From points to the lines of a chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.core.observation import Series
from autoscaler.runtime.history.blob import TEN_S
from autoscaler.runtime.history.track import MINUTE_S, NOTHING, TEN, Point, Track

FINE_STEPS = (1, 2, 5, 10, 15, 30)
STEPS = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400)

Look = Callable[[int, int], Point]


@dataclass(frozen=True, slots=True)
class Raster:
    """`count` steps of `step_s` seconds from `start` on, Unix seconds and a multiple of it."""

    start: int
    step_s: int
    count: int

    @classmethod
    def over(cls, start: float, end: float, points: int, unit_s: int = MINUTE_S) -> Raster:
        """The finest one with at most `points` steps; a step is `unit_s` seconds or more."""
        fine = [step for step in FINE_STEPS if step % unit_s == 0 or step == unit_s]
        steps = STEPS if unit_s >= MINUTE_S else (*(fine or [unit_s]), *STEPS)
        for step in steps:
            first = int(start // step) * step
            count = max(1, math.ceil((end - first) / step))
            if count <= points:
                return cls(first, step, count)
        step = math.ceil((end - start) / max(1, points - 1) / STEPS[-1]) * STEPS[-1]
        first = int(start // step) * step
        return cls(first, step, min(points, max(1, math.ceil((end - first) / step))))

    @property
    def times(self) -> list[int]:
        """The beginning of each step."""
        return [self.start + i * self.step_s for i in range(self.count)]


def looking(track: Track | None, tens: Mapping[int, Point]) -> Look:
    """What is known of a span of minutes: the track's own, or else points of ten minutes.

    `tens` are keyed by their beginning in minutes. A minute that only they cover has their value.
    """

    def look(first: int, count: int) -> Point:
        own = track.point(first, count) if track is not None else NOTHING
        edge = track.minute - track.size if track is not None else first + count
        if first > edge or not tens:
            return own
        begin = first // TEN * TEN
        older = [tens[m] for m in range(begin, min(first + count, edge + 1), TEN) if m in tens]
        return joined([*older, own])

    return look


def joined(points: Sequence[Point]) -> Point:
    """Many points as one: highest values, last dials."""
    last = next((p for p in reversed(points) if p.floor is not None), NOTHING)
    return Point(
        _highest([p.load for p in points]),
        _highest([p.forecast for p in points]),
        _highest([p.keep for p in points]),
        _highest([p.ceiling_forecast for p in points]),
        last.floor,
        last.ceiling,
        last.threads,
    )


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The forecast of now: how far ahead it looks, seconds, and its three values."""

    lead_s: float
    until_s: float
    keep: float | None
    ceiling: float | None


def lines(
    raster: Raster,
    look: Look,
    now: float,
    ahead: Ahead | None,
    loads: Series | None = None,
    unit_s: int = MINUTE_S,
) -> dict[str, object]:
    """The lines of the API. `loads` is the source's own past, which fills what we missed.

    `look` counts in units of `unit_s` seconds. A forecast is drawn at the time that it was made
    for, so the last of it lies ahead of `now`.
    """
    units = max(1, raster.step_s // unit_s)
    times = raster.times
    points = [look(t // unit_s, units) if t <= now else NOTHING for t in times]
    lead = 0 if ahead is None else round(ahead.lead_s / unit_s)
    forecast = [look(t // unit_s - lead, units).forecast if ahead else None for t in times]
    told = _on(raster, loads)
    return {
        "from": raster.start,
        "to": raster.start + raster.count * raster.step_s,
        "step_s": raster.step_s,
        "at": times,
        "load": [_highest([p.load, t]) for p, t in zip(points, told, strict=True)],
        "forecast": forecast,
        "keep": [_held(p.keep, t, now, ahead, "keep") for p, t in zip(points, times, strict=True)],
        "ceiling_forecast": [
            _held(p.ceiling_forecast, t, now, ahead, "ceiling")
            for p, t in zip(points, times, strict=True)
        ],
        "capacity": [_capacity(p) for p in points],
        "floor": [p.floor for p in points],
        "ceiling": [p.ceiling for p in points],
        "threads": [p.threads for p in points],
    }


def _held(known: float | None, t: int, now: float, ahead: Ahead | None, which: str) -> float | None:
    """What was forecast then; ahead of now what is forecast for it now."""
    if t <= now or ahead is None or t > now + ahead.until_s:
        return known
    return ahead.keep if which == "keep" else ahead.ceiling


def _capacity(point: Point) -> int | None:
    if point.floor is None or point.threads is None:
        return None
    return point.floor * point.threads


def _on(raster: Raster, series: Series | None) -> list[float | None]:
    """The highest sample of each step, None where there is none."""
    found: list[float | None] = [None] * raster.count
    for at, value in zip(series.times, series.values, strict=True) if series else ():
        place = int((at - raster.start) // raster.step_s)
        if 0 <= place < raster.count:
            found[place] = _highest([found[place], value])
    return found


def sparkline(track: Track | None, first: int, count: int) -> list[float | None]:
    """The highest load of each ten minutes from the minute `first` on."""
    if track is None:
        return [None] * count
    return [track.peak(first + TEN * i, TEN) for i in range(count)]


def tens_of(rows: Sequence[tuple[float, Sequence[Point]]]) -> dict[int, Point]:
    """Points of ten minutes by their beginning in minutes; rows begin at Unix seconds."""
    return {
        int(at + TEN_S * i) // MINUTE_S: point
        for at, points in rows
        for i, point in enumerate(points)
        if point != NOTHING
    }
