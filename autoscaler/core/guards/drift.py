"""Guard `drift`: what to do when somebody else has turned the dials.

It stands near the front, so that even a correction passes every rail behind it: freshness,
health, step and cooldown hold it back like any other move, and the limits bind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.guards.between import between, direction
from autoscaler.core.merge import merge_all, settle
from autoscaler.core.observation import Change, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.core.reason import Code, because

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Drift:
    """Adopt what a hand did for an hour, or put it back at most twice an hour, or stand still."""

    stance: str = field(
        default="adopt",
        metadata=meta(
            "adopt: never against the hand; restore: put it back; freeze: change nothing",
            one_of=("adopt", "restore", "freeze"),
        ),
    )
    grace_s: float = field(
        default=3600.0,
        metadata=meta("adopt and freeze hold for this long after a hand", unit="s", ge=0),
    )
    most: int = field(
        default=2, metadata=meta("corrections in an hour; then it adopts", ge=0, le=60)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan after the chosen stance towards what somebody else changed."""
        if not any(change.foreign for change in seen.changes):
            return plan
        if self.stance == "restore" and not all(change.foreign for change in seen.changes):
            made = corrections(seen.changes, seen.at - HOUR_S)
            if made < self.most:
                return _restored(plan, seen.changes, made + 1)
        if self.stance == "freeze":
            return self._frozen(plan, seen)
        return self._adopted(plan, seen) if plan.moves else plan

    def _hands(self, seen: Observation) -> list[Change]:
        """What others changed within the grace, newest first."""
        start = seen.at - self.grace_s
        return [c for c in reversed(seen.changes) if c.foreign and c.at > start]

    def _frozen(self, plan: Plan, seen: Observation) -> Plan:
        hands = self._hands(seen)
        if not hands:
            return plan
        left = hands[0].at + self.grace_s - seen.at
        sentence = "somebody else changed it, so everything holds for {left:span}"
        reason = because(Code.DRIFT_FROZEN, sentence, left=left)
        return plan.held("drift", reason)

    def _adopted(self, plan: Plan, seen: Observation) -> Plan:
        hands = self._hands(seen)
        kept = {dial: _beside(plan, hands, dial) for dial in DIALS}
        return plan.move(
            between(plan.before, *(kept[dial] for dial in DIALS)),
            "drift",
            because(
                Code.DRIFT_ADOPTED,
                "somebody else set it less than {grace:span} ago, and is not worked against",
                grace=self.grace_s,
                left=max(hand.at for hand in hands) + self.grace_s - seen.at if hands else 0.0,
            ),
        )


def _beside(plan: Plan, hands: Sequence[Change], dial: Dial) -> int:
    """Where a dial may go: not below what a hand raised it to, not above what it lowered it to."""
    before, after = plan.before[dial], plan.after[dial]
    for hand in hands:
        way = direction(hand.before[dial], hand.after[dial])
        if way > 0:
            return max(after, min(before, hand.after[dial]))
        if way < 0:
            return min(after, max(before, hand.after[dial]))
    return after


def _restored(plan: Plan, changes: Sequence[Change], count: int) -> Plan:
    """The plan as if the hand had not been there: the policies' word on the dials before it."""
    own = {dial: before_the_hand(changes, dial) for dial in DIALS}
    numbers = {dial: plan.after[dial] for dial in DIALS}
    for dial, value in own.items():
        if value is not None:
            numbers[dial] = settle(merge_all(_bids(plan, dial)), value)
    reason = because(
        Code.DRIFT_RESTORED,
        "somebody else changed it, so it goes back (correction {count} of this hour)",
        count=count,
    )
    return plan.move(legal(numbers), "drift", reason)


def _bids(plan: Plan, dial: Dial) -> list[Bid]:
    return [
        vote.answer.bids[dial]
        for vote in plan.votes
        if isinstance(vote.answer, Proposal) and not vote.shadow and dial in vote.answer.bids
    ]


def before_the_hand(changes: Sequence[Change], dial: Dial) -> int | None:
    """What the last own change left in a dial that others have moved since; None otherwise."""
    by_hand = False
    for change in reversed(changes):
        if change.foreign:
            by_hand = by_hand or change.before[dial] != change.after[dial]
        elif by_hand or change.before[dial] != change.after[dial]:
            return change.after[dial] if by_hand else None
    return None


def corrections(changes: Sequence[Change], start: float) -> int:
    """Own changes at or after `start` (Unix seconds) that turned a dial against the last hand."""
    hand: dict[Dial, int] = {}
    count = 0
    for change in changes:
        turned = False
        for dial in DIALS:
            way = direction(change.before[dial], change.after[dial])
            if way and change.foreign:
                hand[dial] = way
            elif way:
                turned = turned or hand.pop(dial, way) != way
        count += turned and change.at >= start
    return count
