"""Load over time: how many jobs callers want to have in work at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autoscaler.lab.traces import Trace

TOP_SHARE = 0.999
"""The percentile that a scaled trace is fitted by: peaks rarer than this may stand out."""


class Load(Protocol):
    """Demand as a function of time alone."""

    def at(self, t_s: float) -> float:
        """Jobs wanted at once, `t_s` seconds after the load began; finite, at least 0."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """The same number of jobs for ever."""

    jobs: float = 0.0

    def at(self, t_s: float) -> float:  # noqa: ARG002 - the protocol's signature
        """Always `jobs`."""
        return self.jobs


@dataclass(frozen=True, slots=True)
class Steps:
    """Levels that begin at given seconds, in rising order; the last one stays."""

    levels: tuple[tuple[float, float], ...]

    def at(self, t_s: float) -> float:
        """The level that began last; 0 before the first."""
        return next((jobs for since, jobs in reversed(self.levels) if since <= t_s), 0.0)


class TraceLoad:
    """A trace as concurrency, from its beginning again at its end.

    Little's law: jobs at once = requests per second x `service_s`. Between the centres of two
    buckets the line is straight; the last bucket leads over to the first. `scale` multiplies,
    `offset_s` begins that far into the trace.
    """

    def __init__(
        self, trace: Trace, *, service_s: float = 1.0, scale: float = 1.0, offset_s: float = 0.0
    ) -> None:
        factor = scale * service_s / trace.bucket_s
        self._jobs = tuple(count * factor for count in trace.requests)
        self._bucket_s = trace.bucket_s
        self._offset_s = offset_s

    @classmethod
    def filling(
        cls, trace: Trace, *, replicas: float, threads: int, offset_s: float = 0.0
    ) -> TraceLoad:
        """Scaled so that the 99.9th percentile fills `replicas` x `threads`.

        The service time cancels out. Raises ValueError for a trace without requests.
        """
        top = percentile(trace.requests, TOP_SHARE)
        if top <= 0:
            raise ValueError(f"{trace.name}: a trace without requests cannot be scaled")
        scale = replicas * threads * trace.bucket_s / top
        return cls(trace, scale=scale, offset_s=offset_s)

    def at(self, t_s: float) -> float:
        """Jobs wanted at once at `t_s`."""
        place = (t_s + self._offset_s) / self._bucket_s - 0.5
        left = math.floor(place)
        share = place - left
        jobs, count = self._jobs, len(self._jobs)
        return jobs[left % count] * (1 - share) + jobs[(left + 1) % count] * share


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie, interpolated between ranks."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    left = math.floor(place)
    right = min(left + 1, len(ordered) - 1)
    return ordered[left] + (ordered[right] - ordered[left]) * (place - left)
