"""Policy `erratic`: raises, answers nonsense or takes its time, whenever the simulation says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Observation
from autoscaler.core.options import meta
from autoscaler.core.proposal import Abstain, Answer, Bid, Proposal
from autoscaler.core.reason import Code, because
from autoscaler.lab.sim.mood import MOOD


@dataclass(frozen=True, slots=True)
class Erratic:
    """Says nothing until the simulation makes it misbehave."""

    signal: str = field(default="running_jobs", metadata=meta("a signal of the deployment"))

    @property
    def needs(self) -> tuple[str, ...]:
        """Its signal, which it does not look at."""
        return (self.signal,)

    def propose(self, seen: Observation) -> Answer:
        """What the mood says."""
        return _ANSWERS[MOOD.kind](seen)


def _raises(_: Observation) -> Answer:
    raise ZeroDivisionError


def _nothing(_: Observation) -> Answer:
    return cast("Answer", None)


def _nonsense(_: Observation) -> Answer:
    return Proposal({Dial.MIN_REPLICAS: Bid(want=cast("int", float("nan")))}, _WHY)


def _greedy(_: Observation) -> Answer:
    return Proposal({Dial.MIN_REPLICAS: Bid(at_least=10**9), Dial.THREADS: Bid(want=10**6)}, _WHY)


def _zero(_: Observation) -> Answer:
    return Proposal({dial: Bid(at_most=1) for dial in Dial}, _WHY)


def _slow(_: Observation) -> Answer:
    MOOD.block()
    return _QUIET


_WHY = because(Code.AS_PLANNED, "it is in a mood")
_QUIET = Abstain(because(Code.AS_PLANNED, "nothing to say"))
_ANSWERS: dict[str, Callable[[Observation], Answer]] = {
    "": lambda _: _QUIET,
    "raises": _raises,
    "nothing": _nothing,
    "nonsense": _nonsense,
    "greedy": _greedy,
    "zero": _zero,
    "slow": _slow,
}
