"""A decision told to an operator: one line, or a short paragraph. Pure; run only when read.

The terminal, the page, the API, the log and the journal print what is made here, so that nobody
reads two stories of one decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from autoscaler.core.controls import told as control_told
from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.core.moves import Move, because_of, cap_of, ceiling_of, free_at, moves_of
from autoscaler.core.observation import Missing, Signal
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.core.reason import Code
from autoscaler.core.words import absent, clock, counted, dial, listed, sentence, span
from autoscaler.core.words import envelope as envelope_said

if TYPE_CHECKING:
    from autoscaler.core.decision import Decision

# More signals than these are counted and not told.
MOST_SIGNALS = 8

NOT_DONE: Mapping[str, str] = {
    "recommended": "recommended, not written",
    "deferred": "waits",
    "held": "held back",
    "refused": "refused",
    "failed": "failed",
}

AFTER: Mapping[str, str] = {
    "applied": "Written and read back",
    "recommended": "Recommended and not written",
    "deferred": "Not written yet",
    "held": "Not written",
    "refused": "Refused",
    "failed": "Failed",
    "unchanged": "Nothing to write",
}


def headline(decision: Decision) -> str:
    """What happened and why, in one line."""
    plan, outcome, at = decision.plan, decision.outcome, decision.at
    kind = outcome.kind.value
    why = because_of(outcome.reason, at)
    if plan.hold is not None:
        return f"held: {because_of(plan.hold.reason, at)}"
    moves = [move for move in moves_of(plan) if move.after != move.before]
    if not moves and kind in {"refused", "failed"}:
        return f"{kind}: {why}"
    if not moves or kind == "unchanged":
        return _still(plan, at) or f"no change: {why}"
    if kind == "applied":
        note = f"; {why}" if outcome.reason.code is not Code.AS_PLANNED else ""
        return _because(moves, at) + note
    if kind == "recommended":
        return _because(moves, at, f" {NOT_DONE[kind]}")
    return f"{', '.join(map(str, moves))} {NOT_DONE[kind]}: {why}"


def told(decision: Decision) -> str:
    """A short paragraph: what was seen, wanted, held back, done, and what happens next."""
    parts = [_seen(decision), *_wanted(decision), *_shaped(decision), _done(decision)]
    return " ".join(sentence(part) for part in (*parts, *_next(decision)) if part)


# --- one line ------------------------------------------------------------------------------


def _because(moves: list[Move], at: float, verb: str = "") -> str:
    """The moves, those with the same cause together."""
    causes: dict[str, list[Move]] = {}
    for move in moves:
        reason = move.driver()
        why = because_of(reason, at) if reason is not None else ""
        causes.setdefault(why, []).append(move)
    return "; ".join(_one_cause(why, group, at, verb) for why, group in causes.items())


def _one_cause(why: str, moves: list[Move], at: float, verb: str) -> str:
    several = len(moves) > 1
    bounds = [
        f"{dial(move.dial.value)} {bound}" if several else bound
        for move in moves
        for bound in move.bounds(at)
    ]
    said = "; ".join(part for part in (why, *bounds) if part)
    return f"{', '.join(map(str, moves))}{verb}" + (f": {said}" if said else "")


def _still(plan: Plan, at: float) -> str:
    """Why a dial that somebody wanted to move stays; empty when nobody did."""
    for move in moves_of(plan):
        if move.limiting is not None and move.wanted != move.before:
            wish = _wished(move)
            why = because_of(move.limiting.reason, at)
            return f"{_stays(move.dial)} at {move.after}{wish}: {why}"
        cap = cap_of(plan, move.dial)
        if move.demand and cap and move.demand.number > move.after >= cap.number:
            wish = f" ({move.demand.number} wanted by {move.demand.policy})"
            return f"{_stays(move.dial)} at {move.after}{wish}: held by {ceiling_of(cap, at)}"
    return ""


def _stays(which: Dial) -> str:
    return "threads stay" if which is Dial.THREADS else f"{dial(which.value)} stays"


def _wished(move: Move) -> str:
    by = move.drafted.by if move.drafted is not None else ""
    whose = f" by {by}" if by and by != "merge" else ""
    return f" ({move.wanted} wanted{whose})"


# --- the paragraph ---------------------------------------------------------------------------


def _seen(decision: Decision) -> str:
    seen, at = decision.seen, decision.at
    if decision.plan.hold is not None and decision.plan.hold.by == "reading":
        return f"At {_moment(at)} nothing of the deployment was known yet"
    read = span(at - seen.envelope_at)
    ready = seen.health.state if seen.health.is_ready else f"{seen.health.state}, not ready"
    first = (
        f"At {_moment(at)} the deployment was {ready}, {envelope_said(seen.envelope)}, "
        f"read {read} before"
    )
    names = sorted(seen.signals)
    signals = [_signal(name, seen.signals[name], at) for name in names[:MOST_SIGNALS]]
    more = len(names) - MOST_SIGNALS
    if more > 0:
        signals.append(counted(more, "more signal"))
    return f"{first}; {listed(signals)}" if signals else first


def _signal(name: str, signal: Signal, at: float) -> str:
    if isinstance(signal, Missing):
        since = f", {span(at - signal.since)} since the last sample" if signal.since else ""
        detail = f" ({signal.detail})" if signal.detail else ""
        return f"{name} {absent(signal.why.value)}{detail}{since}"
    if signal.last_at > at:
        return f"{name} up to {max(signal.values):.4g} until {span(signal.last_at - at)} ahead"
    partial = "" if signal.complete else " and may be partial"
    return f"{name} was {signal.last:.4g}, {span(at - signal.last_at)} old{partial}"


def _wanted(decision: Decision) -> Iterator[str]:
    at = decision.at
    for vote in decision.plan.votes:
        why = because_of(vote.answer.reason, at)
        shadow = " (on trial, does not count)" if vote.shadow else ""
        if not isinstance(vote.answer, Proposal):
            yield f"policy {vote.policy}{shadow} could not judge: {why}"
            continue
        bids = vote.answer.bids
        asked = [f"{dial(e.value)} {_asked(bids[e])}" for e in DIALS if e in bids]
        does = f"wants {listed(asked)}" if asked else "has no opinion"
        yield f"policy {vote.policy}{shadow} {does}: {why}"


def _asked(bid: Bid) -> str:
    return str(bid).removeprefix("want ")


def _shaped(decision: Decision) -> Iterator[str]:
    """What became of the policies' wish, and the operators' words that stand."""
    at, plan = decision.at, decision.plan
    if plan.hold is not None:
        would = _change(plan.before, plan.wanted)
        yield f"Everything is held: {because_of(plan.hold.reason, at)}"
        if would:
            yield f"without that it would be {would}"
    else:
        for move in moves_of(plan):
            for bound in move.bounds(at):
                verb = "are" if move.dial is Dial.THREADS else "is"
                yield f"the {dial(move.dial.value)} {verb} {bound}"
    for word in decision.seen.overrides:
        if word.active(at):
            ends = (
                "without end" if word.expires_at is None else f"until {clock(word.expires_at, at)}"
            )
            yield f"in force: {control_told(word)} by {word.author} ({word.why}), {ends}"


def _done(decision: Decision) -> str:
    plan, outcome = decision.plan, decision.outcome
    change = _change(plan.before, plan.after)
    if not change or plan.hold is not None:
        return f"{envelope_said(plan.before)} stay as they are"
    why = because_of(outcome.reason, decision.at)
    took = f" in {outcome.took_s:.2f} s" if outcome.took_s is not None else ""
    answer = f" (HTTP {outcome.status}{took})" if outcome.status is not None else ""
    said = f"{AFTER[outcome.kind.value]}: {change}{answer}"
    return said if outcome.reason.code is Code.AS_PLANNED else f"{said}; {why}"


def _next(decision: Decision) -> Iterator[str]:
    """What happens next, as far as it is known."""
    plan, outcome, at = decision.plan, decision.outcome, decision.at
    if outcome.kind.value == "failed":
        yield "whether it went through is told by the next reading"
    elif outcome.kind.value == "deferred":
        yield "the next tick looks again"
    for move in moves_of(plan):
        step = move.limiting
        if step is None or plan.hold is not None or move.after == move.wanted:
            continue
        moment = free_at(step.reason, at)
        if moment is not None:
            way = "lowered" if move.wanted < move.after else "raised"
            yield f"the {dial(move.dial.value)} may be {way} from {moment} on"
    held = plan.hold and free_at(plan.hold.reason, at)
    if held:
        yield f"it may move from {held} on"


def _change(before: Envelope, after: Envelope) -> str:
    return listed(
        f"{dial(each.value)} {before[each]} -> {after[each]}"
        for each in DIALS
        if before[each] != after[each]
    )


def _moment(at: float) -> str:
    return clock(at, at)
