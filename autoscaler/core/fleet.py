"""Many plans and short budgets: which go ahead this tick, most urgent first; when to distrust all.

The alarm is Envoy's panic threshold turned round: when too much of a fleet looks idle or blind at
once, it is the data that is doubted and not the load. Nothing is lowered then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan that would like to be written. A higher `priority` goes first among equals.

    `rate` is what one replica costs, in compute-seconds per second, at least 0.
    """

    deployment: str
    plan: Plan
    priority: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A candidate that must wait, and why. It is thought through again in the next tick."""

    candidate: Candidate
    reason: Reason


@dataclass(frozen=True, slots=True)
class Fit:
    """Who goes ahead, in the order of writing, and who waits.

    The plan of one that goes may be smaller than it was asked for: its trail says so.
    """

    go: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left for this tick, of everything that the fleet shares; None is without end.

    `writes` is how many PUTs fit, `raise_replicas` how many guaranteed replicas may be added,
    `compute_rate` how many compute-seconds per second those may cost. What lowerings set free
    counts from the next tick on, when it is really free.
    """

    writes: int
    raise_replicas: int | None = None
    compute_rate: float | None = None


@dataclass(frozen=True, slots=True)
class FleetRails:
    """When the whole fleet stops lowering, and how fast it may be raised."""

    blind_share: float = field(
        default=0.30,
        metadata=meta("no lowering when more than this share has no data", ge=0, le=1),
    )
    drop_share: float = field(
        default=0.20,
        metadata=meta("no lowering when more than this share would be lowered at once", ge=0, le=1),
    )
    loss_share: float = field(
        default=0.15,
        metadata=meta(
            "no lowering when more than this share of all guaranteed replicas would go at once",
            ge=0,
            le=1,
        ),
    )
    smallest: int = field(
        default=10, metadata=meta("a fleet of fewer deployments raises no alarm", ge=1)
    )
    patience_s: float = field(
        default=900.0,
        metadata=meta(
            "a drop that lasts this long is believed; blindness never is", unit="s", ge=0
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)


RAILS = FleetRails()


def raises(plan: Plan) -> bool:
    """Whether any dial goes up."""
    before, after = plan.before, plan.after
    return (
        after.min_replicas > before.min_replicas
        or after.max_replicas > before.max_replicas
        or after.threads > before.threads
    )


def lowers(plan: Plan) -> bool:
    """Whether any dial goes down."""
    before, after = plan.before, plan.after
    return (
        after.min_replicas < before.min_replicas
        or after.max_replicas < before.max_replicas
        or after.threads < before.threads
    )


def added(plan: Plan) -> int:
    """Guaranteed replicas that the plan adds; 0 when it adds none. The platform starts them."""
    return max(0, plan.after.min_replicas - plan.before.min_replicas)


def blind(seen: Observation) -> bool:
    """Whether a deployment was decided without one of its signals."""
    return any(isinstance(signal, Missing) for signal in seen.signals.values())


def urgency(plan: Plan) -> float:
    """How much more guaranteed capacity the plan asks for, as a share of what there is.

    1.0 doubles it; negative for a lowering. From zero capacity, each request counts whole.
    """
    before = plan.before.floor_capacity
    return (plan.after.floor_capacity - before) / max(1, before)


def alarm(
    plans: Sequence[Plan], blind: int, rails: FleetRails = RAILS, dropping_s: float = 0.0
) -> Reason | None:
    """Why nothing in the fleet may be lowered this tick; None when all is well.

    `plans` are those of every deployment after its guards, `blind` is how many of them lack
    data. `dropping_s` is how long an alarm for a drop has lasted without a break, seconds: a
    night that falls on everybody at once is believed in the end.
    """
    size = len(plans)
    if size < rails.smallest:
        return None
    if blind > rails.blind_share * size:
        return because(
            Code.FLEET_BLIND,
            "no lowering in the fleet: {blind} of {size} deployments have no data",
            blind=blind,
            size=size,
        )
    return _drop(plans, rails) if dropping_s < rails.patience_s else None


def _drop(plans: Sequence[Plan], rails: FleetRails) -> Reason | None:
    size, down = len(plans), sum(map(lowers, plans))
    if down > rails.drop_share * size:
        return because(
            Code.FLEET_DROPPING,
            "no lowering in the fleet: {down} of {size} deployments would be lowered at once",
            down=down,
            size=size,
        )
    total = sum(plan.before.min_replicas for plan in plans)
    lost = sum(max(0, plan.before.min_replicas - plan.after.min_replicas) for plan in plans)
    if lost > rails.loss_share * total:
        return because(
            Code.FLEET_SHRINKING,
            "no lowering in the fleet: {lost} of {total} guaranteed replicas would go at once",
            lost=lost,
            total=total,
        )
    return None


def fit(candidates: Sequence[Candidate], writes: Budget | int) -> Fit:
    """Let those go ahead that fit: raises before lowerings, the most urgent first.

    `writes` alone is a budget without any other end. A raise that fits in part goes in part,
    unless it makes up for fewer threads; one that does not fit leaves its room to those behind.
    """
    left = Budget(writes) if isinstance(writes, int) else writes
    ordered = sorted(
        candidates,
        key=lambda c: (not raises(c.plan), -c.priority, -urgency(c.plan), c.deployment),
    )
    short = because(
        Code.BUDGET_SHORT,
        "it waits for its turn: {writes:count write} of {asked} fit into this tick",
        writes=left.writes,
        asked=len(ordered),
    )
    go: list[Candidate] = []
    waiting: list[Waiting] = []
    for candidate in ordered:
        granted = short if left.writes <= 0 else _granted(candidate, left)
        if isinstance(granted, Reason):
            waiting.append(Waiting(candidate, granted))
            continue
        go.append(granted)
        left = _spent(left, granted)
    return Fit(tuple(go), tuple(waiting))


def _granted(candidate: Candidate, left: Budget) -> Candidate | Reason:
    """The candidate as far as it fits, or why it does not."""
    plan = candidate.plan
    asked = added(plan)
    most, reason = _room(candidate, left)
    if asked <= most:
        return candidate
    if most == 0 or plan.after.threads < plan.before.threads:
        return reason
    smaller = replace(plan.after, min_replicas=plan.before.min_replicas + most)
    return replace(candidate, plan=plan.move(smaller, "fleet", reason))


def _room(candidate: Candidate, left: Budget) -> tuple[int, Reason]:
    """How many replicas the candidate may add, and which budget says so."""
    asked = added(candidate.plan)
    most, reason = asked, AMPLE
    if left.raise_replicas is not None and left.raise_replicas < most:
        most = max(0, left.raise_replicas)
        reason = because(
            Code.RAISE_BUDGET,
            "{asked:count more replica} asked for, {room} fit into the fleet's budget of raises",
            asked=asked,
            room=most,
        )
    if left.compute_rate is not None and candidate.rate * most > max(0.0, left.compute_rate):
        most = max(0, math.floor(left.compute_rate / candidate.rate))
        reason = because(
            Code.COMPUTE_BUDGET,
            "{asked:count more replica} asked for, {room} fit into the fleet's budget of compute",
            asked=asked,
            room=most,
        )
    return most, reason


AMPLE = because(Code.AS_PLANNED, "it fits")


def _spent(left: Budget, granted: Candidate) -> Budget:
    """What is left after a candidate went ahead."""
    replicas, rate = left.raise_replicas, left.compute_rate
    if replicas is not None:
        replicas -= added(granted.plan)
    if rate is not None:
        rate -= added(granted.plan) * granted.rate
    return Budget(left.writes - 1, replicas, rate)
