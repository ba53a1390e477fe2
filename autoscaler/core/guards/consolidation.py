"""Guard `consolidation`: would those who stay carry the load of those who go?

Without one of N replicas the others carry load x N / (N - 1). When that crosses the line at which
the platform adds a replica, the lowering is undone minutes later: 2 -> 1 -> 2, for ever
(ai-dynamo/dynamo#9294). NVIDIA's Dynamo planner and llm-d's WVA ask the same question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autoscaler.core.envelope import Envelope
from autoscaler.core.fleet import lowers
from autoscaler.core.guards.between import toward
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class Consolidation:
    """A peak of 96 jobs, 32 threads and a line of 0.75 need 5 replicas: 4 would reach the line."""

    signal: str = field(
        default="", metadata=meta("the signal that counts running jobs; empty switches this off")
    )
    window_s: float = field(
        default=600.0, metadata=meta("the peak load of this time counts", unit="s", gt=0)
    )
    line: float | None = field(
        default=None,
        metadata=meta(
            "load share that survivors must stay below; the platform's own when left out",
            gt=0,
            le=1,
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of its signal it looks at, seconds."""
        return {self.signal: self.window_s} if self.signal else {}

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with floor and ceiling lowered only as far as the survivors carry the peak."""
        if not self.signal or not lowers(plan):
            return plan
        series = seen.signal(self.signal)
        loads = () if isinstance(series, Missing) else series.since(seen.at - self.window_s)
        if not loads:
            reason = because(
                Code.CONSOLIDATION,
                "no lowering: {signal} does not tell what the others would have to carry",
                signal=self.signal,
            )
            return plan.not_below("consolidation", reason)
        return self._carried(plan, max(loads), seen.native.up_threshold)

    def _carried(self, plan: Plan, peak: float, native_line: float) -> Plan:
        line = native_line if self.line is None else self.line
        before, after = plan.before, plan.after
        # A thread raise may still be taken back: it has to arrive before replicas go.
        threads = min(before.threads, after.threads)
        least = survivors(peak, line * threads, before.max_replicas)
        kept = Envelope(
            toward(before.min_replicas, after.min_replicas, least),
            toward(before.max_replicas, after.max_replicas, least),
            after.threads,
        )
        if kept == after:
            return plan
        reason = because(
            Code.CONSOLIDATION,
            "fewer than {least:count replica} would be over {line:.0%} busy at a peak of {peak:g}",
            least=least,
            line=line,
            peak=peak,
        )
        return plan.move(kept, "consolidation", reason)


def survivors(peak: float, each: float, most: int) -> int:
    """The fewest replicas, at most `most`, that each stay below `each` jobs at a load of `peak`.

    No load needs no replica. Reaching the line counts as crossing it, as the platform counts.
    """
    if peak <= 0:
        return 0
    if each <= 0 or peak / each >= most:
        return most
    return math.floor(peak / each) + 1
