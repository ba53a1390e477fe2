"""What was learnt of a deployment, told in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.core.observation import Alone, Capacity, ChosenRisk, Learned


def told_learned(learned: Learned) -> list[str]:
    """A sentence for each thing that was learnt; none when nothing was."""
    return list(_sentences(learned))


def _sentences(learned: Learned) -> Iterator[str]:
    if learned.thread_ceiling is not None:
        yield f"the platform takes at most {learned.thread_ceiling} threads"
    if learned.startup_s is not None:
        seen = f" ({len(learned.startups)} seen)" if learned.startups else ""
        yield f"a start takes up to {learned.startup_s:.0f} s{seen}"
    if learned.capacity.count:
        yield _carried(learned.capacity)
    yield from map(_risk, learned.chosen)


def _carried(capacity: Capacity) -> str:
    low, high = capacity.low or 0.0, capacity.high or 0.0
    span = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return (
        f"one replica carries {span} requests of {capacity.threads} threads "
        f"(seen {capacity.count} times under a queue)"
    )


def _risk(risk: ChosenRisk) -> str:
    verdict = "" if risk.met else f": no risk kept {risk.slo:.2%}, this is the least"
    share = f"an SLO of {risk.slo:.2%}"
    aim = f"{share}, {risk.of_platform:.0%} of the platform's own" if risk.of_platform else share
    with_it = "" if risk.replicas is None else f" with {risk.replicas:.1f} replicas"
    return (
        f"{risk.forecast} is made at tau {risk.tau:g} for {aim}; "
        f"a replay of {risk.hours:.0f} h found {risk.expected:.2%} without room{with_it}"
        f"{_instead(risk.alone)}{verdict}"
    )


def _instead(alone: Alone | None) -> str:
    if alone is None:
        return ""
    return (
        f", the platform's own scaler alone {alone.expected:.2%} with {alone.replicas:.1f} replicas"
    )
