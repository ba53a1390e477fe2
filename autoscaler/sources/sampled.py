"""Whether a sample's time can be believed."""

from __future__ import annotations

import math
from typing import Final

from autoscaler.core.observation import Absence, Missing

FUTURE_S: Final = 30.0
"""How far ahead of our clock a sample may be before the clocks are said to disagree."""


def judged(sampled: float, at: float, max_age_s: float) -> Missing | None:
    """What is wrong with a sample taken at `sampled` (Unix seconds), seen at `at`, if anything."""
    if not math.isfinite(sampled):
        return Missing(Absence.STALE, "the sample has no time")
    if sampled > at + FUTURE_S:
        return Missing(Absence.FROM_THE_FUTURE, f"sampled {sampled - at:.0f} s ahead of our clock")
    if sampled < at - max_age_s:
        detail = f"the newest sample is {at - sampled:.0f} s old, {max_age_s:g} s are allowed"
        return Missing(Absence.STALE, detail, sampled)
    return None
