"""Fourteen days of demand in 56 KiB: every minute's maximum, every five minutes' mean.

Maxima are 16-bit logarithms, means single floats.
"""

from __future__ import annotations

import math
from array import array

CELL_S = 60.0
DAYS = 14
DAY_CELLS = round(86_400 / CELL_S)
CELLS = DAYS * DAY_CELLS

BLOCK_S = 300.0
DAY_BLOCKS = round(86_400 / BLOCK_S)
BLOCKS = DAYS * DAY_BLOCKS

# code = log1p(value / UNIT) x GAIN: from 0.01 to 1,000,000 requests in steps of 0.03 %.
UNIT = 0.01
LARGEST = 1e6
GAIN = 65_534 / math.log1p(LARGEST / UNIT)
UNKNOWN = 65_535
_VALUES = array("d", (UNIT * math.expm1(code / GAIN) for code in range(UNKNOWN)))
_VALUES.append(math.nan)


def encoded(value: float) -> int:
    """The 16-bit code of a demand of at least 0; beyond a million it saturates."""
    return round(math.log1p(min(value, LARGEST) / UNIT) * GAIN)


def decoded(code: int) -> float:
    """The demand behind a code; NaN for an unknown minute."""
    return _VALUES[code]


class Means:
    """A ring of the means of the last `BLOCKS` five minutes, numbered by Unix time // 300 s.

    The block in progress is not part of it, a mean of a few seconds is none; `begun` is its
    sum and count.
    """

    __slots__ = ("_ring", "begun", "first", "last")

    def __init__(self, ring: array[float] | None = None, first: int = 0, last: int = -1) -> None:
        self._ring = ring or array("f", [-1.0]) * BLOCKS
        self.first = first
        self.last = last
        self.begun = (0.0, 0)

    @property
    def ring(self) -> array[float]:
        """The raw ring, -1 where nothing is known, for storing."""
        return self._ring

    def add(self, at: float, value: float) -> None:
        """Take a sample, Unix seconds; one older than the newest block changes nothing."""
        block = int(at // BLOCK_S)
        if block > self.last:
            self._begin(block)
        elif block < self.last:
            return
        total, count = self.begun
        self.begun = total + value, count + 1

    def _begin(self, block: int) -> None:
        ring = self._ring
        total, count = self.begun
        if count:
            ring[self.last % BLOCKS] = total / count
        if self.last < self.first:
            self.first = block
        for gone in range(max(self.last + 1, block - BLOCKS + 1), block + 1):
            ring[gone % BLOCKS] = -1.0
        self.first = max(self.first, block - BLOCKS + 1)
        self.last, self.begun = block, (0.0, 0)

    def mean(self, start: int, end: int) -> float:
        """The mean over the known blocks `start`..`end`, both included; -1 when none is known."""
        if start < self.first or end >= self.last:
            return -1.0
        ring = self._ring
        low, high = start % BLOCKS, end % BLOCKS + 1
        window = ring[low:high] if low < high else ring[low:] + ring[:high]
        if min(window) < 0:
            known = [value for value in window if value >= 0]
            return sum(known) / len(known) if known else -1.0
        return sum(window) / len(window)


class History:
    """A ring of the last `CELLS` minutes, numbered by Unix time // 60 s, and `means` beside it."""

    __slots__ = ("_codes", "first", "last", "means")

    def __init__(
        self,
        codes: array[int] | None = None,
        first: int = 0,
        last: int = -1,
        means: Means | None = None,
    ) -> None:
        self._codes = codes or array("H", [UNKNOWN]) * CELLS
        self.first = first
        self.last = last
        self.means = means or Means()

    @property
    def codes(self) -> array[int]:
        """The raw ring, for storing."""
        return self._codes

    def add(self, at: float, value: float) -> None:
        """Take a sample, Unix seconds; one older than the newest cell changes nothing."""
        self.means.add(at, value)
        cell = int(at // CELL_S)
        codes = self._codes
        if cell == self.last:
            code = encoded(value)
            codes[cell % CELLS] = max(codes[cell % CELLS], code)
            return
        if cell < self.last:
            return
        if self.last < self.first:
            self.first = cell
        for gone in range(max(self.last + 1, cell - CELLS + 1), cell):
            codes[gone % CELLS] = UNKNOWN
        codes[cell % CELLS] = encoded(value)
        self.last = cell
        self.first = max(self.first, cell - CELLS + 1)

    def most(self, start: int, end: int) -> float:
        """The maximum over the cells `start`..`end`, both included; -1 when none is known."""
        if start < self.first or end > self.last:
            return -1.0
        codes = self._codes
        low, high = start % CELLS, end % CELLS + 1
        window = codes[low:high] if low < high else codes[low:] + codes[:high]
        top = max(window)
        if top == UNKNOWN:
            known = [code for code in window if code != UNKNOWN]
            if not known:
                return -1.0
            top = max(known)
        return _VALUES[top]

    def least(self, start: int, end: int) -> float:
        """The minimum over the known cells `start`..`end`; -1 when none is known."""
        if start < self.first or end > self.last or start > end:
            return -1.0
        codes = self._codes
        low, high = start % CELLS, end % CELLS + 1
        window = codes[low:high] if low < high else codes[low:] + codes[:high]
        lowest = min(window)
        return -1.0 if lowest == UNKNOWN else _VALUES[lowest]
