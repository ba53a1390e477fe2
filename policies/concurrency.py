"""Policy `concurrency`: follow the requests in flight, and panic when they surge.

Source of the rules: Knative Serving (autoscaler/core/kpa.py), held against what it answers in
tests/vectors/knative.json. The average over a stable window sets the size. Once the average
over a short window needs `panic_threshold` times the ready replicas, panic begins: the size only
rises until a stable window has passed without that. The policy holds no memory: it folds one
look after another over the samples that the signal still keeps, so a restart forgets nothing.
Keep more samples (`window` of the signal) than the stable window and the delay together.

Differences on purpose:

* A gap in the samples is bridged with the last value (`gaps: hold`): missing is not zero.
  Knative counts the empty buckets of a window as zero (`gaps: zero`).
* Several samples of one bucket are averaged: they measure one deployment twice. Knative sums
  them, because each replica reports for itself.
* While the samples reach back no further than the stable window and the scale-down delay
  together, nothing is lowered. Knative starts in panic when more than one replica is ready, as
  the first look here does, but forgets its scale-down delay at a restart.
* The ready replicas are `replicas_signal` when given, else the guaranteed floor of that time.
* Excess burst capacity, on which Knative takes its proxy out of the path, raises the ceiling
  here until `burst` more requests find room.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.hpa import whole
from autoscaler.core.kpa import (
    CALM,
    Buckets,
    Kpa,
    Panic,
    bucketed,
    excess_burst_capacity,
    held_until,
    kpa_step,
    linear_average,
    stretches,
    weighted_average,
    window_max,
)
from autoscaler.core.observation import Missing, Observation, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because

GAP_S = 60.0
"""Samples are expected to be at most this far apart, seconds."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Replicas for the average requests in flight, with a panic for surges (Knative's KPA)."""

    signal: str = field(
        default="running_jobs",
        metadata=meta("requests in flight of the whole deployment", unit="requests"),
    )
    target: float = field(
        default=0.7, metadata=meta("share of a replica's threads to fill", gt=0, le=1)
    )
    stable_window_s: float = field(
        default=60.0,
        metadata=meta("the average of this time sets the size", unit="s", ge=6, le=3600),
    )
    panic_share: float = field(
        default=0.1, metadata=meta("the short window, as a share of the stable one", ge=0.01, le=1)
    )
    panic_threshold: float = field(
        default=2.0,
        metadata=meta("panic when the short window needs this times the replicas", ge=1.1, le=10),
    )
    max_up: float = field(
        default=1000.0, metadata=meta("at most this times the ready replicas at once", gt=1)
    )
    max_down: float = field(
        default=2.0, metadata=meta("at least the ready replicas divided by this at once", gt=1)
    )
    activation_scale: int = field(
        default=0, metadata=meta("at least this many while there is any load", ge=0, le=1000)
    )
    scale_down_delay_s: float = field(
        default=0.0,
        metadata=meta("lower to the highest wish of this time", unit="s", ge=0, le=3600),
    )
    bucket_s: float = field(
        default=5.0, metadata=meta("the grain of the windows", unit="s", ge=1, le=300)
    )
    gaps: str = field(
        default="hold",
        metadata=meta(
            "between samples: `hold` the last value, or count `zero` as Knative does",
            one_of=("hold", "zero"),
        ),
    )
    averaging: str = field(
        default="linear",
        metadata=meta(
            "every bucket of a window alike, or the newest most", one_of=("linear", "exponential")
        ),
    )
    replicas_signal: str = field(
        default="", metadata=meta("ready replicas; empty: the guaranteed floor")
    )
    headroom: float = field(
        default=0.5,
        metadata=meta("the ceiling above the floor, as a share of the floor, at least 1", ge=0),
    )
    burst: float = field(
        default=0.0,
        metadata=meta("room for so many more requests below the ceiling", unit="requests", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.bucket_s > self.stable_window_s:
            raise ValueError(
                f"bucket_s must be at most stable_window_s, got {self.bucket_s:g} "
                f"and {self.stable_window_s:g}"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """The load signal, and the replicas' when given."""
        return (self.signal, self.replicas_signal) if self.replicas_signal else (self.signal,)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        # More than both windows must be known before anything is lowered: another sample.
        span = self.stable_window_s + self.scale_down_delay_s + GAP_S
        return dict.fromkeys(self.needs, span)

    def propose(self, seen: Observation) -> Answer:
        """Want a floor for the average load, or in panic for the highest that it came to."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        replicas = seen.signal(self.replicas_signal) if self.replicas_signal else None
        if isinstance(replicas, Missing):
            return missing(self.replicas_signal, replicas)
        known = bisect_right(series.times, seen.at)
        if not known:
            return Abstain(
                because(Code.SIGNAL_TOO_SHORT, "{signal} has no value yet", signal=self.signal)
            )
        start = min(bisect_left(series.times, series.recovered_at or 0.0), known - 1)
        look = self._fold(seen, series.times[start:known], series.values[start:known], replicas)
        floor = seen.envelope.min_replicas
        final = max(look.delayed, floor) if look.young else look.delayed
        final = min(final, LARGEST_BID)
        ceiling = Bid(want=self._ceiling(final, seen.envelope.threads, look.surge))
        bids = {Dial.MIN_REPLICAS: Bid(want=final), Dial.MAX_REPLICAS: ceiling}
        return Proposal(bids, self._reason(look, final, seen.at, seen.envelope))

    def _fold(
        self,
        seen: Observation,
        times: tuple[float, ...],
        values: tuple[float, ...],
        replicas: Series | None,
    ) -> _Look:
        """Look once per bucket of samples, handing the panic on, and once more now."""
        width, hold = self.bucket_s, self.gaps == "hold"
        size = math.ceil(self.stable_window_s / width)
        kpa = self._kpa(seen.envelope.threads)
        need = self.stable_window_s + self.scale_down_delay_s
        have = seen.at - times[0]
        ready = _ready(seen, replicas, times[0])
        # As Knative starts: whatever panic was on before is unknown, and this is its caution.
        panic = Panic(times[0], ready) if ready > 1 else CALM
        asked: list[tuple[float, int]] = []
        views = list(stretches(bucketed(times, values, width, sums=False), size, hold=hold))
        # Each look takes the replicas of its own sample's time: a raise that answered a surge
        # came after it, and must not make the surge look small afterwards.
        sampled = {math.floor(at / width): at for at in times}
        for view in views:
            at = sampled[view.last]
            stable, surge = self._averages(view, view.last, size)
            panic, pods = kpa_step(kpa, panic, at, _ready(seen, replicas, at), stable, surge)
            asked.append((at, pods))
        now = math.floor(seen.at / width)
        stable, surge = self._averages(
            held_until(views[-1], now, size) if hold else views[-1],
            min(now, views[-1].last + size - 1) if hold else now,
            size,
        )
        ready = _ready(seen, replicas, seen.at)
        panic, pods = kpa_step(kpa, panic, seen.at, ready, stable, surge)
        asked.append((seen.at, pods))
        delay = self.scale_down_delay_s
        delayed = window_max(asked, delay, width) if delay else pods
        return _Look(panic, stable, surge, pods, delayed, have, need)

    def _averages(self, buckets: Buckets, now: int, size: int) -> tuple[float, float]:
        average = linear_average if self.averaging == "linear" else weighted_average
        short = max(1, round(size * self.panic_share))
        return average(buckets, now, size), average(buckets, now, short)

    def _kpa(self, threads: int) -> Kpa:
        return Kpa(
            target=threads * self.target,
            max_up=self.max_up,
            max_down=self.max_down,
            panic_threshold=self.panic_threshold,
            stable_window_s=self.stable_window_s,
            activation_scale=self.activation_scale,
        )

    def _ceiling(self, floor: int, threads: int, surge: float) -> int:
        room = max(1, whole(floor * self.headroom))
        lacking = -excess_burst_capacity(floor + room, threads, self.burst, surge)
        return min(LARGEST_BID, floor + room + max(0, math.ceil(lacking / threads)))

    def _reason(self, look: _Look, final: int, at: float, envelope: Envelope) -> Reason:
        sentence = "an average of {stable:.1f} jobs over {window:span} needs {pods:count replica}"
        if look.panic.since is not None:
            sentence = (
                "panic for {panicked:span}: {surge:.1f} jobs over {short:span}, {stable:.1f} "
                "over {window:span}, at most {pods:count replica} needed"
            )
        sentence += " of {threads:count thread} at {target:.0%}"
        if look.delayed != look.pods:
            sentence += "; {delayed} were needed within {delay:span}"
        if final != look.delayed:
            sentence += "; {final} stay until {need:span} of samples are known, now {have:span}"
        return because(
            self._code(look, final, envelope.min_replicas),
            sentence,
            stable=look.stable,
            surge=look.surge,
            window=self.stable_window_s,
            short=self.stable_window_s * self.panic_share,
            panicked=at - (look.panic.since or at),
            pods=look.pods,
            threads=envelope.threads,
            target=self.target,
            delayed=look.delayed,
            delay=self.scale_down_delay_s,
            final=final,
            need=look.need_s,
            have=look.have_s,
        )

    def _code(self, look: _Look, final: int, floor: int) -> Code:
        if final != look.delayed:
            return Code.HISTORY_TOO_SHORT
        if look.panic.since is not None:
            return Code.PANICKING
        if final == floor:
            return Code.WITHIN_TOLERANCE
        return Code.LOAD_ABOVE_TARGET if final > floor else Code.LOAD_BELOW_TARGET


@dataclass(frozen=True, slots=True)
class _Look:
    panic: Panic
    stable: float
    surge: float
    pods: int
    delayed: int
    have_s: float
    need_s: float

    @property
    def young(self) -> bool:
        return self.have_s <= self.need_s


def _ready(seen: Observation, replicas: Series | None, at: float) -> int:
    """The ready replicas at `at`: the newest sample until then, else the floor of that time."""
    if replicas is not None:
        known = bisect_right(replicas.times, at)
        if known:
            return whole(replicas.values[known - 1])
    for change in seen.changes:
        if change.at > at:
            return change.before.min_replicas
    return seen.envelope.min_replicas
