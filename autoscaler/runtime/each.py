"""What a tick does with one deployment: look, think, learn from what came of it."""

from __future__ import annotations

from dataclasses import replace

import structlog

from autoscaler.core.decide import Ask, decide
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.fleet import Candidate
from autoscaler.core.observation import Absence, Change, Missing, Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because
from autoscaler.ports import Intent
from autoscaler.roster import FORECAST_SIGNALS
from autoscaler.runtime.observe import Answers, take
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.shared import rate_of

log = structlog.get_logger(__name__)

# Kinds that are always worth a journal row.
ACTED = frozenset({Kind.APPLIED, Kind.REFUSED, Kind.FAILED})

PENDING = Outcome(Kind.DEFERRED, because(Code.PACING, "it is about to be written"))
DANGLING = Outcome(
    Kind.DEFERRED,
    because(Code.OUTCOME_UNKNOWN, "an earlier write has no known end; it is being looked up"),
)
OVERTAKEN = Outcome(
    Kind.DEFERRED,
    because(Code.OUTCOME_UNKNOWN, "an earlier write has arrived after all; this one knew it not"),
)
UNRECORDED = Outcome(
    Kind.DEFERRED,
    because(Code.JOURNAL_UNAVAILABLE, "the journal cannot record it, so it is not written"),
)


def look(seat: Seat, answers: Answers, at: float) -> None:
    """Take the samples and forecast from them; a bug costs this deployment's signals alone."""
    try:
        take(seat, answers, at)
        if seat.foresight is not None:
            seat.foresight.observe(at, seat.signals, seat.learned.startup_s)
        seat.watch_capacity(at)
    except Exception as bug:
        log.exception("a bug while observing", deployment=seat.managed.name)
        lost = Missing(Absence.SOURCE_FAILED, f"a bug: {type(bug).__name__}")
        ahead = (name + more for name in seat.managed.forecasts for more in FORECAST_SIGNALS)
        seat.signals |= dict.fromkeys((*seat.managed.signals, *ahead), lost)


def thought(seat: Seat, seen: Observation, ask: Ask) -> Plan:
    """The plan for one deployment; a bug in a guard holds this one and no other."""
    try:
        return decide(seen, seat.managed.policies, seat.managed.guards, ask)
    except Exception as bug:
        log.exception("a bug while deciding", deployment=seat.managed.name)
        plan = Plan(seen.envelope, seen.envelope, seen.envelope)
        return plan.held("decide", bug_of(bug).reason)


def bug_of(bug: Exception) -> Outcome:
    """The outcome for a bug of the daemon itself."""
    reason = because(
        Code.INTERNAL_ERROR,
        "a bug of the daemon ({error}); its log has more",
        error=type(bug).__name__,
    )
    return Outcome(Kind.FAILED, reason)


def learn(seat: Seat, decision: Decision, outcome: Outcome, at: float) -> Outcome:
    """Take over what a write tells of the platform; the outcome, put right where it was mistaken.

    What the platform's side takes for somebody else's change may be an own earlier write.
    """
    plan = decision.plan
    if outcome.kind is Kind.APPLIED:
        actual = outcome.actual or plan.after
        seat.changed(Change(at, plan.before, actual))
        seat.live, seat.read_at, seat.unsure = replace(seat.live, envelope=actual), at, None
        if actual.min_replicas > plan.before.min_replicas:
            seat.startup.raised(at)
        return outcome
    change = None if outcome.actual is None else seat.found(outcome.actual, at)
    if change is not None and not change.foreign and outcome.reason.code is Code.DRIFTED:
        return OVERTAKEN
    if outcome.is_unclear:
        # It may still arrive: a request outlives the patience of its sender.
        most = outcome.thread_ceiling or plan.after.threads
        sent = replace(plan.after, threads=min(plan.after.threads, most))
        seat.unsure = Intent(
            decision.id, decision.at, decision.deployment, decision.rid, plan.before, sent
        )
    return outcome


def candidate(seat: Seat, decision: Decision) -> Candidate:
    """A plan that is to be written, as the fleet weighs it."""
    return Candidate(decision.deployment, decision.plan, seat.managed.priority, rate_of(seat))


def is_news(seat: Seat, decision: Decision) -> bool:
    """Whether a decision differs from the deployment's last kept one, or did something."""
    seat.latest = decision
    outcome, plan = decision.outcome, decision.plan
    mark = (outcome.kind, outcome.reason.code, plan.before, plan.after)
    if mark == seat.kept and outcome.kind not in ACTED:
        return False
    seat.kept = mark
    return True
