"""Policy `step`: thresholds with steps, each of which changes one dial by so much.

Sources of the arithmetic, each held against its own published answers in tests/vectors:

* AWS step scaling. Steps are relative to a threshold; above it they include their lower end and
  exclude their upper one, below it the other way round; they leave no gap and do not overlap.
  A step changes by a number, by a percentage, or to an exact number. A percentage is rounded
  towards zero, but to no less than one and no less than `min_change`. While a change is recent,
  a larger step only adds the difference.
* Nomad Autoscaler, strategy threshold: a step is reached once `points` samples of the window lie
  in it (its within_bounds_trigger). Its delta, percentage and value are `adjust` number, percent
  and exact; its percentage rounds the new number up: `rounding: up`.

Differences on purpose:

* AWS blocks every lowering while one is recent. Here recent changes count symmetrically: a
  larger step down subtracts only the difference, and a smaller one nothing.
* When points of the window reached several steps, the highest result counts: raising goes first.
* Nomad's default of 5 points is 1 here, for a window that holds the newest sample alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because


class Band(NamedTuple):
    """A step: its ends relative to the threshold (None: endless) and the change it calls for."""

    lower: float | None
    upper: float | None
    change: float

    def holds(self, distance: float, *, mirrored: bool = False) -> bool:
        """Whether `distance` from the threshold lies in it; mirrored: (lower, upper]."""
        low = -math.inf if self.lower is None else self.lower
        high = math.inf if self.upper is None else self.upper
        return low < distance <= high if mirrored else low <= distance < high


def percent_change(raw: float, at_least: int = 0) -> int:
    """A percentage's raw change as a whole one: towards zero, at least 1 and `at_least` in size."""
    if raw == 0:
        return 0
    size = max(1, at_least, int(min(abs(raw), LARGEST_BID)))
    return size if raw > 0 else -size


def adjusted(
    capacity: int, change: float, adjust: str, min_change: int = 0, rounding: str = "towards_zero"
) -> int:
    """The number that a step makes of `capacity`; `adjust` is number, percent or exact."""
    if adjust == "exact":
        return max(0, int(change))
    if adjust == "number":
        return max(0, capacity + int(change))
    if rounding == "up":
        raised = capacity * (1 + change / 100)
        return math.ceil(max(0.0, min(raised, LARGEST_BID)))
    return max(0, capacity + percent_change(capacity * change / 100, min_change))


def fault_of_bands(bands: Sequence[Band]) -> str:
    """What is wrong with the steps on one side of the threshold; empty when nothing is."""
    ordered = sorted(bands, key=_low_end)
    for band in ordered:
        if not all(math.isfinite(number) for number in band if number is not None):
            return f"made of finite numbers, got {_ends(band)}"
        if band.lower is None and band.upper is None:
            return "bounded at one end or both, got a step without ends"
        if band.lower is not None and band.upper is not None and band.lower >= band.upper:
            return f"steps whose lower end is below the upper one, got {_ends(band)}"
    for one, other in pairwise(ordered):
        if one.upper is None or other.lower is None or one.upper > other.lower:
            return f"without overlap, got {_ends(one)} and {_ends(other)}"
        if one.upper < other.lower:
            return f"without gap, got {_ends(one)} and {_ends(other)}"
    return ""


def _low_end(band: Band) -> float:
    return -math.inf if band.lower is None else band.lower


def _ends(band: Band) -> str:
    low, high = ("" if end is None else f"{end:g}" for end in band[:2])
    return f"{low}..{high}"


@dataclass(frozen=True, slots=True)
class Step:
    """Change one dial by the step that the signal's distance from a threshold reached."""

    signal: str = field(
        default="running_jobs", metadata=meta("what is compared with the threshold")
    )
    threshold: float = field(default=0.0, metadata=meta("what the steps are relative to"))
    above: tuple[Band, ...] = field(
        default=(),
        metadata=meta("steps [from, to, change], `from` included: [[0, 10, 1], [10, null, 3]]"),
    )
    below: tuple[Band, ...] = field(
        default=(),
        metadata=meta("steps [from, to, change], `to` included: [[-10, 0, 0], [null, -10, -1]]"),
    )
    adjust: str = field(
        default="number",
        metadata=meta(
            "how a step changes the dial: by a `number`, by `percent`, or to `exact`",
            one_of=("number", "percent", "exact"),
        ),
    )
    min_change: int = field(
        default=0, metadata=meta("a percentage changes by at least this many", ge=0, le=1000)
    )
    rounding: str = field(
        default="towards_zero",
        metadata=meta(
            "of a percentage: the change `towards_zero`, or the new number `up`",
            one_of=("towards_zero", "up"),
        ),
    )
    window_s: float = field(
        default=0.0,
        metadata=meta("points of this time count; 0: the newest", unit="s", ge=0, le=86_400),
    )
    points: int = field(
        default=1, metadata=meta("so many points of the window must lie in a step", ge=1)
    )
    cooldown_s: float = field(
        default=300.0,
        metadata=meta("changes of this time count towards the step", unit="s", ge=0, le=86_400),
    )
    dial: Dial = field(
        default=Dial.MIN_REPLICAS,
        metadata=meta("the dial to change", one_of=tuple(dial.value for dial in DIALS)),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.above and not self.below:
            raise ValueError("above or below must have at least one step, got none")
        for name, bands in (("above", self.above), ("below", self.below)):
            fault = fault_of_bands(bands) or self._fault_of_changes(bands)
            if fault:
                raise ValueError(f"{name} must be {fault}")
        crossed = any(_low_end(b) < 0 for b in self.above) and bool(self.below)
        if crossed or (self.above and any(b.upper is None or b.upper > 0 for b in self.below)):
            raise ValueError(
                "above must start at 0 or higher and below end at 0 or lower where both are given"
            )

    def _fault_of_changes(self, bands: Sequence[Band]) -> str:
        for band in bands:
            if self.adjust != "percent" and band.change != int(band.change):
                return f"whole numbers for adjust: {self.adjust}, got {band.change:g}"
            if self.adjust == "exact" and band.change < 0:
                return f"at least 0 for adjust: exact, got {band.change:g}"
        return ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The signal that is compared with the threshold."""
        return (self.signal,)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        return {self.signal: self.window_s}

    def propose(self, seen: Observation) -> Answer:
        """Want what the reached step makes of the dial; no opinion while none is reached."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        window = series.since(seen.at - self.window_s) if self.window_s else ()
        points = window or (series.last,)
        reached = [
            _Reached(band, inside, *self._change(band, seen))
            for band, inside in self._counted(points)
            if inside >= self.points
        ]
        if not reached:
            return Proposal({}, self._quiet(points))
        best = max(reached, key=lambda found: found.wanted)
        wanted = max(best.wanted, 1 if self.dial is Dial.THREADS else 0)
        return Proposal(
            {self.dial: Bid(want=min(wanted, LARGEST_BID))}, self._reason(best, len(points))
        )

    def _counted(self, points: Sequence[float]) -> list[tuple[Band, int]]:
        """How many points lie in each step; the threshold itself belongs to the side above."""
        sides = [(band, False) for band in self.above] + [(band, True) for band in self.below]
        counts = dict.fromkeys(range(len(sides)), 0)
        for point in points:
            distance = point - self.threshold
            for place, (band, mirrored) in enumerate(sides):
                if band.holds(distance, mirrored=mirrored):
                    counts[place] += 1
                    break
        return [(band, counts[place]) for place, (band, _) in enumerate(sides)]

    def _change(self, band: Band, seen: Observation) -> tuple[int, int]:
        """The number to start from and the number to go to, with recent changes counted."""
        current = seen.envelope[self.dial]
        recent = [
            number
            for change in seen.changes
            if seen.at - self.cooldown_s < change.at <= seen.at
            for number in (change.before[self.dial], change.after[self.dial])
        ]
        if self.adjust == "exact" or band.change == 0:
            start = current
        else:
            start = min([current, *recent]) if band.change > 0 else max([current, *recent])
        made = adjusted(start, band.change, self.adjust, self.min_change, self.rounding)
        if self.adjust == "exact" or band.change == 0:
            return start, made
        return start, max(current, made) if band.change > 0 else min(current, made)

    def _quiet(self, points: Sequence[float]) -> Reason:
        return because(
            Code.STEP_NOT_REACHED,
            "{signal} of {newest:g} reaches no step with {points} of {looked} points",
            signal=self.signal,
            newest=points[-1],
            points=self.points,
            looked=len(points),
        )

    def _reason(self, found: _Reached, looked: int) -> Reason:
        change = {"number": "{:+g}", "percent": "{:+g}%", "exact": "exactly {:g}"}[self.adjust]
        low, high = ("" if end is None else f"{self.threshold + end:g}" for end in found.band[:2])
        return because(
            Code.STEP_REACHED,
            "{inside} of {looked} points of {signal} within {bounds} call for {change} "
            "on {start}: {dial:dial} {wanted}",
            inside=found.inside,
            looked=looked,
            signal=self.signal,
            bounds=f"{low}..{high}",
            change=change.format(found.band.change),
            start=found.start,
            dial=self.dial.value,
            wanted=found.wanted,
        )


@dataclass(frozen=True, slots=True)
class _Reached:
    band: Band
    inside: int
    start: int
    wanted: int
