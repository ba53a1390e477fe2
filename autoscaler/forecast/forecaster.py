"""One deployment's forecast: demand in, calibrated signals out. Deterministic, no clock.

Every tick: what came is scored against what was forecast for it, margins learn, and the next
windows are forecast. Two windows are: [lead, lead + tick] to order by and [0, lead + tick] to
let go by. Made after "calibrated envelope", docs/measures.md tells its figures.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from autoscaler.core.observation import Absence, Missing, Series, Signal
from autoscaler.forecast.experts import COUNT, NAMES, Levels, Seasons, opinions
from autoscaler.forecast.history import History
from autoscaler.forecast.intake import Intake
from autoscaler.forecast.margins import Edge, Margins, first_quantile
from autoscaler.forecast.options import Options
from autoscaler.forecast.quality import Ledger, Quality

# A tick may come a little early; one that comes this late has left others out.
EARLY = 0.75
UNKNOWN = -1.0
# The scale below which a ratio of two days says nothing, as a share of the usual level.
DUST = 0.02


class _Made(NamedTuple):
    """A forecast that waits for its truth. Roots of opinions and what covered them."""

    roots_add: list[float]
    roots_keep: list[float]
    covered_add: list[float]
    covered_keep: list[float]
    edge: float
    middle: float
    spread: float
    add: float
    keep: float
    naive: float


class Forecaster:
    """Feed it with `observe` every tick, read it with `signals`.

    The three signals are named after `options.name`: itself, `_keep` and `_ceiling`.
    """

    def __init__(self, options: Options | None = None, history: History | None = None) -> None:
        self.options = options = options or Options()
        self.history = history or History()
        self.levels = Levels()
        self.intake = Intake(options.hold_fall_s)
        self.adding = Margins(COUNT, options.tau, options.every_s, options.pace)
        self.keeping = Margins(COUNT, options.keep_tau, options.every_s, options.pace)
        rate = options.pace.rate
        self.last_word = Edge(options.tau, rate, 0.0)
        self.ceiling = Edge(options.ceiling_tau, rate, first_quantile(options.ceiling_tau))
        self.ledger = Ledger(options.tau, options.every_s)
        self._seasons = Seasons(self.history)
        self._made: deque[_Made | None] = deque()
        self._blocks: deque[float] = deque(maxlen=options.last_lag)
        self._most = UNKNOWN
        self._tick_at: float | None = None
        self._signals: Mapping[str, Signal] = {}

    def observe(self, at: float, demand: float | None) -> None:
        """Take the demand at `at` (Unix seconds, rising); None when it is not known.

        `demand` counts running and queued requests. What is not known, not a number, outside
        0..1e6 or not believed is held: the last level stays, and nothing is learnt from it.
        """
        levels = self.levels
        if demand is not None and self.intake.believes(at, demand, levels.five, self.history):
            self.history.add(at, demand)
            levels.add(at, demand)
            self._most = max(self._most, demand)
        last = self._tick_at
        if last is None or at - last >= self.options.every_s * EARLY:
            self._tick(at, last)

    def signals(self, at: float) -> Mapping[str, Signal]:
        """The forecasts as of the last tick, their samples ahead of it; a pure reading."""
        newest = self.levels.at
        if newest is None or at - newest > self.options.blind_s:
            gone = Missing(Absence.NEVER_READ if newest is None else Absence.STALE, "", newest)
            name = self.options.name
            return dict.fromkeys((name, f"{name}_keep", f"{name}_ceiling"), gone)
        return self._signals

    def quality(self) -> Quality:
        """Realised coverage, loss against the naive forecast, bias."""
        return self.ledger.quality(NAMES[self.adding.best()])

    def with_risk_of(self, rehearsed: Forecaster) -> Forecaster:
        """This one with the risk and the margins of another, which has lived through the same.

        Levels and history go on; the forecasts of the last minutes, made at another risk, are
        not scored, and the count of trials begins anew.
        """
        theirs = rehearsed.options
        options = replace(self.options, tau=theirs.tau, ceiling_tau=theirs.ceiling_tau)
        made = Forecaster(options, self.history)
        made.levels, made.intake = self.levels, self.intake
        made.adding.take_over(rehearsed.adding)
        made.keeping.take_over(rehearsed.keeping)
        made.last_word.take_over(rehearsed.last_word)
        made.ceiling.take_over(rehearsed.ceiling)
        return made

    def _tick(self, at: float, last: float | None) -> None:
        every = self.options.every_s
        left_out = 0 if last is None else round((at - last) / every) - 1
        for _ in range(min(left_out, self.options.last_lag)):
            self._score(UNKNOWN)
            self._made.append(None)
        self._tick_at = at
        known = self._most >= 0
        self._score(self._most)
        if self.levels.at is not None:
            made = self._forecast(at, max(self._most, 0.0))
            self._made.append(made if known else None)
            self._publish(at, made, complete=known)
        self._most = UNKNOWN

    def _score(self, most: float) -> None:
        """Close a tick's block; score the forecast whose window it ends."""
        blocks, options = self._blocks, self.options
        blocks.append(most)
        if len(self._made) < options.last_lag:
            return
        made = self._made.popleft()
        if made is None or min(blocks) < 0:
            return
        truth = max(blocks[-1], blocks[-1 - options.last_lag + options.first_lag])
        self.adding.learn(made.roots_add, made.covered_add, truth)
        self.keeping.learn(made.roots_keep, made.covered_keep, max(blocks))
        root = math.sqrt(truth)
        self.last_word.learn((root - made.edge) / made.spread)
        self.ceiling.learn((root - made.middle) / made.spread)
        self.ledger.enter(made.add, made.middle * made.middle, made.naive, truth)

    def _forecast(self, at: float, newest: float) -> _Made:
        options, levels = self.options, self.levels
        dust = DUST * levels.usual + 1e-6
        self._seasons.look(at, options.lead_s, options.every_s, dust)
        add, keep = opinions(levels, self._seasons, newest, options.lead_s, dust)
        roots_add, roots_keep = [math.sqrt(x) for x in add], [math.sqrt(x) for x in keep]
        covered_add = self.adding.cover(roots_add)
        covered_keep = self.keeping.cover(roots_keep)
        edge, middle, spread = self.adding.followed(roots_add, covered_add)
        return _Made(
            roots_add,
            roots_keep,
            covered_add,
            covered_keep,
            edge,
            middle,
            spread,
            max(0.0, edge + self.last_word.q * spread) ** 2,
            self.keeping.followed(roots_keep, covered_keep).edge ** 2,
            levels.one,
        )

    def _publish(self, at: float, made: _Made, *, complete: bool) -> None:
        options = self.options
        add = max(made.add, self._reactive(made.add))
        keep = max(add, made.keep)
        ceiling = max(keep, max(0.0, made.middle + self.ceiling.q * made.spread) ** 2)
        soon, late = at + options.lead_s, at + options.span_s
        name = options.name
        self._signals = {
            name: Series((soon, late), (add, add), complete),
            f"{name}_keep": Series((at, late), (keep, keep), complete),
            f"{name}_ceiling": Series((at, late), (ceiling, ceiling), complete),
        }

    def _reactive(self, covered: float) -> float:
        """What the present alone asks for: a bit above the level, more while it rises fast."""
        options, one = self.options, self.levels.one
        guard = options.guard * one
        if one <= NEAR * covered:
            return guard
        return max(guard, covered) + options.slope * self.levels.rise * options.lead_s


# A level this near the forecast means that it is being outrun.
NEAR = 0.9
