"""How long to wait before asking again: full jitter, and what the platform itself asked for.

Full jitter: a uniform share of base x 2^n, capped. Source: AWS Architecture Blog,
"Exponential Backoff And Jitter" (2015), where it needed the fewest calls of all variants.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Nobody is put off for longer than this, however far away a date is.
LONGEST_RETRY_AFTER_S = 3600.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def full_jitter(attempt: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Seconds before retry number `attempt` (0 is the first): uniform in 0..min(cap, base 2^n)."""
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 60)))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a `Retry-After` in either form; None when there is none that can be read.

    `now` is Unix seconds. Never negative, never beyond an hour.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        wait = float(text)
    else:
        at = _date(text)
        if at is None:
            return None
        wait = at - now
    return min(max(0.0, wait), LONGEST_RETRY_AFTER_S)


def do_not_retry(headers: Mapping[str, str]) -> bool:
    """Whether the platform's QoS header asks to stay away."""
    return headers.get("QoS-Retry-Hint", "").strip().lower() == "do-not-retry"


def _date(text: str) -> float | None:
    try:
        when: datetime = parsedate_to_datetime(text)
        at = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return at if math.isfinite(at) else None
