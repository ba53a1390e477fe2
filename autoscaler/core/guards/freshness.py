"""Guard `freshness`: no lowering unless every input is there, fresh and complete."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.observation import Missing, Observation, Signal
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import BROKEN, Abstain
from autoscaler.core.reason import Code, Reason, because

# An abstention for any other reason is an opinion of its own ("not now"), not a gap in the data.
BLIND = BROKEN | {
    Code.SIGNAL_MISSING,
    Code.SIGNAL_STALE,
    Code.SIGNAL_TOO_SHORT,
    Code.NOT_COMPUTABLE,
    Code.CONDITION_UNKNOWN,
    Code.POLICY_STARTING,
}


@dataclass(frozen=True, slots=True)
class Freshness:
    """Lowering needs data that is present, whole and young; raising does not."""

    max_age_s: float = field(
        default=180.0,
        metadata=meta("a signal older than this stops lowering", unit="s", gt=0),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan without its lowerings when any input is missing, stale or partial."""
        if not plan.moves:
            return plan
        for name, signal in seen.signals.items():
            reason = self._fault(name, signal, seen.at)
            if reason:
                return plan.not_below("freshness", reason)
        for vote in plan.votes:
            if vote.shadow or not isinstance(vote.answer, Abstain):
                continue
            if vote.answer.reason.code in BLIND:
                reason = because(
                    Code.DATA_MISSING,
                    "no lowering: policy {policy} could not judge",
                    policy=vote.policy,
                )
                return plan.not_below("freshness", reason)
        return plan

    def _fault(self, name: str, signal: Signal, at: float) -> Reason | None:
        if isinstance(signal, Missing):
            return because(
                Code.DATA_MISSING,
                "no lowering: {signal} {why:absent}",
                signal=name,
                why=signal.why.value,
            )
        age = at - signal.last_at
        if age > self.max_age_s:
            return because(
                Code.DATA_STALE,
                "no lowering: {signal} is {age:span} old, at most {limit:span} are allowed",
                signal=name,
                age=age,
                limit=self.max_age_s,
            )
        if not signal.complete:
            return because(
                Code.DATA_INCOMPLETE,
                "no lowering: {signal} may be partial, says its source",
                signal=name,
            )
        return None
