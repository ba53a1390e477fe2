"""One honest sentence or three about a comparison: what changes, what it costs, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.core.words import counted

CURRENT, CHANGED, PLATFORM = "current", "changed", "platform"
# Below these differences nobody could tell the sets apart on other days.
SAME_SHARE, SAME_COST = 0.0005, 0.01
FEW_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class By:
    """Measures by set, each day's share of requests without room by set, and days that count."""

    measures: Mapping[str, Mapping[str, float]]
    daily: Mapping[str, Sequence[tuple[float, float]]]
    days: float


def verdict(found: By) -> str:
    """What to think of the changed policies."""
    now, then = found.measures.get(CURRENT), found.measures.get(CHANGED)
    if then is None:
        return "The changed policies could not be tried: none of them reads the demand alone."
    parts = [_against(now, then) if now else _alone(then)]
    parts += _how_sure(found) if now else []
    alone = found.measures.get(PLATFORM)
    if alone is not None:
        room, hours = alone["violations"], alone["replica_hours"]
        parts.append(
            f"The platform alone would have left {room:.2%} without room for {hours:,.0f} "
            "replica-hours."
        )
    return " ".join(parts)


def _alone(then: Mapping[str, float]) -> str:
    return (
        f"The changed policies would have left {then['violations']:.2%} of the requests without "
        f"room for {then['replica_hours']:,.0f} replica-hours; the present ones cannot be tried."
    )


def _against(now: Mapping[str, float], then: Mapping[str, float]) -> str:
    short, before = then["violations"], now["violations"]
    hours, hours_before = then["replica_hours"], now["replica_hours"]
    more = hours / hours_before - 1 if hours_before else 0.0
    same_room, same_cost = abs(short - before) < SAME_SHARE, abs(more) < SAME_COST
    if same_room and same_cost:
        return (
            f"No difference that counts: {short:.2%} of the requests without room and "
            f"{hours:,.0f} replica-hours, as at present."
        )
    room = (
        f"leave {short:.2%} of the requests without room, as at present"
        if same_room
        else f"leave {short:.2%} of the requests without room instead of {before:.2%}"
    )
    cost = (
        "for the same replica-hours"
        if same_cost
        else f"for {abs(more):.0%} {'more' if more > 0 else 'fewer'} replica-hours "
        f"({hours:,.0f} instead of {hours_before:,.0f})"
    )
    return f"{_judged(short - before, more, same_room, same_cost)}: the changed policies {room} {cost}."  # noqa: E501 - one sentence


def _judged(room: float, cost: float, same_room: bool, same_cost: bool) -> str:  # noqa: FBT001 - what was found above
    safer, cheaper = room < 0 and not same_room, cost < 0 and not same_cost
    riskier, dearer = room > 0 and not same_room, cost > 0 and not same_cost
    if (safer or cheaper) and not (riskier or dearer):
        return "Better"
    if (riskier or dearer) and not (safer or cheaper):
        return "Worse"
    return "A trade of risk for cost" if riskier else "A trade of cost for risk"


def _how_sure(found: By) -> list[str]:
    """On how many days it was so, and whether that is enough to say anything."""
    now, then = found.daily.get(CURRENT, ()), found.daily.get(CHANGED, ())
    pairs = [(a[0], b[0]) for a, b in zip(now, then, strict=False) if a[1] > 0]
    better = sum(b < a - SAME_SHARE for a, b in pairs)
    worse = sum(b > a + SAME_SHARE for a, b in pairs)
    parts = []
    if better or worse:
        parts.append(
            f"Fewer requests were without room on {better} of {counted(len(pairs), 'day')}, "
            f"more on {worse}."
        )
    if found.days < FEW_DAYS:
        parts.append(
            f"Only {counted(round(found.days, 1), 'day')} of load count here, which is too little "
            "to trust: take it as a hint."
        )
    elif better and worse:
        parts.append("The days disagree, so other days may turn out the other way.")
    return parts
