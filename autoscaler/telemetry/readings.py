"""What each per-deployment metric reads out of a decision. Pure; None means no series."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from autoscaler.core.cost import Unpriced, replica_rate
from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.core.observation import Control, Missing, Override
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Abstain, Bid, Proposal
from autoscaler.core.reason import Code
from autoscaler.telemetry.catalogue import GUARDS, MODES, OTHER, READING, STATES

Number = float | int
One = Callable[[Decision], Number | None]
Many = Callable[[Decision], Iterable[tuple[str, Number]]]
Set = tuple[tuple[str, ...], Callable[[Decision], frozenset[str]]]

_GUARDS = frozenset(GUARDS)
NONE: frozenset[str] = frozenset()


def limiting(plan: Plan) -> frozenset[str]:
    """The guards that shaped or held a plan, by their names in the closed list."""
    names = plan.shaped_by
    return frozenset(name if name in _GUARDS else OTHER for name in names) if names else NONE


def unread(decision: Decision) -> bool:
    """Whether the platform has never told: the envelope and the health are only stand-ins."""
    hold = decision.plan.hold
    return hold is not None and hold.by == READING


def current(decision: Decision) -> Envelope:
    """What the platform reported last: at the end of a write, or else before it."""
    return decision.outcome.actual or decision.seen.envelope


def applied(decision: Decision) -> tuple[Envelope, float] | None:
    """The last change made from here and its Unix time; None before the first."""
    if decision.outcome.kind is Kind.APPLIED:
        return decision.outcome.actual or decision.plan.after, decision.at
    for change in reversed(decision.seen.changes):
        if not change.foreign:
            return change.after, change.at
    return None


def _applied_dial(dial: Dial) -> One:
    def read(decision: Decision) -> Number | None:
        last = applied(decision)
        return last and last[0][dial]

    return read


def _applied_at(decision: Decision) -> Number | None:
    last = applied(decision)
    return last and last[1]


def _foreign_at(decision: Decision) -> Number | None:
    return next((c.at for c in reversed(decision.seen.changes) if c.foreign), None)


def active(decision: Decision) -> tuple[Override, ...]:
    """The operator's words that hold now."""
    return tuple(word for word in decision.seen.overrides if word.active(decision.at))


def _paused(decision: Decision) -> int:
    return _said(decision, Control.PAUSE)


def _braked(decision: Decision) -> int:
    return _said(decision, Control.BRAKE)


def _overridden(decision: Decision) -> int:
    return _said(decision, Control.PIN, Control.FLOOR, Control.MODE)


def _said(decision: Decision, *controls: Control) -> int:
    if not decision.seen.overrides:
        return 0
    return int(any(word.control in controls for word in active(decision)))


def _expiry(decision: Decision) -> Number | None:
    ends = [
        math.inf if word.expires_at is None else word.expires_at
        for word in (active(decision) if decision.seen.overrides else ())
    ]
    return max(ends, default=None)


def _next_expiry(decision: Decision) -> Number | None:
    words = active(decision) if decision.seen.overrides else ()
    return min((word.expires_at for word in words if word.expires_at is not None), default=None)


def _short(decision: Decision) -> Number | None:
    """How many replicas the most demanding policy's floor lies above the ceiling in force."""
    if unread(decision):
        return None
    most = 0
    for vote in decision.plan.votes:
        if isinstance(vote.answer, Proposal) and not vote.shadow:
            bid = vote.answer.bids.get(Dial.MIN_REPLICAS)
            if bid is not None:
                most = max(most, bid.want or 0, bid.at_least or 0)
    return max(0, most - current(decision).max_replicas)


def replica_cost(decision: Decision) -> Number | None:
    """Compute-seconds per second of one replica; None without a known rate."""
    rate = replica_rate(decision.seen.resources)
    return None if unread(decision) or isinstance(rate, Unpriced) else rate


# A tuple: asked 40,000 times per scrape, and the hash of an enumeration's value is not built in.
SPENDING = (Code.SPEND_WITHIN_BUDGET, Code.SPEND_PACED, Code.SPEND_EXHAUSTED)
_Facts = Mapping[str, float | int | str]


def _budget(decision: Decision) -> _Facts | None:
    """The facts of the budget that has the least left of it, by the policies that keep one."""
    found = [
        dict(vote.answer.reason.facts)
        for vote in decision.plan.votes
        if vote.answer.reason.code in SPENDING and not vote.shadow
    ]
    if not found:
        return None
    shares = [(_fact(facts, "spent") or 0.0) / (_fact(facts, "budget") or 1.0) for facts in found]
    return max(zip(shares, found, strict=True), key=lambda pair: pair[0])[1]


def _fact(facts: _Facts, name: str) -> Number | None:
    value = facts.get(name)
    return None if isinstance(value, str) else value


def _of_budget(name: str) -> One:
    def read(decision: Decision) -> Number | None:
        facts = _budget(decision)
        return None if facts is None else _fact(facts, name)

    return read


def _lasts_until(decision: Decision) -> Number | None:
    facts = _budget(decision)
    if facts is None:
        return None
    until = _fact(facts, "lasts_until")
    return math.inf if until is None else until


def _missing_signals(decision: Decision) -> int:
    return sum(isinstance(signal, Missing) for signal in decision.seen.signals.values())


def _dials(read: Callable[[Decision], Envelope], name: str) -> dict[str, One]:
    def one(dial: Dial) -> One:
        return lambda decision: None if unread(decision) else read(decision)[dial]

    return {f"deployment_{name}_{dial.value}": one(dial) for dial in DIALS}


ONES: Mapping[str, One] = MappingProxyType(
    {
        **_dials(current, "current"),
        **_dials(lambda decision: decision.plan.after, "desired"),
        **_dials(lambda decision: decision.plan.wanted, "wanted"),
        **{f"deployment_applied_{dial.value}": _applied_dial(dial) for dial in DIALS},
        "deployment_limit_min_replicas": lambda d: d.seen.limits.min_replicas.low,
        "deployment_limit_max_replicas": lambda d: d.seen.limits.max_replicas.high,
        "deployment_thread_ceiling": lambda d: d.seen.learned.thread_ceiling,
        "deployment_carried_low_requests": lambda d: d.seen.learned.capacity.low,
        "deployment_carried_high_requests": lambda d: d.seen.learned.capacity.high,
        "deployment_carried_sights": lambda d: d.seen.learned.capacity.count or None,
        "deployment_startup_seconds": lambda d: d.seen.learned.startup_s,
        "deployment_short_replicas": _short,
        "deployment_replica_compute_seconds_per_second": replica_cost,
        "deployment_budget_compute_seconds": _of_budget("budget"),
        "deployment_budget_spent_compute_seconds": _of_budget("spent"),
        "deployment_budget_lasts_until_timestamp_seconds": _lasts_until,
        "deployment_budget_ends_timestamp_seconds": _of_budget("ends_at"),
        "deployment_ready": lambda d: None if unread(d) else int(d.seen.health.is_ready),
        "deployment_paused": _paused,
        "deployment_braked": _braked,
        "deployment_overridden": _overridden,
        "deployment_override_expiry_timestamp_seconds": _expiry,
        "deployment_override_next_expiry_timestamp_seconds": _next_expiry,
        "deployment_signals_missing": _missing_signals,
        "deployment_last_evaluation_timestamp_seconds": lambda d: d.at,
        "deployment_last_reading_timestamp_seconds": (
            lambda d: None if unread(d) else d.seen.envelope_at
        ),
        "deployment_last_change_timestamp_seconds": _applied_at,
        "deployment_last_foreign_change_timestamp_seconds": _foreign_at,
    }
)


def _signal_values(decision: Decision) -> Iterable[tuple[str, Number]]:
    for name, signal in decision.seen.signals.items():
        if not isinstance(signal, Missing):
            yield name, signal.last


def _signal_times(decision: Decision) -> Iterable[tuple[str, Number]]:
    for name, signal in decision.seen.signals.items():
        at = signal.since if isinstance(signal, Missing) else signal.last_at
        if at is not None:
            yield name, at


def _signals_missing(decision: Decision) -> Iterable[tuple[str, Number]]:
    for name, signal in decision.seen.signals.items():
        yield name, int(isinstance(signal, Missing))


def _abstains(decision: Decision) -> Iterable[tuple[str, Number]]:
    for vote in decision.plan.votes:
        yield vote.policy, int(isinstance(vote.answer, Abstain))


def _bids(part: Callable[[Bid], int | None], name: str) -> dict[str, Many]:
    def one(dial: Dial) -> Many:
        def read(decision: Decision) -> Iterable[tuple[str, Number]]:
            for vote in decision.plan.votes:
                if isinstance(vote.answer, Proposal) and dial in vote.answer.bids:
                    number = part(vote.answer.bids[dial])
                    if number is not None:
                        yield vote.policy, number

        return read

    return {f"deployment_policy_{name}_{dial.value}": one(dial) for dial in DIALS}


# Metrics with one series per name that the configuration gives.
MANIES: Mapping[str, Many] = MappingProxyType(
    {
        "deployment_signal_value": _signal_values,
        "deployment_signal_timestamp_seconds": _signal_times,
        "deployment_signal_missing": _signals_missing,
        "deployment_policy_abstains": _abstains,
        **_bids(lambda bid: bid.want, "wanted"),
        **_bids(lambda bid: bid.at_least, "floor"),
        **_bids(lambda bid: bid.at_most, "ceiling"),
    }
)


def _state(decision: Decision) -> frozenset[str]:
    if unread(decision):
        return NONE
    state = decision.seen.health.state.lower()
    return frozenset({state if state in STATES else OTHER})


# Metrics with one series per value of a closed list: the list, and which of it holds.
SETS: Mapping[str, tuple[tuple[str, ...], Callable[[Decision], frozenset[str]]]] = MappingProxyType(
    {
        "deployment_state": (STATES, _state),
        "deployment_mode": (MODES, lambda d: frozenset({d.mode.value})),
        "deployment_limited_by": (GUARDS, lambda d: limiting(d.plan)),
    }
)
