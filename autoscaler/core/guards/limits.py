"""Guard `limits`: the user's ranges and the platform's learnt maximum always hold."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.observation import Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Limits:
    """Clamp every dial into the configured range. Needs no data: a cost cap is a promise."""

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan inside the limits, an envelope that was outside of them included."""
        limits, after, ceiling = seen.limits, plan.after, seen.learned.thread_ceiling
        threads = limits.threads.clamp(after.threads)
        if ceiling is not None and threads > ceiling:
            threads = ceiling
        floor = limits.min_replicas.clamp(after.min_replicas)
        roof = limits.max_replicas.clamp(after.max_replicas)
        if (floor, roof, threads) == (after.min_replicas, after.max_replicas, after.threads):
            return plan
        clamped = {Dial.MIN_REPLICAS: floor, Dial.MAX_REPLICAS: roof, Dial.THREADS: threads}

        def why(dial: Dial) -> Reason:
            if dial is Dial.THREADS and threads == ceiling:
                return because(
                    Code.THREAD_CEILING,
                    "the platform refused more than {most:count thread} before",
                    most=threads,
                )
            return because(
                Code.LIMITS,
                "{value} is outside of your limits, {range}",
                value=after[dial],
                range=str(limits[dial]),
            )

        return plan.move(legal({dial: clamped[dial] for dial in DIALS}), "limits", why)
