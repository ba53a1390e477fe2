"""Calibrated margins: what each expert must add so that it falls short only 1 - tau of the time.

Online conformal prediction in the space of square roots, where the spread of arriving
requests does not depend on their number. Sources: Gibbs and Candes, Adaptive Conformal
Inference (arXiv 2106.00170); a margin that grows with the root is square-root staffing (Whitt).
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

# In roots of requests: keeps a margin alive when demand did not move at all.
SMALLEST_SPREAD = 0.02

SHARPNESS = 20
NEGLIGIBLE = 1e-3
TINY = 1e-9

# A young margin learns faster: its step is FIRST_STEPS / age, at most FASTEST.
FIRST_STEPS = 10.0
FASTEST = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast margins learn: half-lives in seconds; `rate` is a step of the quantile.

    `short_share` is the part of the spread that follows the last minutes, which answers bursts.
    """

    rate: float = 0.02
    short_s: float = 480.0
    long_s: float = 172_800.0
    short_share: float = 0.5
    loss_s: float = 86_400.0


def first_quantile(tau: float) -> float:
    """A normal error's quantile over its mean size: where an unknown margin begins."""
    return NormalDist().inv_cdf(tau) * math.sqrt(math.pi / 2)


def step_of(rate: float, age: int) -> float:
    """The step of a quantile that has learnt `age` times and will settle at `rate`."""
    return max(rate, min(FASTEST, FIRST_STEPS / age))


class Followed(NamedTuple):
    """The mean of the followed experts, in roots of requests: edge, middle and spread."""

    edge: float
    middle: float
    spread: float


class Margins:
    """One margin per expert for one window: `cover` opinions, later `learn` what came."""

    __slots__ = (
        *("_fade", "_long", "_rate", "_share", "_short"),
        *("age", "fast", "loss", "q", "slow", "tau"),
    )

    def __init__(self, experts: int, tau: float, step_s: float, pace: Pace) -> None:
        self.tau = tau
        self.age = 0
        self._rate = pace.rate
        self._share = pace.short_share
        self._short = 1 - 0.5 ** (step_s / pace.short_s)
        self._long = 1 - 0.5 ** (step_s / pace.long_s)
        self._fade = 0.5 ** (step_s / pace.loss_s)
        self.q = array("d", [first_quantile(tau)]) * experts
        self.fast = array("d", [1.0]) * experts
        self.slow = array("d", [1.0]) * experts
        self.loss = array("d", [0.0]) * experts

    def cover(self, roots: list[float]) -> list[float]:
        """The covered demand for each opinion, given as square roots."""
        share, least = self._share, SMALLEST_SPREAD
        rest = 1 - share
        covered = []
        for root, q, fast, slow in zip(roots, self.q, self.fast, self.slow, strict=True):
            edge = root + q * (share * fast + rest * slow + least)
            covered.append(edge * edge if edge > 0 else 0.0)
        return covered

    def learn(self, roots: list[float], covered: list[float], truth: float) -> None:
        """Learn from opinions of the past, now that the highest demand of their window is known."""
        root, tau = math.sqrt(truth), self.tau
        self.age += 1
        rate, youth, fade = step_of(self._rate, self.age), 1 / (self.age + 1), self._fade
        short, long = max(self._short, youth), max(self._long, youth)
        missed, met, idle = rate * tau, rate * (1 - tau), 1 - tau
        fast, slow, q, loss = self.fast, self.slow, self.q, self.loss
        for expert, opinion in enumerate(roots):
            error = root - opinion if root > opinion else opinion - root
            fast[expert] += short * (error - fast[expert])
            slow[expert] += long * (error - slow[expert])
            above = truth - covered[expert]
            if above > 0:
                q[expert] += missed
                loss[expert] = loss[expert] * fade + tau * above
            else:
                q[expert] -= met
                loss[expert] = loss[expert] * fade - idle * above

    def take_over(self, other: Margins) -> None:
        """Go on from what another set of the same experts has learnt."""
        self.q, self.fast, self.slow = other.q[:], other.fast[:], other.slow[:]
        self.loss, self.age = other.loss[:], other.age

    def best(self) -> int:
        """The expert whose covered opinions cost least lately."""
        loss = self.loss
        return min(range(len(loss)), key=loss.__getitem__)

    def followed(self, roots: list[float], covered: list[float]) -> Followed:
        """What to follow: the experts whose losses are near the lowest, and hardly the others.

        An expert that costs 5 % more than the best weighs about a third of it. Following a
        few alike experts at once instead of the best alone moves the forecast less.
        """
        loss = self.loss
        lowest = min(loss) + TINY
        edges = weights = middle = spread = 0.0
        share = self._share
        fast, slow = self.fast, self.slow
        for expert, cost in enumerate(loss):
            weight = (lowest / (cost + TINY)) ** SHARPNESS
            if weight < NEGLIGIBLE:
                continue
            weights += weight
            edges += weight * math.sqrt(covered[expert])
            middle += weight * roots[expert]
            spread += weight * (share * fast[expert] + (1 - share) * slow[expert])
        return Followed(edges / weights, middle / weights, spread / weights + SMALLEST_SPREAD)


class Edge:
    """One quantile on its own: of errors over spread, learnt one by one."""

    __slots__ = ("_rate", "age", "q", "tau")

    def __init__(self, tau: float, rate: float, first: float) -> None:
        self.tau = tau
        self.age = 0
        self._rate = rate
        self.q = first

    def learn(self, score: float) -> None:
        """`score` is an error over the spread at the time of the forecast."""
        self.age += 1
        rate = step_of(self._rate, self.age)
        self.q += rate * (self.tau if score > self.q else self.tau - 1)

    def take_over(self, other: Edge) -> None:
        """Go on from what another one has learnt."""
        self.q, self.age = other.q, other.age
