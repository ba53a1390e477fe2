"""One recorded decision, decided again by other policies and guards, and what differs.

Nothing is simulated: every observation is the recorded one, with the envelope that the
recorded configuration had brought about. Limits and mode are those of the other configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from autoscaler.codec import encode
from autoscaler.core.controls import mode_at
from autoscaler.core.decide import Ask, decide
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.core.observation import Mode, Observation, Signal
from autoscaler.core.plan import Plan, Step, Vote
from autoscaler.core.proposal import Answer, Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason
from autoscaler.core.standing import standing
from autoscaler.roster import FORECAST_SIGNALS, Managed

# Who shapes a plan after `decide`, and who answers in its place.
FLEET = "fleet"
READING = "reading"
# Answers that hung on time, and not on what a policy was shown.
UNHEARD = frozenset(
    {Code.POLICY_SLOW, Code.POLICY_HUNG, Code.POLICY_STARTING, Code.POLICY_QUARANTINED}
)

NO_BIDS: Mapping[Dial, Bid] = MappingProxyType({})

WRITTEN = "written"
NOTHING = "nothing"


class Verdict(StrEnum):
    """How a decision made again compares to the recorded one.

    Retold: the same end by another way, such as another vote or another step.
    """

    IDENTICAL = "identical"
    RETOLD = "retold"
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that is not the same.

    `where` is a step of the trail, a vote, the hold or the mode; `then` and `now` are who and
    the reason's code, for counting, and the sentences are for people.
    """

    where: str
    then: str
    now: str
    then_sentence: str
    now_sentence: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One decision as it was made and as it would be made."""

    decision: Decision
    then: Plan
    now: Plan
    verdict: Verdict
    then_end: str
    now_end: str
    difference: Difference | None = None
    unrecorded: tuple[str, ...] = ()
    """Signals that the other configuration reads and that the recording does not hold."""


def decided(decision: Decision) -> bool:
    """Whether `decide` was asked at all; it is not before the platform was read."""
    hold = decision.plan.hold
    return hold is None or hold.by != READING


def again(decision: Decision, managed: Managed) -> Compared:
    """Decide on the recorded observation as `managed` says, and compare."""
    seen = observed(decision.seen, managed)
    now = decide(seen, managed.policies, managed.guards, _asked_as(decision.plan))
    then = as_decided(decision.plan)
    then_end, now_end = ended(then, decision.mode), ended(now, seen.mode)
    verdict = _verdict(then, then_end, now, now_end)
    found = None
    if verdict is not Verdict.IDENTICAL:
        found = difference(then, decision.mode, now, seen.mode)
    missing = unrecorded(managed, seen.signals)
    return Compared(decision, then, now, verdict, then_end, now_end, found, missing)


def _asked_as(plan: Plan) -> Ask:
    """A policy that was not heard then is not heard now either."""
    unheard = {
        vote.policy: vote.answer for vote in plan.votes if vote.answer.reason.code in UNHEARD
    }

    def ask(entry: PolicyEntry, seen: Observation) -> Answer:
        answer = unheard.get(entry.name)
        return entry.ask(seen) if answer is None else answer

    return ask


def observed(seen: Observation, managed: Managed) -> Observation:
    """What the other configuration would have been shown.

    JSON keeps signals by name; a guard names the first one that troubles it, so they are put
    back into the order of the configuration.
    """
    order = [name for name in managed.signals if name in seen.signals]
    ahead = [f"{name}{part}" for name in managed.forecasts for part in FORECAST_SIGNALS]
    order += [name for name in ahead if name in seen.signals]
    rest = [name for name in seen.signals if name not in set(order)]
    signals = {name: seen.signals[name] for name in (*order, *rest)}
    mode = mode_at(managed.mode, seen.overrides, seen.at)
    return replace(seen, limits=managed.limits, mode=mode, signals=signals)


def as_decided(plan: Plan) -> Plan:
    """The plan as `decide` left it: without what the fleet's budget and alarm did to it."""
    if any(vote.policy == FLEET for vote in plan.votes):
        return plan
    own = [step for step in plan.trail if step.by != FLEET]
    hold = None if plan.hold is not None and plan.hold.by == FLEET else plan.hold
    if len(own) == len(plan.trail) and hold is plan.hold:
        return plan
    dials = {dial: plan.after[dial] for dial in DIALS}
    for step in reversed(plan.trail):
        if step.by == FLEET:
            dials[step.dial] = step.before
    return replace(plan, after=Envelope(*dials.values()), trail=tuple(own), hold=hold)


def unrecorded(managed: Managed, signals: Mapping[str, Signal]) -> tuple[str, ...]:
    """Signals that the policies read and the recording does not know."""
    needs = [name for entry in managed.policies for name in entry.policy.needs]
    needs += [name for entry in managed.policies if entry.when for name in entry.when.needs]
    return tuple(dict.fromkeys(name for name in needs if name not in signals))


def _verdict(then: Plan, then_end: str, now: Plan, now_end: str) -> Verdict:
    if then.after != now.after or then_end != now_end:
        return Verdict.OTHERWISE
    identical = encode(Plan, then) == encode(Plan, now)
    return Verdict.IDENTICAL if identical else Verdict.RETOLD


def ended(plan: Plan, mode: Mode) -> str:
    """What becomes of a plan: held, unchanged, recommended or written."""
    outcome = standing(plan, mode)
    return WRITTEN if outcome is None else outcome.kind.value


def difference(then: Plan, then_mode: Mode, now: Plan, now_mode: Mode) -> Difference:
    """The first difference: in a step's move, else in its words, in a vote, or in the end.

    Steps that move a dial alike but quote another target come second: they are not why the
    plans part.
    """
    for alike in (_same_move, _same_step):
        for index in range(max(len(then.trail), len(now.trail))):
            old, new = _at(then.trail, index), _at(now.trail, index)
            if not alike(old, new):
                return _steps(index, old, new)
    return _votes(then, now) or _ends(then, then_mode, now, now_mode)


def _same_step(old: Step | None, new: Step | None) -> bool:
    return old == new


def _same_move(old: Step | None, new: Step | None) -> bool:
    return _move(old) == _move(new)


def _move(step: Step | None) -> tuple[object, ...]:
    if step is None:
        return ()
    return step.dial, step.before, step.after, step.by, step.reason.code


def _at(trail: tuple[Step, ...], index: int) -> Step | None:
    return trail[index] if index < len(trail) else None


def _steps(index: int, old: Step | None, new: Step | None) -> Difference:
    return Difference(
        f"step {index + 1}",
        NOTHING if old is None else _key(old.by, old.reason),
        NOTHING if new is None else _key(new.by, new.reason),
        "the trail has ended" if old is None else str(old),
        "the trail has ended" if new is None else str(new),
    )


def _votes(then: Plan, now: Plan) -> Difference | None:
    old = {vote.policy: vote for vote in then.votes}
    new = {vote.policy: vote for vote in now.votes}
    for name in dict.fromkeys((*old, *new)):
        was, is_ = old.get(name), new.get(name)
        if was != is_:
            return Difference(
                f"vote of {name}", _vote_key(was), _vote_key(is_), _said(was), _said(is_)
            )
    return None


def _vote_key(vote: Vote | None) -> str:
    return NOTHING if vote is None else _key(vote.policy, vote.answer.reason)


def _said(vote: Vote | None) -> str:
    if vote is None:
        return "no such policy"
    answer = vote.answer
    bids = answer.bids if isinstance(answer, Proposal) else NO_BIDS
    wishes = "; ".join(f"{dial.value} {bids[dial]}" for dial in DIALS if dial in bids)
    shadow = " (shadow)" if vote.shadow else ""
    return f"{vote.policy}{shadow}: {wishes or 'abstains'}: {answer.reason}"


def _ends(then: Plan, then_mode: Mode, now: Plan, now_mode: Mode) -> Difference:
    old, new = then.hold, now.hold
    if old != new:
        return Difference(
            "hold",
            NOTHING if old is None else _key(old.by, old.reason),
            NOTHING if new is None else _key(new.by, new.reason),
            "not held" if old is None else f"held by {old.by}: {old.reason}",
            "not held" if new is None else f"held by {new.by}: {new.reason}",
        )
    if then_mode is not now_mode:
        was, is_ = ended(then, then_mode), ended(now, now_mode)
        return Difference(
            "mode",
            f"mode: {then_mode.value}",
            f"mode: {now_mode.value}",
            f"mode {then_mode.value}: {was}",
            f"mode {now_mode.value}: {is_}",
        )
    return Difference(
        "order", NOTHING, NOTHING, "the same votes", "the same votes in another order"
    )


def _key(by: str, reason: Reason) -> str:
    return f"{by}: {reason.code.value}"
