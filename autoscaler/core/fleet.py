"""Many plans and a short budget: which go ahead this tick, most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan that would like to be written. A higher `priority` goes first among equals."""

    deployment: str
    plan: Plan
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A candidate that must wait, and why. It is thought through again next tick."""

    candidate: Candidate
    reason: Reason


@dataclass(frozen=True, slots=True)
class Fit:
    """Who goes ahead, in the order of writing, and who waits."""

    go: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]


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


def urgency(plan: Plan) -> float:
    """How much more guaranteed capacity the plan asks for, as a share of what there is.

    1.0 doubles it; negative for a lowering. From zero capacity, each request counts whole.
    """
    before = plan.before.floor_capacity
    return (plan.after.floor_capacity - before) / max(1, before)


def fit(candidates: Sequence[Candidate], writes: int) -> Fit:
    """Let at most `writes` plans go ahead: raises before lowerings, the most urgent first."""
    ordered = sorted(
        candidates,
        key=lambda c: (not raises(c.plan), -c.priority, -urgency(c.plan), c.deployment),
    )
    reason = because(
        Code.BUDGET_SHORT,
        "waits for its turn: {writes} writes fit into this tick, {asked} were asked for",
        writes=writes,
        asked=len(ordered),
    )
    return Fit(tuple(ordered[:writes]), tuple(Waiting(late, reason) for late in ordered[writes:]))
