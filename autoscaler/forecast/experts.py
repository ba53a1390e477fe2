"""Twelve simple opinions on the highest demand of a window ahead.

Each is a number that needs no fit, and none has to be right: every expert's error is measured
and covered by a margin of its own, and those whose covered opinion costs least are followed.
The seasonal ones compare today with the same time of earlier days, the newest weighing most.
"""

from __future__ import annotations

import math

from autoscaler.forecast.history import (
    BLOCK_S,
    CELL_S,
    DAY_BLOCKS,
    DAY_CELLS,
    History,
)

NAMES = (
    "level_1m",
    "level_5m",
    "level_20m",
    "level_60m",
    "hold_30m",
    "trend",
    "daily_20m",
    "daily_5m",
    "daily_mean",
    "daily_slots",
    "weekly",
    "hourly",
)
COUNT = len(NAMES)

# A day that is one day older weighs this much less; more than a week back adds nothing.
DAY_WEIGHT = 0.85
DAYS_BACK = 7
# How much a day may rise or fall within an hour, and how much busier than others it may be.
RATIO_MOST = 4.0
SLOT_RATIO_MOST = 2.0
# Seasonal means are over 35 minutes around the window, compared with the 40 minutes before now.
AROUND_BLOCKS = 3
BEFORE_BLOCKS = 8
SLOT_CELLS = 2
HOLD_CELLS = 30
HOUR_CELLS = 60
HOURS = (1, 2, 3)
# A trend goes on for half of the time ahead: less and more were worse on the tuning traces.
TREND_SHARE = 0.5
# The 1- and the 5-minute level of a steady rise are this far apart in time.
LEVELS_APART_S = 240.0

LEVELS_S = (60.0, 300.0, 1200.0, 3600.0, 172_800.0)


class Levels:
    """Demand smoothed over 1, 5, 20 and 60 minutes, and over two days for its usual scale."""

    __slots__ = ("_gains", "_step", "at", "five", "one", "sixty", "twenty", "usual")

    def __init__(self) -> None:
        self.at: float | None = None
        self.one = self.five = self.twenty = self.sixty = self.usual = 0.0
        self._step = 0.0
        self._gains = [0.0] * len(LEVELS_S)

    def add(self, at: float, value: float) -> None:
        """Take a sample, Unix seconds; after a gap the old level has faded by its length."""
        if self.at is None:
            self.one = self.five = self.twenty = self.sixty = self.usual = value
            self.at = at
            return
        step = at - self.at
        if step <= 0:
            return
        if step != self._step:
            self._step = step
            self._gains = [1 - math.exp(-step / period) for period in LEVELS_S]
        one, five, twenty, sixty, usual = self._gains
        self.one += one * (value - self.one)
        self.five += five * (value - self.five)
        self.twenty += twenty * (value - self.twenty)
        self.sixty += sixty * (value - self.sixty)
        self.usual += usual * (value - self.usual)
        self.at = at

    @property
    def rise(self) -> float:
        """How fast demand rises, per second; 0 when it falls."""
        return max(0.0, self.one - self.five) / LEVELS_APART_S


class Seasons:
    """What earlier days say of two windows ahead: one to order by, one to keep by.

    Slots and hours are looked up once a minute, means once in five.
    """

    __slots__ = (
        *("_history", "_minute", "_block", "hold", "ratio", "mean", "weekly"),
        *("before", "slots_add", "slots_keep", "hourly_add", "hourly_keep"),
    )

    def __init__(self, history: History) -> None:
        self._history = history
        self._minute = (-1, -1, -1)
        self._block = (-1, -1)
        # All -1 while history is too short to tell.
        self.hold = self.ratio = self.mean = self.weekly = self.before = -1.0
        self.slots_add = self.slots_keep = self.hourly_add = self.hourly_keep = -1.0

    def look(self, at: float, lead_s: float, span_s: float, dust: float) -> None:
        """Look up, as of `at`, the windows [lead, lead + span] and [0, lead + span]."""
        block = int(at // BLOCK_S), int((at + lead_s) // BLOCK_S)
        if block != self._block:
            self._block = block
            self._look_at_means(*block, dust)
        now = int(at // CELL_S)
        minute = now, int((at + lead_s) // CELL_S), int((at + lead_s + span_s) // CELL_S)
        if minute != self._minute:
            self._minute = minute
            self._look_at_maxima(*minute)

    def _look_at_means(self, now: int, ahead: int, dust: float) -> None:
        mean = self._history.means.mean
        weights = ratios = levels = befores = 0.0
        self.weekly = -1.0
        for day in range(1, DAYS_BACK + 1):
            back = day * DAY_BLOCKS
            before = mean(now - back - BEFORE_BLOCKS, now - back - 1)
            around = mean(ahead - back - AROUND_BLOCKS, ahead - back + AROUND_BLOCKS)
            if before < 0 or around < 0:
                continue
            weight = DAY_WEIGHT**day
            ratio = min(RATIO_MOST, max(1 / RATIO_MOST, (around + dust) / (before + dust)))
            weights += weight
            ratios += weight * ratio
            levels += weight * around
            befores += weight * before
            if day == DAYS_BACK:
                self.weekly = ratio
        known = weights > 0
        self.ratio = ratios / weights if known else -1.0
        self.mean = levels / weights if known else -1.0
        self.before = befores / weights if known else -1.0

    def _look_at_maxima(self, now: int, start: int, end: int) -> None:
        history = self._history
        most = history.most
        self.hold = most(max(now - HOLD_CELLS, history.first), now - 1)
        self.slots_add = self._slots(start, end)
        self.slots_keep = self._slots(now, end)
        self.hourly_add = max(most(start - h * HOUR_CELLS, end - h * HOUR_CELLS) for h in HOURS)
        self.hourly_keep = max(most(now - h * HOUR_CELLS, end - h * HOUR_CELLS) for h in HOURS)

    def _slots(self, start: int, end: int) -> float:
        """The mean over days of the highest minute of the window and two minutes around it."""
        most = self._history.most
        weights = slots = 0.0
        for day in range(1, DAYS_BACK + 1):
            back = day * DAY_CELLS
            peak = most(start - back - SLOT_CELLS, end - back + SLOT_CELLS)
            if peak >= 0:
                weight = DAY_WEIGHT**day
                weights += weight
                slots += weight * peak
        return slots / weights if weights else -1.0


def opinions(
    levels: Levels, seasons: Seasons, newest: float, lead_s: float, dust: float
) -> tuple[list[float], list[float]]:
    """The opinions for adding and those for keeping, in the order of `NAMES`.

    `newest` is the highest demand of the last tick. Where history is too short for an
    opinion, a level stands in.
    """
    one, five, twenty, sixty = levels.one, levels.five, levels.twenty, levels.sixty
    hold = max(seasons.hold, newest)
    trend = max(0.0, one + (one - five) * TREND_SHARE * lead_s / LEVELS_APART_S)
    ratio = seasons.ratio if seasons.ratio >= 0 else 1.0
    weekly = seasons.weekly if seasons.weekly >= 0 else ratio
    mean = seasons.mean if seasons.mean >= 0 else sixty
    busier = (twenty + dust) / (seasons.before + dust) if seasons.before >= 0 else 1.0
    busier = min(SLOT_RATIO_MOST, max(1 / SLOT_RATIO_MOST, busier))
    now = (one, five, twenty, sixty, hold, trend, twenty * ratio, five * ratio, mean)
    add = max(one, seasons.slots_add * busier)
    keep = max(one, seasons.slots_keep * busier)
    hourly = seasons.hourly_add, seasons.hourly_keep
    return (
        [*now, add, twenty * weekly, hourly[0] if hourly[0] >= 0 else hold],
        [*now, keep, twenty * weekly, hourly[1] if hourly[1] >= 0 else hold],
    )
