"""Nine simple opinions on the highest demand of a window ahead.

Each is a number that needs no fit, and none has to be right: every expert's error is measured
and covered by a margin of its own, and the one whose covered opinion costs least is followed.
The seasonal ones compare today with the same minutes of earlier days, the newest weighing most.
"""

from __future__ import annotations

import math

from autoscaler.forecast.history import CELL_S, DAY_CELLS, History

NAMES = (
    "level_1m",
    "level_5m",
    "level_20m",
    "hold_30m",
    "trend",
    "daily_ratio",
    "daily_slots",
    "weekly_ratio",
    "hourly",
)
COUNT = len(NAMES)

# A day that is one day older weighs this much less; a week is enough (measured: more adds nothing).
DAY_WEIGHT = 0.85
DAYS_BACK = 7
RATIO_MOST = 4.0
SLOT_RATIO_MOST = 2.0
HOUR_CELLS = 60
HOURS_BACK = 3
TREND_SHARE = 0.5

LEVELS_S = (60.0, 300.0, 1200.0)


class Levels:
    """Demand smoothed over 1, 5 and 20 minutes, and over two days for the scale of it all."""

    __slots__ = ("_gains", "_step", "at", "five", "one", "scale", "twenty")

    def __init__(self) -> None:
        self.at: float | None = None
        self.one = self.five = self.twenty = self.scale = 0.0
        self._step = 0.0
        self._gains = (0.0, 0.0, 0.0, 0.0)

    def add(self, at: float, value: float) -> None:
        """Take a sample, Unix seconds; after a gap the old level has faded by its length."""
        if self.at is None:
            self.one = self.five = self.twenty = self.scale = value
            self.at = at
            return
        step = at - self.at
        if step <= 0:
            return
        if step != self._step:
            self._step = step
            self._gains = (
                1 - math.exp(-step / 60.0),
                1 - math.exp(-step / 300.0),
                1 - math.exp(-step / 1200.0),
                1 - math.exp(-step / 172_800.0),
            )
        one, five, twenty, scale = self._gains
        self.one += one * (value - self.one)
        self.five += five * (value - self.five)
        self.twenty += twenty * (value - self.twenty)
        self.scale += scale * (value - self.scale)
        self.at = at


Found = tuple[float, float, float, float, float]
"""Mean ratio, mean slot and level of earlier days, weekly ratio, hourly peak; -1 if unknown."""

NOTHING: Found = (-1.0, -1.0, -1.0, -1.0, -1.0)


class Seasons:
    """What history says of two windows ahead, looked up once a minute.

    `add` is the window for adding, `keep` the one for keeping, in cells.
    """

    __slots__ = ("_history", "_key", "add", "hold", "keep")

    def __init__(self, history: History) -> None:
        self._history = history
        self._key = (-1, -1, -1)
        self.hold = 0.0
        self.add: Found = NOTHING
        self.keep: Found = NOTHING

    def look(self, at: float, lead_s: float, span_s: float, dust: float) -> None:
        """Look up for `at` the windows [lead, lead + span] and [0, lead + span]."""
        now = int(at // CELL_S)
        key = now, int((at + lead_s) // CELL_S), int((at + lead_s + span_s) // CELL_S)
        if key == self._key:
            return
        self._key = key
        self.hold = max(0.0, self._history.most(max(now - 30, self._history.first), now - 1))
        self.add = self._window(now, key[1], key[2], dust)
        self.keep = self._window(now, now, key[2], dust)

    def _window(self, now: int, start: int, end: int, dust: float) -> Found:
        most, mean = self._history.most, self._history.mean
        weight, weights, ratios, slots, levels = 1.0, 0.0, 0.0, 0.0, 0.0
        weekly = -1.0
        for day in range(1, DAYS_BACK + 1):
            back = day * DAY_CELLS
            level = mean(now - back - 5, now - back - 1)
            if level < 0:
                continue
            peak = most(start - back, end - back)
            slot = most(start - back - 2, end - back + 2)
            if peak < 0:
                continue
            weight = DAY_WEIGHT**day
            ratio = min(RATIO_MOST, max(1 / RATIO_MOST, (peak + dust) / (level + dust)))
            weights += weight
            ratios += weight * ratio
            slots += weight * slot
            levels += weight * level
            if day == DAYS_BACK:
                weekly = ratio
        hourly = max(most(start - h * HOUR_CELLS, end - h * HOUR_CELLS) for h in (1, 2, 3))
        if not weights:
            return -1.0, -1.0, -1.0, -1.0, hourly
        return ratios / weights, slots / weights, levels / weights, weekly, hourly


def opinions(
    levels: Levels, seasons: Seasons, newest: float, lead_s: float, dust: float
) -> tuple[list[float], list[float]]:
    """The opinions for adding and those for keeping, in the order of `NAMES`.

    `newest` is the highest demand of the last decision interval. Where history is too short
    for an opinion, the level stands in.
    """
    one, five, twenty = levels.one, levels.five, levels.twenty
    hold = max(seasons.hold, newest)
    trend = max(0.0, one + (one - five) * TREND_SHARE * lead_s / 240.0)
    now = (one, five, twenty, hold, trend)
    return (
        [*now, *_seasonal(seasons.add, five, twenty, hold, dust)],
        [*now, *_seasonal(seasons.keep, five, twenty, hold, dust)],
    )


def _seasonal(
    found: Found, five: float, twenty: float, hold: float, dust: float
) -> tuple[float, float, float, float]:
    ratio, slot, level, weekly, hourly = found
    daily = slots = five
    if ratio >= 0:
        daily = five * ratio
        scale = (five + dust) / (level + dust)
        slots = slot * min(SLOT_RATIO_MOST, max(1 / SLOT_RATIO_MOST, scale))
    return (
        daily,
        slots,
        five * weekly if weekly >= 0 else twenty,
        hourly if hourly >= 0 else hold,
    )
