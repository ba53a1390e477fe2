"""Policy `target_load`: enough replicas that the recent load fills them to a target share.

Sources of the arithmetic, each held against its own published answers in tests/vectors:

* Kubernetes HPA (autoscaler/core/hpa.py). Mode `average` is its AverageValue target, where one
  replica counts for threads x target requests; modes `ratio` and `share` are its Value target.
* Ray Serve 2.60, serve/autoscaling_policy.py: the scaling factors, the start from zero, the time
  that a wish must last, the time-weighted mean of a gauge.
* Nomad Autoscaler, strategy target-value: `tolerance` is its `threshold`, `max_raise` and
  `max_lower` are its max_scale_up and max_scale_down, per decision.

Differences on purpose:

* A target of 0 is refused at start, where Nomad takes the metric itself as the factor; a target
  that is left out is 0.7, where Nomad refuses.
* A wish that lasted long enough stays due until the floor has really moved. Ray forgets it
  after one pass, and here a guard may still hold the change back.
* Series of single replicas are not merged here: the source's query sums them.
* The platform's replicas are `replicas_signal` when given, else the guaranteed floor.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.hpa import MOST_REPLICAS, Tolerance, average_replicas, value_replicas, whole
from autoscaler.core.observation import Missing, Observation, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because

GAP_S = 60.0
"""Samples are expected to be at most this far apart, seconds."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A gauge over a span of time: its mean by time, its highest and its lowest value."""

    mean: float
    most: float
    least: float


def time_weighted(
    times: Sequence[float], values: Sequence[float], start: float, end: float
) -> Weighted | None:
    """Weigh each value by how long it held within [start, end); None when none did.

    A sample holds until the next one, as Ray Serve reads its gauges. Times rise strictly.
    """
    ends = [*times[1:], max(end, times[-1])]
    spans = [
        (value, min(until, end) - max(since, start))
        for since, until, value in zip(times, ends, values, strict=True)
    ]
    inside = [(value, held) for value, held in spans if held > 0]
    if not inside:
        return None
    span = sum(held for _, held in inside)
    mean = sum(value * (held / span) for value, held in inside)
    low, high = min(value for value, _ in inside), max(value for value, _ in inside)
    # Extremes are those of the samples in the span, as Ray's, or of the one held into it.
    within = values[bisect_left(times, start) : bisect_left(times, end)] or (low,)
    return Weighted(max(low, min(high, mean)), max(within), min(within))


def damped(wanted: float, current: int, up: float | None, down: float | None) -> int:
    """Go a share of the way from `current` to `wanted`, as Ray Serve's scaling factors do.

    None means the whole way. A small share must not leave the size where it is for ever: a
    lowering that rounds to nothing takes one replica. May be negative for a factor above 1.
    """
    if current == 0:
        return whole(wanted)
    factor = up if wanted > current else down
    aim = current + (1.0 if factor is None else factor) * (wanted - current)
    moved = math.ceil(max(-MOST_REPLICAS, min(aim, MOST_REPLICAS)))
    # wanted <= current - 1 is Ray's ceil(wanted) < current, for any finite or infinite wish.
    stuck = moved == current and wanted <= current - 1
    return moved - 1 if stuck else moved


def from_zero(load: float, floor: int, up: float | None) -> int:
    """The first size of a deployment without replicas: the up factor, at least the floor."""
    if load <= 0:
        return floor
    return max(math.ceil(1.0 if up is None else up), floor)


def capped(wanted: int, current: int, max_raise: int | None, max_lower: int | None) -> int:
    """At most so many replicas up or down at once, as Nomad's max_scale_up and _down."""
    if max_raise is not None:
        wanted = min(wanted, current + max_raise)
    if max_lower is not None:
        wanted = max(wanted, current - max_lower)
    return wanted


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a wish must last, seconds. `zero` is for the step from 1 to 0, else `lower`."""

    up: float = 0.0
    down: float = 0.0
    zero: float | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A standing wish: its direction (1, -1, 0 for none), its begin, and what it is due from."""

    direction: int = 0
    since: float = 0.0
    due_from: int | None = None


NO_WISH = Wish()


def lasting(wish: Wish, at: float, wanted: int, current: int, waits: Waits) -> tuple[Wish, int]:
    """The standing wish and the size after one look: `current` until the wish lasted.

    Ray Serve's rule: the newest size counts once the direction held for the wait, and only a
    deployment of one replica may go to none. A due wish stays due while `current` stays.
    """
    direction = (wanted > current) - (wanted < current)
    moved = wish.due_from is not None and wish.due_from != current
    if direction != wish.direction or moved:
        wish = Wish(direction, at)
    if direction == 0:
        return wish, current
    to_zero = current == 1 and wanted <= 0
    wait = waits.up if direction > 0 else waits.down
    if to_zero and waits.zero is not None:
        wait = waits.zero
    # A microsecond of grace: 0.1 s steps do not add up exactly.
    if at - wish.since + 1e-6 < wait:
        return wish, current
    return replace(wish, due_from=current), max(0 if to_zero else 1, wanted)


def floor_at(seen: Observation, at: float) -> int:
    """The guaranteed replicas at Unix time `at`, from the journal's changes."""
    for change in seen.changes:
        if change.at > at:
            return change.before.min_replicas
    return seen.envelope.min_replicas


@dataclass(frozen=True, slots=True)
class TargetLoad:
    """Fill a target share of each replica's threads with the recent running jobs."""

    signal: str = field(
        default="running_jobs",
        metadata=meta("running (and queued) requests of the whole deployment", unit="requests"),
    )
    target: float = field(
        default=0.7, metadata=meta("share of a replica's threads to fill", gt=0, le=1)
    )
    window_s: float = field(
        default=60.0, metadata=meta("the load of this time counts", unit="s", ge=0, le=86_400)
    )
    tolerance: float = field(
        default=0.1, metadata=meta("no change while load is this near the target", ge=0, lt=1)
    )
    headroom: float = field(
        default=0.5,
        metadata=meta("the ceiling above the floor, as a share of the floor, at least 1", ge=0),
    )
    mode: str = field(
        default="average",
        metadata=meta(
            "`average`: load / (threads x target) replicas, whatever runs; `ratio`: the running "
            "replicas times load / (replicas x threads x target); `share`: likewise, where the "
            "signal already is the share of use",
            one_of=("average", "ratio", "share"),
        ),
    )
    aggregate: str = field(
        default="peak",
        metadata=meta(
            "what counts of the window: its peak, its time-weighted mean, its newest value",
            one_of=("peak", "mean", "last"),
        ),
    )
    replicas_signal: str = field(
        default="", metadata=meta("running replicas, for `ratio` and `share`; empty: the floor")
    )
    tolerance_up: float | None = field(
        default=None, metadata=meta("the tolerance above the target, if different", ge=0)
    )
    tolerance_down: float | None = field(
        default=None, metadata=meta("the tolerance below the target, if different", ge=0, le=1)
    )
    upscaling_factor: float | None = field(
        default=None, metadata=meta("go this share of the way up at once", gt=0)
    )
    downscaling_factor: float | None = field(
        default=None, metadata=meta("go this share of the way down at once", gt=0)
    )
    max_raise: int | None = field(
        default=None, metadata=meta("raise the floor by at most this at once", ge=1)
    )
    max_lower: int | None = field(
        default=None, metadata=meta("lower the floor by at most this at once", ge=1)
    )
    raise_after_s: float = field(
        default=0.0, metadata=meta("a wish to raise must last this long", unit="s", ge=0)
    )
    lower_after_s: float = field(
        default=0.0, metadata=meta("a wish to lower must last this long", unit="s", ge=0)
    )
    zero_after_s: float | None = field(
        default=None,
        metadata=meta("the same for the step from 1 replica to none", unit="s", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """The load signal, and the replicas' when given."""
        return (self.signal, self.replicas_signal) if self.replicas_signal else (self.signal,)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        wait = max(self.raise_after_s, self.lower_after_s, self.zero_after_s or 0.0)
        # A wish lasts from a sample on, and that sample may be older than the wait by a gap.
        wait += GAP_S * (wait > 0)
        spans = {self.replicas_signal: wait} if self.replicas_signal else {}
        return spans | {self.signal: wait + self.window_s * (self.aggregate != "last")}

    def propose(self, seen: Observation) -> Answer:
        """Want a floor for the recent load, and a ceiling with headroom above it."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        replicas = seen.signal(self.replicas_signal) if self.replicas_signal else None
        if isinstance(replicas, Missing):
            return missing(self.replicas_signal, replicas)
        floor = seen.envelope.min_replicas
        load = self._load(series, seen.at, len(series.times))
        size = self._size(load, seen.envelope.threads, _running(replicas, seen.at, floor), floor)
        final = size.wanted
        if self.raise_after_s or self.lower_after_s or self.zero_after_s is not None:
            final = self._lasted(seen, series, replicas, size)
        bids = {Dial.MIN_REPLICAS: Bid(want=final), Dial.MAX_REPLICAS: self._ceiling(final)}
        return Proposal(bids, self._reason(load, size, final, seen.envelope))

    def _load(self, series: Series, at: float, known: int) -> float:
        """The load of the window before `at`, of the first `known` samples; the last if none."""
        times, values = series.times[:known], series.values[:known]
        start = at - self.window_s
        if self.aggregate == "mean":
            weighted = time_weighted(times, values, start, max(at, times[-1]))
            return values[-1] if weighted is None else weighted.mean
        recent = values[bisect_left(times, start) :]
        return max(recent) if recent and self.aggregate == "peak" else values[-1]

    def _size(self, load: float, threads: int, running: int, floor: int) -> _Size:
        base = floor if self.mode == "average" else running
        use = load if self.mode == "share" else load / (threads * max(1, running))
        tolerance = self._tolerance
        if self.mode == "average":
            exact = load / (threads * self.target)
            needed = average_replicas(load, threads * self.target, base, tolerance)
        else:
            exact = use / self.target * max(1, running)
            needed = value_replicas(use, self.target, base, base, tolerance)
        wanted = needed
        if self.upscaling_factor is not None or self.downscaling_factor is not None:
            wanted = self._damped(exact, base, floor)
        wanted = capped(wanted, floor, self.max_raise, self.max_lower)
        return _Size(running, needed, min(max(0, wanted), LARGEST_BID))

    def _damped(self, exact: float, base: int, floor: int) -> int:
        if base == 0:
            return from_zero(exact, floor, self.upscaling_factor)
        if self._tolerance.holds(exact / base):
            return base
        return damped(exact, base, self.upscaling_factor, self.downscaling_factor)

    @property
    def _tolerance(self) -> Tolerance:
        down, up = self.tolerance_down, self.tolerance_up
        return Tolerance(
            self.tolerance if down is None else down, self.tolerance if up is None else up
        )

    def _lasted(
        self, seen: Observation, series: Series, replicas: Series | None, size: _Size
    ) -> int:
        """The size after the wishes of the whole series were looked at in turn, up to now."""
        waits = Waits(self.raise_after_s, self.lower_after_s, self.zero_after_s)
        wish = NO_WISH
        for known, at in enumerate(series.times, start=1):
            if at >= seen.at:
                break
            floor = floor_at(seen, at)
            running = _running(replicas, at, floor)
            then = self._size(self._load(series, at, known), seen.envelope.threads, running, floor)
            wish, _ = lasting(wish, at, then.wanted, floor, waits)
        floor = seen.envelope.min_replicas
        if size.running == 0 and size.wanted > floor:
            return size.wanted  # A start from nothing never waits.
        return lasting(wish, seen.at, size.wanted, floor, waits)[1]

    def _ceiling(self, floor: int) -> Bid:
        # Compared before rounding up: headroom may be any size, a bid may not.
        room = floor * self.headroom
        most = LARGEST_BID - floor
        return Bid(want=floor + (most if room >= most else min(most, max(1, math.ceil(room)))))

    def _reason(self, load: float, size: _Size, final: int, envelope: Envelope) -> Reason:
        floor = envelope.min_replicas
        code = Code.WITHIN_TOLERANCE if size.wanted == floor else Code.NOT_LASTING
        if final != floor:
            code = Code.LOAD_ABOVE_TARGET if final > floor else Code.LOAD_BELOW_TARGET
        sentence = "a {what} of {load:.1f} jobs in {window:span} needs {needed:count replica}"
        if self.mode == "share":
            sentence = "a {what} use of {load:.0%} in {window:span} needs {needed:count replica}"
        sentence += " of {threads:count thread} at {target:.0%}"
        if size.wanted != size.needed:
            sentence += ", {wanted} in this step"
        if final != size.wanted:
            sentence += "; not for long enough yet, so {final} for now"
        return because(
            code,
            sentence,
            what=_WORDS[self.aggregate],
            load=load,
            window=self.window_s,
            needed=size.needed,
            threads=envelope.threads,
            target=self.target,
            wanted=size.wanted,
            final=final,
        )


@dataclass(frozen=True, slots=True)
class _Size:
    running: int
    needed: int
    wanted: int


_WORDS = {"peak": "peak", "mean": "mean", "last": "newest value"}


def _running(replicas: Series | None, at: float, floor: int) -> int:
    """The running replicas at `at`: the newest sample until then, else the floor."""
    if replicas is None:
        return floor
    known = bisect_right(replicas.times, at)
    return whole(replicas.values[known - 1], LARGEST_BID) if known else floor
