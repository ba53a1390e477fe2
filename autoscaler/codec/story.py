"""A decision told in ready sentences, for the API, the page and `explain`."""

from __future__ import annotations

from typing import Any

from autoscaler.codec.learned import told_learned
from autoscaler.codec.override import told_overrides
from autoscaler.codec.writing import to_tree
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Missing, Signal
from autoscaler.core.plan import Step, Vote
from autoscaler.core.proposal import Proposal
from autoscaler.core.reason import Reason


def describe(decision: Decision) -> dict[str, Any]:
    """What was seen, said, planned and done, with every reason as a ready sentence.

    Times are Unix seconds, ages seconds.
    """
    plan, outcome, seen = decision.plan, decision.outcome, decision.seen
    return {
        "id": decision.id,
        "at": decision.at,
        "deployment": decision.deployment,
        "rid": decision.rid,
        "group": decision.group,
        "mode": decision.mode.value,
        "trace": decision.trace or None,
        "headline": decision.headline(),
        "told": decision.told(),
        "overrides": told_overrides(seen.overrides, seen.at),
        "state": seen.health.state,
        "envelope_age_s": decision.at - seen.envelope_at,
        "before": to_tree(Envelope, plan.before),
        "wanted": to_tree(Envelope, plan.wanted),
        "after": to_tree(Envelope, plan.after),
        "seen": [_signal(name, seen.signals[name], seen.at) for name in sorted(seen.signals)],
        "learned": told_learned(seen.learned),
        "votes": [_vote(vote) for vote in plan.votes],
        "trail": [_step(step) for step in plan.trail],
        "hold": plan.hold and {"by": plan.hold.by, **_reason(plan.hold.reason)},
        "outcome": {
            "kind": outcome.kind.value,
            **_reason(outcome.reason),
            "actual": outcome.actual and to_tree(Envelope, outcome.actual),
            "status": outcome.status,
            "took_s": outcome.took_s,
            "thread_ceiling": outcome.thread_ceiling,
        },
    }


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code.value, "sentence": str(reason)}


def _signal(name: str, signal: Signal, at: float) -> dict[str, Any]:
    if isinstance(signal, Missing):
        age = None if signal.since is None else at - signal.since
        why, detail = signal.why.value, signal.detail
        return {"name": name, "missing": why, "detail": detail, "value": None, "age_s": age}
    age, whole = at - signal.last_at, signal.complete
    return {"name": name, "value": signal.last, "age_s": age, "complete": whole}


def _vote(vote: Vote) -> dict[str, Any]:
    answer = vote.answer
    bids = answer.bids if isinstance(answer, Proposal) else {}
    return {
        "policy": vote.policy,
        "kind": answer.kind,
        "shadow": vote.shadow,
        "bids": {dial.value: str(bids[dial]) for dial in sorted(bids)},
        **_reason(answer.reason),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "dial": step.dial.value,
        "before": step.before,
        "after": step.after,
        "by": step.by,
        **_reason(step.reason),
        "line": str(step),
    }
