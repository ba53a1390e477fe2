"""How far two clocks are apart, by the Date that the platform's answers carry (RFC 9110, 6.6.1)."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

# A Date has whole seconds, cut off: on average the platform's clock is half a second ahead of it.
HALF_S = 0.5


def skew_s(date: str, sent: float, got: float) -> float | None:
    """Our clock minus theirs, seconds; None when the header is no date.

    `sent` and `got` are our clock (Unix seconds) around the request. The answer is right to half
    a second and half the time that the request took: enough for samples, schedules and tokens,
    which minutes hurt and seconds do not.
    """
    try:
        # "-0000" is UTC without a word on the sender's zone, and comes back without any.
        told = parsedate_to_datetime(date)
        theirs = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return (sent + got) / 2 - (theirs + HALF_S)
