"""Policy `formula`: the dials as expressions over signals, windows of signals and dials.

    min_replicas: ceil(max(running_jobs, "5m") / (threads * 0.7))
    max_replicas: max(4, 2 * min_replicas)
    max_replicas_as: at_least

The language is told in policies/_expression.py. It does what KEDA's scalingModifiers do with
expr-lang, with differences on purpose:

* The result is the number of replicas or threads itself, not a metric for another formula.
* A trigger that fails is not 0 and not an error of the whole scaler: a dial whose formula reads a
  signal without data, divides by zero or is negative gets no bid, and the reason tells why.
  While a formula lacks data, the others only raise. `first_of(a, b, 8)` says what to take
  instead, as KEDA's `??`.
* Numbers and conditions are kept apart at start, where expr-lang would cast.

Fractions are rounded up: half a replica is one replica.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.merge import SILENCE
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, because
from autoscaler.core.words import dial as spoken
from policies._expression import Expression, compile_number
from policies._reading import Absent, Undefined

# 0.1 * 30 is 3.0000000000000004 in floating point, and still three replicas.
DUST = 1e-6
BOUNDS = ("want", "at_least", "at_most")
_AS = "`want` sets the dial; `at_least` and `at_most` only bound what others want"


@dataclass(frozen=True, slots=True)
class Formula:
    """Bid what an expression over signals, windows and dials comes to."""

    min_replicas: str = field(
        default="", metadata=meta("expression of the floor; empty: no opinion", unit="replicas")
    )
    max_replicas: str = field(
        default="", metadata=meta("expression of the ceiling; empty: no opinion", unit="replicas")
    )
    threads: str = field(
        default="",
        metadata=meta("expression of a replica's threads; empty: no opinion", unit="threads"),
    )
    min_replicas_as: str = field(default="want", metadata=meta(_AS, one_of=BOUNDS))
    max_replicas_as: str = field(default="want", metadata=meta(_AS, one_of=BOUNDS))
    threads_as: str = field(default="want", metadata=meta(_AS, one_of=BOUNDS))

    def __post_init__(self) -> None:
        check_options(self)
        if not any(True for _ in self._formulas()):
            raise ValueError("one of min_replicas, max_replicas, threads must be given")

    @property
    def needs(self) -> tuple[str, ...]:
        """The signals that the expressions read."""
        return tuple(dict.fromkeys(name for _, each in self._formulas() for name in each.needs))

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal the expressions look at, seconds."""
        longest: dict[str, float] = {}
        for _, each in self._formulas():
            for name, window in each.windows.items():
                longest[name] = max(window, longest.get(name, 0.0))
        return longest

    def propose(self, seen: Observation) -> Answer:
        """Bid every expression that has a value; abstain when none has."""
        results = {dial: _whole(dial, each, seen) for dial, each in self._formulas()}
        refused = [each for each in results.values() if isinstance(each, Abstain)]
        if len(refused) == len(results):
            return refused[0]
        blind = any(each.reason.code is Code.SIGNAL_MISSING for each in refused)
        bids: dict[Dial, Bid] = {}
        said: list[str] = []
        for dial, number in results.items():
            if isinstance(number, Abstain):
                said.append(str(number.reason))
                continue
            bid = _bid(self._bound(dial), number, raising=blind)
            if bid != SILENCE:
                bids[dial] = bid
                said.append(f"{spoken(dial.value)} {bid}")
        return Proposal(bids, because(Code.COMPUTED, "{result}", result="; ".join(said)))

    def _formulas(self) -> Iterator[tuple[Dial, Expression]]:
        for dial in DIALS:
            text = getattr(self, dial.value)
            if text.strip():
                yield dial, _compiled(dial, text)

    def _bound(self, dial: Dial) -> str:
        return str(getattr(self, f"{dial.value}_as"))


def _compiled(dial: Dial, text: str) -> Expression:
    try:
        return compile_number(text)
    except ValueError as error:
        raise ValueError(f"{dial.value}: {error}") from None


def _bid(bound: str, number: int, *, raising: bool) -> Bid:
    """The bid as the option says; when it may only raise, a want is a floor."""
    if bound == "at_most":
        return SILENCE if raising else Bid(at_most=number)
    if raising or bound == "at_least":
        return Bid(at_least=number)
    return Bid(want=number)


def _whole(dial: Dial, expression: Expression, seen: Observation) -> int | Abstain:
    """The expression's value as a bid, or why it is none."""
    found = expression.value(seen)
    if isinstance(found, Absent):
        return missing(found.signal, found.found)
    if isinstance(found, Undefined):
        sentence = "the formula of {dial:dial} has no value: {why}"
        return Abstain(because(Code.NOT_COMPUTABLE, sentence, dial=dial.value, why=found.why))
    least = 1 if dial is Dial.THREADS else 0
    number = math.ceil(found - DUST)
    if found >= -DUST and least <= number <= LARGEST_BID:
        return number
    sentence = "the formula of {dial:dial} gives {number:g}, which is not in {least}..{most}"
    facts = {"dial": dial.value, "number": found, "least": least, "most": LARGEST_BID}
    return Abstain(because(Code.NOT_COMPUTABLE, sentence, **facts))
