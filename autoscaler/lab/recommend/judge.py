"""From past demand to an envelope: the cheapest one that keeps within the budget of misses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Limits, NativeScaling, Resources
from autoscaler.lab.backtest import Actuator, World, demand_of
from autoscaler.lab.fromconfig import calibrated
from autoscaler.lab.history import Demand, Unanswered
from autoscaler.lab.recommend.native import advice
from autoscaler.lab.recommend.replay import Replayed, replayed, standing

# Below a day there is not one night in the data, and nothing is said.
SHORTEST_DAYS = 1.0
GOOD_DAYS, FULL_DAYS = 5.0, 12.0
FEW_GAPS, MANY_GAPS = 0.01, 0.1
MOST_REPLICAS = 10_000


class Confidence(StrEnum):
    """How much the past may be believed to come again."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Case:
    """One deployment to judge. `current` None: the platform did not tell."""

    name: str
    demand: Demand
    threads: int = 32
    current: Envelope | None = None
    limits: Limits = field(default_factory=Limits)
    native: NativeScaling = NativeScaling()
    resources: Resources = Resources()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """`budget` is the share of requests that may find no room; seconds for the rest.

    `daemon`: also replay the forecast policy, which moves the envelope, at `interval_s`.
    """

    budget: float = 0.01
    cold_start_s: float = 120.0
    interval_s: float = 30.0
    daemon: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A recommendation. `now`, `then` and `daemon` are replays of the same stretch of days.

    `then` is the recommended way, chosen on the earlier half of the data and replayed on the
    later one, so that it is not praised for what it was fitted to.
    """

    case: Case
    envelope: Envelope
    within_budget: bool
    now: Replayed | None
    then: Replayed
    daemon: Replayed | None
    confidence: Confidence
    advice: tuple[str, ...]


def judge(case: Case, terms: Terms) -> Judged | Unanswered:
    """The recommendation for one deployment, or why there is none."""
    if case.demand.days < SHORTEST_DAYS:
        hours = case.demand.days * 24
        return Unanswered(f"{hours:.1f} h of data, at least a day is needed")
    scale = case.demand.scale(case.threads)
    if isinstance(scale, Unanswered):
        return scale
    load = demand_of(case.demand.trace, scale).tolist()
    half = len(load) // 2
    fitted, _ = cheapest(load[:half], case, terms)
    envelope, within = cheapest(load, case, terms)
    now = _stand(load[half:], case.current, case, terms) if case.current else None
    return Judged(
        case=case,
        envelope=envelope,
        within_budget=within,
        now=now,
        then=standing(load[half:], fitted, case.native, terms.cold_start_s),
        daemon=_daemon(load, half, envelope, case, terms) if terms.daemon else None,
        confidence=confidence(case.demand),
        advice=advice(load[half:], case.current, envelope, case.native, terms),
    )


def cheapest(load: Sequence[float], case: Case, terms: Terms) -> tuple[Envelope, bool]:
    """The cheapest floor that keeps within the budget, and whether there is one.

    Halving finds a safe floor with an unsafe one below it; the next ones above are tried too,
    because a floor that stops the platform's scaler from flapping costs less than a lower one.
    The ceiling leaves the platform's own scaler room for the highest load seen.
    """
    top = case.limits.max_replicas.high or MOST_REPLICAS
    peak = max(1, math.ceil(max(load) / case.native.up_threshold))
    ceiling = case.limits.max_replicas.clamp(min(peak, top))
    low = max(1, case.limits.min_replicas.low)
    most = max(low, min(ceiling, case.limits.min_replicas.high or ceiling))
    tried: dict[int, Replayed] = {}

    def safe(floor: int) -> bool:
        if floor not in tried:
            tried[floor] = _stand(load, _envelope(floor, ceiling, case), case, terms)
        return tried[floor].violations <= terms.budget

    if not safe(most):
        return _envelope(most, ceiling, case), False
    high = most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if safe(middle) else (middle + 1, high)
    near = [each for each in range(high, min(high + NEAR, most) + 1) if safe(each)]
    best = min(near, key=lambda each: (tried[each].replica_s, each))
    return _envelope(best, ceiling, case), True


# So many floors above the lowest safe one are tried for being cheaper.
NEAR = 2


def _envelope(floor: int, ceiling: int, case: Case) -> Envelope:
    return Envelope(floor, max(floor, ceiling), case.threads)


def confidence(demand: Demand) -> Confidence:
    """By the span of the data and its gaps: two weeks hold each weekday twice."""
    if demand.days >= FULL_DAYS and demand.gap_share <= FEW_GAPS:
        return Confidence.HIGH
    if demand.days >= GOOD_DAYS and demand.gap_share <= MANY_GAPS:
        return Confidence.MEDIUM
    return Confidence.LOW


def _stand(load: Sequence[float], envelope: Envelope, case: Case, terms: Terms) -> Replayed:
    return standing(load, envelope, case.native, terms.cold_start_s)


def _daemon(
    load: Sequence[float], half: int, envelope: Envelope, case: Case, terms: Terms
) -> Replayed:
    """The forecast policy over the later half, free to move within the limits."""
    top = case.limits.max_replicas.high or MOST_REPLICAS
    world = World(
        cold_start_s=terms.cold_start_s,
        least=max(1, case.limits.min_replicas.low),
        most=max(envelope.max_replicas, min(top, 2 * envelope.max_replicas)),
        threads=case.threads,
        actuator=Actuator.ENVELOPE_EVICT,
        native=case.native,
    )
    scaler = calibrated(world, terms.interval_s).make()
    return replayed(load, scaler, world, half)
