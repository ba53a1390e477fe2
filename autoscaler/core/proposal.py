"""What a policy author has to read: bids, proposals, abstentions and the Policy protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Bid:
    """An opinion on one dial. A part left None is no opinion, which is not "no change".

    `want` is what the policy would set; `at_least` and `at_most` only bound what others want.
    """

    want: int | None = None
    at_least: int | None = None
    at_most: int | None = None

    def __str__(self) -> str:
        parts = (("want", self.want), ("at least", self.at_least), ("at most", self.at_most))
        said = [f"{name} {value}" for name, value in parts if value is not None]
        return ", ".join(said) or "no opinion"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy's bids, at most one per dial, and why."""

    bids: Mapping[Dial, Bid]
    reason: Reason
    kind: Literal["proposal"] = "proposal"


@dataclass(frozen=True, slots=True)
class Abstain:
    """A policy that cannot say anything now, and why."""

    reason: Reason
    kind: Literal["abstain"] = "abstain"


Answer = Proposal | Abstain
Propose = Callable[[Observation], Answer]


class Policy(Protocol):
    """A frozen dataclass whose fields are its options and whose `propose` is pure and total."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the signals that it reads; start-up refuses a name without a source."""
        ...

    def propose(self, seen: Observation) -> Answer:
        """Say what should be, from nothing but what was seen."""
        ...


class Condition(Protocol):
    """A `when:` of a policy entry, compiled at start."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the signals that it reads."""
        ...

    def holds(self, seen: Observation) -> bool | Missing:
        """Whether it holds now; Missing when a signal that it reads has no data."""
        ...


@dataclass(frozen=True, slots=True)
class Apart:
    """How a policy that is not trusted is made again in a process of its own.

    `options` are the options as they were configured, as JSON.
    """

    kind: str
    options: str = "{}"


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """A policy as configured: under which name, for which dials, when, and whether it counts.

    A `shadow` entry is evaluated, journalled and shown, but never merged. One that is to be
    evaluated in a process of its own says so in `apart`; whoever does that hands in `propose`.
    """

    name: str
    policy: Policy
    dials: frozenset[Dial] = frozenset(DIALS)
    when: Condition | None = None
    shadow: bool = False
    apart: Apart | None = None

    def ask(self, seen: Observation, propose: Propose | None = None) -> Answer:
        """The policy's answer, checked; a bug in it becomes an abstention and stays here.

        `propose` is asked instead of the policy when it is given.
        """
        try:
            return self._ask(seen, propose)
        except Exception as bug:  # noqa: BLE001 - any bug of a plug-in must stay in its own seat
            return crashed(type(bug).__name__, str(bug))

    def applies(self, seen: Observation) -> bool:
        """Whether the policy itself would be asked now."""
        try:
            return self._not_now(seen) is None
        except Exception:  # noqa: BLE001 - `ask` tells of it
            return False

    def _ask(self, seen: Observation, propose: Propose | None = None) -> Answer:
        return self._not_now(seen) or self._checked((propose or self.policy.propose)(seen))

    def _not_now(self, seen: Observation) -> Abstain | None:
        if self.when is None:
            return None
        holds = self.when.holds(seen)
        if isinstance(holds, Missing):
            return Abstain(
                because(
                    Code.CONDITION_UNKNOWN,
                    "its condition (`when`) reads a signal that has no data",
                )
            )
        if holds:
            return None
        return Abstain(because(Code.CONDITION_FALSE, "its condition (`when`) does not hold"))

    def _checked(self, answer: Answer) -> Answer:
        fault = fault_of(answer)
        if fault:
            return Abstain(
                because(Code.POLICY_INVALID, "the answer is not valid: {fault}", fault=fault)
            )
        return self._own_dials(answer)

    def _own_dials(self, answer: Answer) -> Answer:
        if isinstance(answer, Abstain) or self.dials.issuperset(answer.bids):
            return answer
        bids = {dial: bid for dial, bid in answer.bids.items() if dial in self.dials}
        return Proposal(bids, answer.reason)


def crashed(error: str, text: str) -> Abstain:
    """The abstention for a policy that raised; `error` is the name of what it raised."""
    return Abstain(
        because(
            Code.POLICY_CRASHED,
            "the policy crashed with {error}: {text}",
            error=error,
            text=text[:200],
        )
    )


BROKEN = frozenset(
    {
        Code.POLICY_CRASHED,
        Code.POLICY_INVALID,
        Code.POLICY_HUNG,
        Code.POLICY_SLOW,
        Code.POLICY_QUARANTINED,
    }
)
"""Why a policy abstains when it is the policy that fails, and not its data."""


# A bid beyond this is a bug of the policy, not a wish: no platform has a million replicas.
LARGEST_BID = 1_000_000


def fault_of(answer: object) -> str:
    """What is wrong with a policy's answer, empty when it is a proposal or abstention to trust."""
    if not isinstance(answer, Proposal | Abstain):
        return f"expected a Proposal or Abstain, got {type(answer).__name__}"
    unfit = _unfit(answer.reason)
    if unfit or isinstance(answer, Abstain):
        return unfit
    for dial, bid in answer.bids.items():
        for value in (bid.want, bid.at_least, bid.at_most):
            if value is None:
                continue
            if type(value) is not int:
                return f"{dial.value} must be a whole number, got {value!r}"
            if not 0 <= value <= LARGEST_BID:
                return f"{dial.value} must be in 0..{LARGEST_BID}, got {value}"
    return ""


def _unfit(reason: object) -> str:
    """What keeps a reason from being recorded, empty when nothing does."""
    if not isinstance(reason, Reason):
        return f"its reason must be a Reason, got {type(reason).__name__}"
    facts: tuple[tuple[str, object], ...] = reason.facts
    for name, fact in facts:
        if not isinstance(fact, int | float | str):
            return f"fact {name} must be a number or a text, got {type(fact).__name__}"
    return ""


def missing(signal: str, found: Missing) -> Abstain:
    """The abstention for a signal that has no data."""
    return Abstain(
        because(
            Code.SIGNAL_MISSING,
            "{signal} {why:absent}",
            signal=signal,
            why=found.why.value,
        )
    )
