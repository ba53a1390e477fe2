"""Fourteen days of demand in 40 KiB: the maximum of every minute, as 16-bit logarithms."""

from __future__ import annotations

import math
from array import array

CELL_S = 60.0
DAYS = 14
DAY_CELLS = round(86_400 / CELL_S)
CELLS = DAYS * DAY_CELLS

# code = log1p(value / UNIT) x GAIN: from 0.01 to 1,000,000 requests in steps of 0.03 %.
UNIT = 0.01
GAIN = 65_534 / math.log1p(1e6 / UNIT)
UNKNOWN = 65_535
_VALUES = array("d", (UNIT * math.expm1(code / GAIN) for code in range(UNKNOWN)))
_VALUES.append(math.nan)


def encoded(value: float) -> int:
    """The 16-bit code of a demand of at least 0; beyond a million it saturates."""
    return min(UNKNOWN - 1, round(math.log1p(value / UNIT) * GAIN))


def decoded(code: int) -> float:
    """The demand behind a code; NaN for an unknown minute."""
    return _VALUES[code]


class History:
    """A ring of the last `CELLS` minutes. Cells are numbered by Unix time // 60 s."""

    __slots__ = ("_codes", "first", "last")

    def __init__(self, codes: array[int] | None = None, first: int = 0, last: int = -1) -> None:
        self._codes = codes or array("H", [UNKNOWN]) * CELLS
        self.first = first
        self.last = last

    @property
    def codes(self) -> array[int]:
        """The raw ring, for storing."""
        return self._codes

    def add(self, at: float, value: float) -> None:
        """Take a sample, Unix seconds; one older than the newest cell changes nothing."""
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

    def mean(self, start: int, end: int) -> float:
        """The mean over the known cells `start`..`end`; -1 when none is known."""
        if start < self.first or end > self.last:
            return -1.0
        codes, total, count = self._codes, 0.0, 0
        for cell in range(start, end + 1):
            code = codes[cell % CELLS]
            if code != UNKNOWN:
                total += _VALUES[code]
                count += 1
        return total / count if count else -1.0
