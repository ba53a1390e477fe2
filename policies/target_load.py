"""Policy `target_load`: enough replicas that the recent peak fills them to a target share.

The arithmetic is that of the Kubernetes HPA for an external metric with an AverageValue
target: replicas = ceil(load / per_replica), where one replica counts for threads x target
requests, and no change while load / (per_replica x floor) is within the tolerance of 1.
Source: kubernetes/kubernetes, pkg/controller/podautoscaler/replica_calculator.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, because


def replicas_for(
    load: float, per_replica: float, current: int, tolerance_down: float, tolerance_up: float
) -> int:
    """Replicas that carry `load` at `per_replica` each; `current` while within the tolerance.

    The tolerance is a closed interval around 1, as in the HPA. `per_replica` must be positive,
    `load` finite; a negative load counts as none.
    """
    if current > 0:
        ratio = load / (per_replica * current)
        if 1 - tolerance_down <= ratio <= 1 + tolerance_up:
            return current
    return max(0, math.ceil(load / per_replica))


@dataclass(frozen=True, slots=True)
class TargetLoad:
    """Fill `threads x target` of each replica with the recent peak of running jobs."""

    signal: str = field(
        default="running_jobs",
        metadata=meta("running (and queued) requests of the whole deployment", unit="requests"),
    )
    target: float = field(
        default=0.7, metadata=meta("share of a replica's threads to fill", gt=0, le=1)
    )
    window_s: float = field(
        default=60.0, metadata=meta("the peak of this time counts", unit="s", ge=0, le=86_400)
    )
    tolerance: float = field(
        default=0.1, metadata=meta("no change while load is this near the target", ge=0, lt=1)
    )
    headroom: float = field(
        default=0.5,
        metadata=meta("the ceiling above the floor, as a share of the floor, at least 1", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """The load signal."""
        return (self.signal,)

    def propose(self, seen: Observation) -> Answer:
        """Want a floor for the recent peak, and a ceiling with headroom above it."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        window = series.since(seen.at - self.window_s)
        peak = max(window) if window else series.last
        threads, floor = seen.envelope.threads, seen.envelope.min_replicas
        wanted = replicas_for(peak, threads * self.target, floor, self.tolerance, self.tolerance)
        bids = {Dial.MIN_REPLICAS: Bid(want=wanted), Dial.MAX_REPLICAS: self._ceiling(wanted)}
        code = Code.WITHIN_TOLERANCE
        if wanted != floor:
            code = Code.LOAD_ABOVE_TARGET if wanted > floor else Code.LOAD_BELOW_TARGET
        reason = because(
            code,
            "a peak of {peak:.1f} jobs in {window:.0f} s needs {wanted} replicas "
            "of {threads} threads at {target:.0%}",
            peak=peak,
            window=self.window_s,
            wanted=wanted,
            threads=threads,
            target=self.target,
        )
        return Proposal(bids, reason)

    def _ceiling(self, floor: int) -> Bid:
        return Bid(want=floor + max(1, math.ceil(floor * self.headroom)))
