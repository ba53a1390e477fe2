"""The brain: one observation, policies and guards in; one plan with its reasons out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.merge import SILENCE, merge, settle
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan, Step, Vote
from autoscaler.core.proposal import Answer, Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason, because


class Guard(Protocol):
    """A rail: shapes a plan, or holds it, and leaves its reason in the trail."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan as this guard lets it pass."""
        ...


Ask = Callable[[PolicyEntry, Observation], Answer]
"""How a policy is asked: plainly, or by somebody who keeps an eye on its time."""


def decide(
    seen: Observation,
    policies: Sequence[PolicyEntry],
    guards: Sequence[Guard],
    ask: Ask = PolicyEntry.ask,
) -> Plan:
    """Ask every policy, merge their bids, and pass the draft through the guards in order."""
    plan = draft(seen, tuple(Vote(e.name, ask(e, seen), e.shadow) for e in policies))
    for guard in guards:
        if plan.hold:
            break
        plan = guard.shape(plan, seen)
    return plan


def draft(seen: Observation, votes: tuple[Vote, ...]) -> Plan:
    """The policies' wishes as a plan, before any guard."""
    merged = dict.fromkeys(DIALS, SILENCE)
    for vote in votes:
        if isinstance(vote.answer, Proposal) and not vote.shadow:
            for dial, bid in vote.answer.bids.items():
                merged[dial] = merge(merged[dial], bid)
    before = seen.envelope
    numbers = {dial: settle(merged[dial], before[dial]) for dial in DIALS}
    floor, ceiling = numbers[Dial.MIN_REPLICAS], numbers[Dial.MAX_REPLICAS]
    if floor > ceiling:
        # A floor pulls the ceiling up with it, unless somebody said "at most".
        numbers[Dial.MAX_REPLICAS] = settle(
            merge(merged[Dial.MAX_REPLICAS], Bid(at_least=floor)), floor
        )
    wanted = legal(numbers)
    steps = tuple(
        _step(dial, before[dial], wanted[dial], merged[dial], votes)
        for dial in DIALS
        if before[dial] != wanted[dial]
    )
    return Plan(before, wanted, wanted, votes, steps)


def _step(dial: Dial, before: int, after: int, merged: Bid, votes: tuple[Vote, ...]) -> Step:
    bound = merged.want, merged.at_least, merged.at_most
    if after in bound:
        winners = [v for v in votes if _bid_for(v, dial, after)]
        # Names decide ties, so that the order of the policies does not show in the trail.
        winner = min(winners, key=lambda vote: vote.policy)
        return Step(dial, before, after, winner.policy, winner.answer.reason)
    return Step(dial, before, after, "merge", _pulled(dial, after))


def _bid_for(vote: Vote, dial: Dial, value: int) -> bool:
    if vote.shadow or not isinstance(vote.answer, Proposal):
        return False
    bid = vote.answer.bids.get(dial, SILENCE)
    return value in {bid.want, bid.at_least, bid.at_most}


def _pulled(dial: Dial, after: int) -> Reason:
    if dial is Dial.MAX_REPLICAS:
        return because(
            Code.CEILING_FOLLOWS_FLOOR, "the ceiling follows the floor to {after}", after=after
        )
    return because(Code.CEILING_BEATS_FLOOR, "the ceiling of {after} beats the floor", after=after)
