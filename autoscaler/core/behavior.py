"""The HPA's limiter as pure functions: stabilisation windows, rate policies, clamping.

Source of the rules: kubernetes/kubernetes, pkg/controller/podautoscaler/horizontal.go (2026),
described in its documentation under "Configurable scaling behavior". Counts are replicas, times
Unix seconds or ages in seconds.

Differences on purpose:

* Percentages are computed in whole numbers: 10 replicas and 10 % are 11, where 64-bit floats
  make 10 x 1.1 = 11.000000000000002 and upstream rounds that up to 12.
* Nothing is stored here. Upstream keeps wishes and events in memory, loses them with the process
  and reuses one outdated slot per call; here they come from the journal and age decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from autoscaler.core.hpa import MOST_REPLICAS
from autoscaler.core.options import check_options, meta


class Limit(StrEnum):
    """What bounded a number, in the HPA's own words."""

    WITHIN = "DesiredWithinRange"
    TOO_FEW = "TooFewReplicas"
    TOO_MANY = "TooManyReplicas"
    RAISE_RATE = "ScaleUpLimit"
    LOWER_RATE = "ScaleDownLimit"


@dataclass(frozen=True, slots=True)
class Limited:
    """A number of replicas and what bounded it."""

    replicas: int
    by: Limit


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `value` replicas (Pods) or percent (Percent) in any `period_s` seconds."""

    type: Literal["Pods", "Percent"] = field(
        metadata=meta("Pods: replicas; Percent: of the number at the start of the period")
    )
    value: int = field(metadata=meta("replicas or percent", gt=0))
    period_s: float = field(metadata=meta("the period", unit="s", gt=0, le=1800))

    def __post_init__(self) -> None:
        check_options(self)

    def highest(self, start: int) -> int:
        """The most replicas that a period which began with `start` may end with."""
        if self.type == "Pods":
            return start + self.value
        return -(-start * (100 + self.value) // 100)

    def lowest(self, start: int) -> int:
        """The fewest replicas that a period which began with `start` may end with."""
        if self.type == "Pods":
            return start - self.value
        return max(0, start * (100 - self.value) // 100)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one direction; what is left out takes the HPA's default for it."""

    stabilization_window_s: float | None = field(
        default=None,
        metadata=meta(
            "go only as far as was wanted all this time; 0s up, 5m down when left out",
            unit="s",
            ge=0,
            le=3600,
        ),
    )
    select_policy: str = field(
        default="Max",
        metadata=meta(
            "the policy that counts: of the biggest change, the smallest, or none at all",
            one_of=("Max", "Min", "Disabled"),
        ),
    )
    policies: tuple[Rate, ...] = field(
        default=(), metadata=meta("the rates; the HPA's own when left out")
    )

    def __post_init__(self) -> None:
        check_options(self)


# The HPA's defaults: 4 replicas or double, whichever is more, every 15 s; down at once.
RAISE_RATES = (Rate("Pods", 4, 15.0), Rate("Percent", 100, 15.0))
LOWER_RATES = (Rate("Percent", 100, 15.0),)
RAISE_WINDOW_S = 0.0
LOWER_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class Event:
    """A change of replicas, negative for a lowering, and how many seconds ago it was."""

    change: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Wish:
    """A number that was wanted, and how many seconds ago it was last wanted."""

    replicas: int
    age_s: float


def wanted_within(wishes: Iterable[Wish], window_s: float) -> list[int]:
    """What was wanted less than `window_s` ago, in the order given."""
    return [wish.replicas for wish in wishes if wish.age_s < window_s]


def stabilised(current: int, desired: int, ups: Iterable[int], downs: Iterable[int]) -> int:
    """The number that both windows support.

    `ups` and `downs` are the wishes of the raise window and of the lower window. The result is
    never on the other side of `current` than `desired`.
    """
    least, most = min([desired, *ups]), max([desired, *downs])
    return min(max(current, least), most)


def change_within(events: Iterable[Event], period_s: float) -> int:
    """By how much the replicas changed less than `period_s` ago, raises minus lowerings."""
    return sum(event.change for event in events if event.age_s < period_s)


def raise_limit(current: int, rules: Rules, events: Sequence[Event]) -> int:
    """The most replicas that the raise rules allow now; at least `current`."""
    if rules.select_policy == "Disabled":
        return current
    chosen = max if rules.select_policy == "Max" else min
    limit = chosen(
        rate.highest(current - change_within(events, rate.period_s))
        for rate in rules.policies or RAISE_RATES
    )
    return max(limit, current)


def lower_limit(current: int, rules: Rules, events: Sequence[Event]) -> int:
    """The fewest replicas that the lower rules allow now; at most `current`."""
    if rules.select_policy == "Disabled":
        return current
    chosen = min if rules.select_policy == "Max" else max
    limit = chosen(
        rate.lowest(current - change_within(events, rate.period_s))
        for rate in rules.policies or LOWER_RATES
    )
    return min(limit, current)


def limited(
    current: int, desired: int, low: int, high: int, up: Rules, down: Rules, events: Sequence[Event]
) -> Limited:
    """`desired` within the rates and within low..high; the range wins over the rates."""
    if desired > current:
        rate = raise_limit(current, up, events)
        most, by = (rate, Limit.RAISE_RATE) if rate < high else (high, Limit.TOO_MANY)
        return Limited(most, by) if desired > most else Limited(desired, Limit.WITHIN)
    if desired < current:
        rate = lower_limit(current, down, events)
        least, by = (rate, Limit.LOWER_RATE) if rate > low else (low, Limit.TOO_FEW)
        return Limited(least, by) if desired < least else Limited(desired, Limit.WITHIN)
    return Limited(desired, Limit.WITHIN)


def default_stabilised(desired: int, wishes: Iterable[Wish], window_s: float) -> int:
    """The HPA without `behavior`: the most that was wanted up to and including `window_s` ago."""
    return max([desired, *(w.replicas for w in wishes if w.age_s <= window_s)])


def default_limited(
    current: int, desired: int, low: int, high: int, factor: float = 2.0, least: int = 4
) -> Limited:
    """The HPA without `behavior`: at most max(factor x current, least), within low..high."""
    rate = min(max(int(factor * current), least), MOST_REPLICAS)
    most, by = (rate, Limit.RAISE_RATE) if rate < high else (high, Limit.TOO_MANY)
    if desired < low:
        return Limited(low, Limit.TOO_FEW)
    return Limited(most, by) if desired > most else Limited(desired, Limit.WITHIN)
