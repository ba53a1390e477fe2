"""Which part of a trace is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoscaler.lab.traces import Trace

Floats = NDArray[np.float64]

DAY_S = 86_400.0

# Days, of the long traces whose whole would only repeat itself or hold no load yet.
PUBLISHED = {
    "worldcup98": (42.0, 77.0),
    "wikipedia_limbo": (0.0, 35.0),
    "nab_tweets_goog": (0.0, 35.0),
    "nab_tweets_amzn": (0.0, 35.0),
}


def between(trace: Trace, first_day: float, last_day: float) -> Trace:
    """The part from `first_day` to `last_day`, in days from the trace's start."""
    start = round(first_day * DAY_S / trace.bucket_s)
    end = round(last_day * DAY_S / trace.bucket_s)
    return Trace(trace.name, trace.bucket_s, trace.requests[start:end])


def published(trace: Trace) -> Trace:
    """The part that the published figures use; all of a trace that is not named there."""
    span = PUBLISHED.get(trace.name)
    return between(trace, *span) if span else trace
