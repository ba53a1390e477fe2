"""What became of each dial of a plan: who wanted it, who held it, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.plan import Plan, Step, Vote
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.core.reason import Code, Reason
from autoscaler.core.words import clock, dial

# What an operator said holds without end unless the reason names one.
OPERATORS = frozenset({Code.PAUSED, Code.BRAKED, Code.PINNED, Code.FLOOR_RAISED})
CALENDAR = frozenset({Code.SCHEDULED, Code.SCHEDULED_AHEAD})
# A moment within the next two minutes says less than the seconds do.
SOON_S = 120.0
MINUTE_S = 60.0
GUARDS: Mapping[str, str] = {
    "hold": "a pause",
    "drift": "the guard against drift",
    "plausibility": "the check of plausibility",
    "freshness": "the rule that lowering needs fresh data",
    "recovery": "the wait after an outage",
    "health": "the deployment's state",
    "veto": "your veto",
    "settle": "the wait for the last change",
    "consolidation": "the look at who stays",
    "deadband": "the deadband",
    "stabilise": "the stabilisation window",
    "behavior": "your behavior rules",
    "step": "the step limit",
    "oscillation": "the guard against swinging",
    "cooldown": "the cooldown",
    "disruption": "the guard of restarts",
    "override": "an operator",
    "limits": "your limits",
    "mode": "the mode",
    "brake": "the brake",
    "fleet": "the fleet's budget",
    "decide": "a bug",
    "reading": "the missing reading",
}


def because_of(reason: Reason, at: float) -> str:
    """A reason with the moment until which it holds, where one is known; `at` is Unix seconds."""
    return f"{reason}{_ends(reason, at)}"


# --- one dial ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """One dial: where it was, what the policies made of it, and where the guards left it."""

    dial: Dial
    before: int
    wanted: int
    after: int
    demand: Wish | None
    drafted: Step | None
    limiting: Step | None

    def __str__(self) -> str:
        return f"{dial(self.dial.value)} {self.before} -> {self.after}"

    def driver(self) -> Reason | None:
        """Why it goes where it goes, before anybody held it."""
        if self.demand is not None and self._capped():
            return self.demand.reason
        return self.drafted.reason if self.drafted is not None else None

    def bounds(self, at: float) -> Iterator[str]:
        """Who kept it from going as far as was wanted, as ends of a sentence."""
        if self._capped() and self.drafted is not None:
            yield f"held at {self.wanted} by {ceiling_of(self.drafted, at)}"
        if self.limiting is not None and self.after != self.wanted:
            verb = (
                "held at"
                if abs(self.after - self.before) < abs(self.wanted - self.before)
                else "set to"
            )
            who = GUARDS.get(self.limiting.by, f"guard {self.limiting.by}")
            why = because_of(self.limiting.reason, at)
            yield f"{verb} {self.after} by {who}: {why}"

    def _capped(self) -> bool:
        return (
            self.demand is not None
            and self.drafted is not None
            and self.demand.number > self.wanted
            and self.drafted.by != self.demand.policy
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a policy bids on one dial, and why."""

    policy: str
    number: int
    reason: Reason
    cap: bool = False


def moves_of(plan: Plan) -> Iterator[Move]:
    """All dials of a plan, the floor first."""
    for each in DIALS:
        steps = [step for step in plan.trail if step.dial is each]
        drafted = steps[0] if steps and plan.wanted[each] != plan.before[each] else None
        rest = steps[1:] if drafted is not None else steps
        yield Move(
            each,
            plan.before[each],
            plan.wanted[each],
            plan.after[each],
            _demand(plan, each),
            drafted,
            rest[-1] if rest else None,
        )


def _bids(plan: Plan, which: Dial) -> Iterator[tuple[Vote, Bid]]:
    for vote in plan.votes:
        if isinstance(vote.answer, Proposal) and not vote.shadow and which in vote.answer.bids:
            yield vote, vote.answer.bids[which]


def _demand(plan: Plan, which: Dial) -> Wish | None:
    """Who asks for the most of a dial."""
    found = [
        (max(n for n in (bid.want, bid.at_least) if n is not None), vote)
        for vote, bid in _bids(plan, which)
        if bid.want is not None or bid.at_least is not None
    ]
    if not found:
        return None
    number, vote = min(found, key=lambda one: (-one[0], one[1].policy))
    return Wish(vote.policy, number, vote.answer.reason)


def cap_of(plan: Plan, which: Dial) -> Wish | None:
    """Who allows the least of a dial."""
    found = [(bid.at_most, vote) for vote, bid in _bids(plan, which) if bid.at_most is not None]
    if not found:
        return None
    number, vote = min(found, key=lambda one: (one[0], one[1].policy))
    return Wish(vote.policy, number, vote.answer.reason, cap=True)


def ceiling_of(who: Step | Wish, at: float) -> str:
    """Whose ceiling it is, by the operator's own names, and until when."""
    name = who.by if isinstance(who, Step) else who.policy
    if who.reason.code in CALENDAR:
        windows = dict(who.reason.facts).get("windows", "")
        inner = f" (window {windows})" if windows and windows != name else ""
        owner = "your calendar" if name == "calendar" else f"your {name} calendar"
        return f"the ceiling of {owner}{inner}{_ends(who.reason, at)}"
    if name == "merge":
        return f"another bid: {because_of(who.reason, at)}"
    return f"the ceiling of {name}: {because_of(who.reason, at)}"


# --- until when ------------------------------------------------------------------------------


def _ends(reason: Reason, at: float) -> str:
    moment = free_at(reason, at)
    facts = dict(reason.facts)
    if moment is not None:
        return f" until {moment}" if "until" in facts else f" (until {moment})"
    endless = reason.code in OPERATORS and "who" in facts and "until" not in facts
    return " without end" if endless else ""


def free_at(reason: Reason, at: float) -> str | None:
    """The moment from which a reason no longer holds, None when it is not known or very near."""
    facts = dict(reason.facts)
    until, left, zone = facts.get("until"), facts.get("left"), facts.get("zone", "UTC")
    if isinstance(until, int | float):
        return clock(until, at, str(zone))
    if isinstance(left, int | float) and left >= SOON_S:
        # Rounded up to a full minute, so that what is promised for then is true then.
        return clock(-(-(at + left) // MINUTE_S) * MINUTE_S, at)
    return None
