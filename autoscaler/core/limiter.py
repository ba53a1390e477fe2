"""Concurrency limiters: how many requests one server should work on at once, by their latency.

Source of the rules: Netflix concurrency-limits (Gradient2Limit, VegasLimit, AIMDLimit), described
in its README; held against its own answers in tests/vectors/concurrency_limits.json. Each rule is
a pure function from a state and a sample to the next state.

Difference on purpose: Vegas probes its baseline after 30 x limit samples without Netflix's
jitter, because the core has no randomness. Known of Gradient2: it cannot see a latency that is a
constant timeout (upstream issue 137), and it grows without end where a slow rise of latency
carries the long average along; whoever uses it bounds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

WARM_UP = 10
PROBE_EVERY = 30  # samples per unit of the limit, Netflix's probe multiplier


@dataclass(frozen=True, slots=True)
class Sample:
    """A latency in any unit of time, and the requests then in flight in one replica."""

    latency: float
    inflight: float
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Average:
    """A mean of the first samples, an exponential average from then on."""

    value: float = 0.0
    count: int = 0
    total: float = 0.0

    def add(self, sample: float, window: int, warm_up: int = WARM_UP) -> Average:
        """With one more sample; the exponential factor is 2 / (window + 1)."""
        if self.count < warm_up:
            count, total = self.count + 1, self.total + sample
            return Average(total / count, count, total)
        factor = 2 / (window + 1)
        return replace(self, value=self.value * (1 - factor) + sample * factor)


@dataclass(frozen=True, slots=True)
class Track:
    """A limiter's state: its limit, Gradient2's long average, Vegas's lowest latency and probe."""

    limit: float
    long: Average = Average()
    lowest: float = 0.0
    probed: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Parameters of the rules: `least` and `most` bound the limit, the rest as Netflix's names.

    `timeout` in the unit of the latencies. Alpha, beta and decrease are Vegas's; None follows
    the logarithm of the limit.
    """

    least: float = 20.0
    most: float = 200.0
    smoothing: float = 0.2
    queue: float = 4.0
    tolerance: float = 1.5
    long_window: int = 600
    backoff: float = 0.9
    timeout: float = 5.0
    alpha: float | None = None
    beta: float | None = None
    decrease: float | None = None

    def clamp(self, limit: float) -> float:
        """The limit inside its bounds."""
        return max(self.least, min(self.most, limit))


def gradient2(track: Track, sample: Sample, rule: Rule) -> Track:
    """Follow the ratio of the long average to this latency; drops are not looked at."""
    long = track.long.add(sample.latency, rule.long_window)
    ratio = long.value / sample.latency
    # After an overload the long average comes down faster, but from the next sample on.
    kept = replace(long, value=long.value * 0.95) if ratio > 2 else long  # noqa: PLR2004 - theirs
    limit = track.limit
    if sample.inflight < limit / 2:
        return replace(track, long=kept)
    gradient = max(0.5, min(1.0, rule.tolerance * ratio))
    aim = limit * gradient + rule.queue
    smooth = limit * (1 - rule.smoothing) + aim * rule.smoothing
    return replace(track, limit=rule.clamp(smooth), long=kept)


def vegas(track: Track, sample: Sample, rule: Rule) -> Track:
    """Keep the estimated queue inside the replica between alpha and beta requests."""
    probed = track.probed + 1
    if probed >= PROBE_EVERY * track.limit:
        return replace(track, lowest=sample.latency, probed=0)
    if track.lowest == 0 or sample.latency < track.lowest:
        return replace(track, lowest=sample.latency, probed=probed)
    limit = track.limit
    step = max(1, int(math.log10(max(1, int(limit)))))
    aim = _vegas_aim(
        limit, step, math.ceil(limit * (1 - track.lowest / sample.latency)), sample, rule
    )
    smooth = (1 - rule.smoothing) * limit + rule.smoothing * rule.clamp(aim)
    return replace(track, limit=limit if aim == limit else smooth, probed=probed)


def _vegas_aim(limit: float, step: int, queued: int, sample: Sample, rule: Rule) -> float:
    lower = limit - step if rule.decrease is None else limit * rule.decrease
    if sample.dropped:
        return lower
    alpha = 3 * step if rule.alpha is None else rule.alpha
    beta = 6 * step if rule.beta is None else rule.beta
    if sample.inflight * 2 < limit:
        return limit
    if queued <= step:
        return limit + beta
    if queued < alpha:
        return limit + step
    return lower if queued > beta else limit


def aimd(track: Track, sample: Sample, rule: Rule) -> Track:
    """One more while there is work, a share less after a drop or a timeout."""
    limit = track.limit
    if sample.dropped or sample.latency > rule.timeout:
        limit = float(int(limit * rule.backoff))
    elif sample.inflight * 2 >= limit:
        limit += 1
    return replace(track, limit=rule.clamp(limit))


RULES = {"gradient2": gradient2, "vegas": vegas, "aimd": aimd}
