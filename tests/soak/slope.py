"""How fast something grows, and how sure that is.

Samples of one process hang together, so the usual error of a straight line would be far too small.
Here whole blocks of the line's residuals are drawn again and again (moving block bootstrap,
Künsch 1989, Annals of Statistics 17(3)), and the slopes of those draws give the interval.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

DRAWS = 1000
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth per day, in the unit of the samples and as a share of their middle.

    `low` and `high` are the 95 % interval of `per_day`.
    """

    middle: float
    per_day: float
    low: float
    high: float

    def percent(self, value: float) -> float:
        """A growth per day as percent of the middle; 0 for a middle of 0."""
        return 100.0 * value / self.middle if self.middle else 0.0

    @property
    def is_flat(self) -> bool:
        """Whether no growth can be told from none."""
        return self.low <= 0.0 or self.per_day == 0.0


def growth(
    at_s: Sequence[float], values: Sequence[float], block: int = 10, seed: int = 1
) -> Growth:
    """The line through samples in order; `block` is how many of them hang together.

    Raises ValueError for fewer than two blocks.
    """
    if len(values) < 2 * block:
        raise ValueError(f"{2 * block} samples are needed, got {len(values)}")
    slope, offset = _line(at_s, values)
    fitted = [offset + slope * at for at in at_s]
    left = [value - fit for value, fit in zip(values, fitted, strict=True)]
    chance = random.Random(seed)  # noqa: S311 - a statistic, not a secret
    slopes = sorted(_drawn(at_s, fitted, left, block, chance) for _ in range(DRAWS))
    low, high = slopes[int(0.025 * DRAWS)], slopes[int(0.975 * DRAWS) - 1]
    return Growth(statistics.median(values), slope * DAY_S, low * DAY_S, high * DAY_S)


def _drawn(
    at_s: Sequence[float],
    fitted: Sequence[float],
    left: Sequence[float],
    block: int,
    chance: random.Random,
) -> float:
    drawn: list[float] = []
    while len(drawn) < len(left):
        first = chance.randrange(len(left) - block + 1)
        drawn += left[first : first + block]
    return _line(at_s, [fit + more for fit, more in zip(fitted, drawn, strict=False)])[0]


def _line(at_s: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    slope, offset = statistics.linear_regression(at_s, values)
    return slope, offset
