"""Policy `thread_tuner`: how many requests a replica should work on at once.

Sources:
* Netflix concurrency-limits (autoscaler/core/limiter.py): `gradient2`, `vegas` and `aimd` move a
  limit by the latency and the requests in flight. The limiter is folded over the samples of the
  window, from the present thread count on; nothing of it is kept.
* Gunther's Universal Scalability Law (autoscaler/core/capacity.py): where the window holds enough
  different concurrencies, its peak bounds what the limiter finds. Gradient2 alone drifts upward
  where latency creeps, and cannot see a latency that is a constant timeout.

Changing threads very probably restarts every replica beside the old ones, so a change is rare:
not while an incident may be going on, not within the cooldown, and only when the gain over a
horizon outweighs two sets of replicas for a cold start. Threads change the meaning of a replica:
both replica dials move in the same proposal, to the same capacity and never below the load.

The latency must be that of the model without the platform's queue: a queue in front of replicas
that are too few is no reason for fewer threads.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.core.capacity import Misfit, Usl, fit_usl
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.limiter import WARM_UP, Rule, Sample, Track, aimd, gradient2, vegas
from autoscaler.core.observation import Missing, Observation, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because

RULES = {"gradient2": gradient2, "vegas": vegas, "aimd": aimd}
MOST_THREADS = 1000  # where the user sets no limit
SETTLED = "ACTIVE"
DUST = 1e-9  # a whole number of replicas stays one in spite of rounding


@dataclass(frozen=True, slots=True)
class ThreadTuner:
    """Threads by latency and requests in flight; rare, and only when worth a restart."""

    latency: str = field(
        default="service_latency",
        metadata=meta("mean time in the model without the platform's queue", unit="seconds"),
    )
    jobs: str = field(
        default="running_jobs",
        metadata=meta("running requests of the whole deployment", unit="requests"),
    )
    replicas_signal: str = field(
        default="",
        metadata=meta("running replicas; empty: what the platform's own scaler would keep"),
    )
    errors: str = field(
        default="", metadata=meta("share of failing requests, as a veto; empty: unused")
    )
    errors_veto: float = field(
        default=0.02, metadata=meta("more errors are an incident", ge=0, le=1)
    )
    latency_veto_s: float | None = field(
        default=None, metadata=meta("more latency is an incident", unit="s", gt=0)
    )
    calm_s: float = field(
        default=900.0, metadata=meta("no sign of an incident for so long", unit="s", ge=0)
    )
    rule: str = field(
        default="gradient2",
        metadata=meta("how the limit is found", one_of=("gradient2", "vegas", "aimd")),
    )
    queue: float = field(
        default=4.0, metadata=meta("requests that may wait in a replica (gradient2)", ge=0)
    )
    tolerance: float = field(
        default=1.5, metadata=meta("latency over its average that is fine (gradient2)", ge=1)
    )
    smoothing: float = field(
        default=0.2, metadata=meta("share of the way per sample (not aimd)", gt=0, le=1)
    )
    timeout_s: float = field(
        default=5.0, metadata=meta("a latency above counts as failed (aimd)", unit="s", gt=0)
    )
    window_s: float = field(
        default=3600.0, metadata=meta("samples of this time count", unit="s", gt=0, le=604_800)
    )
    fresh_s: float = field(
        default=180.0, metadata=meta("samples older than this change nothing", unit="s", gt=0)
    )
    samples: int = field(default=60, metadata=meta("so many samples are needed", ge=WARM_UP))
    busy_share: float = field(
        default=0.5,
        metadata=meta("share of samples with half of the threads busy that is needed", ge=0, le=1),
    )
    fill: float = field(
        default=0.8, metadata=meta("share of threads that the load may fill after", gt=0, le=1)
    )
    max_factor: float = field(
        default=1.5, metadata=meta("threads change by at most this factor at once", gt=1, le=4)
    )
    min_gain: float = field(
        default=0.1, metadata=meta("share of replicas or latency to be gained", gt=0, lt=1)
    )
    horizon_s: float = field(
        default=21_600.0, metadata=meta("the gain of this time counts", unit="s", gt=0)
    )
    startup_s: float = field(
        default=300.0, metadata=meta("a cold start while none was measured", unit="s", ge=0)
    )
    cooldown_s: float = field(
        default=21_600.0,
        metadata=meta("between two changes of threads", unit="s", ge=3600, le=2_592_000),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """Latency and jobs, and the optional signals that are named."""
        optional = (self.replicas_signal, self.errors)
        return self.latency, self.jobs, *(name for name in optional if name)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        spans = dict.fromkeys(self.needs, max(self.window_s, self.calm_s))
        return spans | {self.errors: self.calm_s} if self.errors else spans

    def propose(self, seen: Observation) -> Answer:
        """Want other threads and the replicas that go with them; mostly no opinion."""
        series = self._series(seen)
        if isinstance(series, Abstain):
            return series
        veto = self._incident(seen, series) or self._cooling(seen)
        if veto is not None:
            return Proposal({}, veto)
        moments = self._moments(seen, series)
        if len(moments) < self.samples:
            # No gap in the data: a quiet night has too few samples too, and may be lowered.
            return Proposal({}, _too_short(len(moments), self.samples))
        threads = seen.envelope.threads
        busy = sum(m.inflight * 2 >= threads for m in moments) / len(moments)
        if busy < self.busy_share:
            return Proposal({}, _too_low(busy, self.busy_share, threads))
        curve = fit_usl([(m.inflight, m.answers) for m in moments])
        aim = self._aim(moments, curve, seen)
        if aim == threads:
            return Proposal({}, _right(self.rule, threads, len(moments)))
        return self._weighed(_Move(threads, aim, curve), series, moments, seen)

    def _series(self, seen: Observation) -> Mapping[str, Series] | Abstain:
        """The needed signals by name; an abstention when one is missing or old."""
        series: dict[str, Series] = {}
        for name in self.needs:
            found = seen.signal(name)
            if isinstance(found, Missing):
                return missing(name, found)
            age = seen.at - found.last_at
            if age > self.fresh_s:
                return Abstain(_stale(name, age))
            if not found.complete:
                text = "{signal} is partial: too little for a restart"
                return Abstain(because(Code.DATA_INCOMPLETE, text, signal=name))
            series[name] = found
        return series

    def _incident(self, seen: Observation, series: Mapping[str, Series]) -> Reason | None:
        """Why nothing is restarted now; None when all is calm."""
        if seen.health.state != SETTLED or not seen.health.is_ready:
            return _incident("the deployment is {sign}", seen.health.state)
        if any(said.active(seen.at) for said in seen.overrides):
            return _incident("an operator's {sign} is active", "override")
        start = seen.at - self.calm_s
        if self.errors and max(_recent(series[self.errors], start)) > self.errors_veto:
            return _incident("errors were above {sign} lately", f"{self.errors_veto:.2%}")
        slowest = max(_recent(series[self.latency], start))
        if self.latency_veto_s is not None and slowest > self.latency_veto_s:
            return _incident("latency was above {sign} lately", f"{self.latency_veto_s:.3g} s")
        return None

    def _cooling(self, seen: Observation) -> Reason | None:
        left = _tuned_at(seen) + self.cooldown_s - seen.at
        if left <= 0:
            return None
        return because(Code.COOLDOWN, "threads changed lately; {left:span} to wait", left=left)

    def _moments(self, seen: Observation, series: Mapping[str, Series]) -> list[_Moment]:
        """One replica's concurrency and latency, since its threads are what they are."""
        latency = series[self.latency]
        since = max(seen.at - self.window_s, _tuned_at(seen) + self._startup_s(seen))
        found = (
            self._moment(at, value, seen, series)
            for at, value in zip(latency.times, latency.values, strict=True)
            if since <= at <= seen.at and value > 0
        )
        return [moment for moment in found if moment is not None]

    def _moment(
        self, at: float, latency: float, seen: Observation, series: Mapping[str, Series]
    ) -> _Moment | None:
        jobs = self._held(series[self.jobs], at)
        if jobs is None or jobs <= 0:
            return None
        replicas = self._replicas(jobs, at, seen, series)
        # What is above the threads queues outside of the replica.
        inflight = min(float(seen.envelope.threads), jobs / replicas)
        return _Moment(Sample(latency, inflight), replicas)

    def _replicas(
        self, jobs: float, at: float, seen: Observation, series: Mapping[str, Series]
    ) -> int:
        """Running replicas at Unix time `at`, at least 1."""
        measured = series.get(self.replicas_signal)
        known = None if measured is None else self._held(measured, at)
        if known is not None:
            return max(1, int(min(known, LARGEST_BID)))
        envelope = _envelope_at(seen, at)
        # The platform's own scaler fills a share of the threads before it adds a replica.
        kept = jobs / (envelope.threads * max(0.01, seen.native.up_threshold))
        return max(
            1, envelope.min_replicas, min(envelope.max_replicas, math.ceil(min(kept, LARGEST_BID)))
        )

    def _held(self, series: Series, at: float) -> float | None:
        """The newest value until `at`; None when there is none or it is old."""
        known = bisect_right(series.times, at)
        if not known or at - series.times[known - 1] > self.fresh_s:
            return None
        return series.values[known - 1]

    def _startup_s(self, seen: Observation) -> float:
        learned = seen.learned.startup_s
        return self.startup_s if learned is None else learned

    def _aim(self, moments: Sequence[_Moment], curve: Usl | Misfit, seen: Observation) -> int:
        """The limiter's threads, bounded by the curve's peak, one step and what is allowed."""
        threads, least, most = seen.envelope.threads, *_allowed(seen)
        rule = Rule(
            least,
            most,
            smoothing=self.smoothing,
            queue=self.queue,
            tolerance=self.tolerance,
            timeout=self.timeout_s,
        )
        track = Track(rule.clamp(threads))
        for moment in moments:
            track = RULES[self.rule](track, moment.sample, rule)
        aim = int(track.limit)
        if isinstance(curve, Usl):
            aim = min(aim, max(1, int(min(curve.peak(), MOST_THREADS))))
        highest = max(threads + 1, int(threads * self.max_factor))
        lowest = min(threads - 1, math.ceil(threads / self.max_factor))
        return int(rule.clamp(max(lowest, min(highest, aim))))

    def _weighed(
        self,
        move: _Move,
        series: Mapping[str, Series],
        moments: Sequence[_Moment],
        seen: Observation,
    ) -> Proposal:
        """The move with its replicas, or why it is not worth a restart."""
        now, gain = seen.envelope, move.gain(moments[-1].replicas)
        startup = self._startup_s(seen)
        if gain < self.min_gain or gain * self.horizon_s <= 2 * startup:
            tail = "{gain:.0%} {what} over {horizon:.0f} s: below {least:.0%}, or not worth two "
            tail += "sets of replicas for {startup:.0f} s"
            spans = {"horizon": self.horizon_s, "startup": startup, "least": self.min_gain}
            return Proposal({}, move.said(Code.RESTART_OUTWEIGHS_GAIN, tail, gain=gain, **spans))
        peak = max(_recent(series[self.jobs], seen.at - self.calm_s))
        needed = _whole(peak / (move.after * self.fill))
        floor = max(_whole(now.min_replicas * move.scale()), needed)
        roof = max(floor, _whole(now.max_replicas * move.scale()))
        limits = seen.limits
        if move.after < move.before and not (
            floor <= limits.min_replicas.clamp(floor) and roof <= limits.max_replicas.clamp(roof)
        ):
            tail = "the limits have no room for {floor}..{roof} replicas"
            return Proposal({}, move.said(Code.LIMITS, tail, floor=floor, roof=roof))
        bids = {
            Dial.THREADS: Bid(want=move.after),
            Dial.MIN_REPLICAS: Bid(want=floor),
            Dial.MAX_REPLICAS: Bid(want=roof),
        }
        tail = f"with {{floor}}..{{roof}} replicas: {{gain:.0%}} {{what}} by {self.rule}"
        tuned = move.said(Code.THREADS_TUNED, tail, gain=gain, floor=floor, roof=roof)
        return Proposal(bids, tuned)


@dataclass(frozen=True, slots=True)
class _Moment:
    sample: Sample
    replicas: int

    @property
    def inflight(self) -> float:
        return self.sample.inflight

    @property
    def answers(self) -> float:
        """Per second and replica, by Little's law."""
        return self.sample.inflight / self.sample.latency


@dataclass(frozen=True, slots=True)
class _Move:
    before: int
    after: int
    curve: Usl | Misfit

    def scale(self) -> float:
        """Replicas after, as a share of those before, for the same capacity."""
        nominal = self.before / self.after
        if self.after < self.before or isinstance(self.curve, Misfit):
            return nominal
        # Twice the threads do not get twice as much done: what the curve says is needed.
        return max(nominal, self._throughput_ratio(self.curve))

    def gain(self, replicas: int) -> float:
        """Share of replicas that more threads save, or of latency that fewer take away."""
        if self.after > self.before:
            return 1 - math.ceil(replicas * self.scale() - DUST) / replicas
        nominal = self.after / self.before
        if isinstance(self.curve, Misfit):
            return 1 - nominal
        return 1 - nominal * self._throughput_ratio(self.curve)

    def said(self, code: Code, tail: str, **facts: float | str) -> Reason:
        """A reason that begins with the move and the curve that it was seen on."""
        curve = "" if isinstance(self.curve, Misfit) else f" (peak at {self.curve.peak():.0f})"
        sentence = "{after} threads for {before}{curve}, " + tail
        what = "of replicas saved" if self.after > self.before else "of latency gained"
        return because(
            code, sentence, before=self.before, after=self.after, curve=curve, what=what, **facts
        )

    def _throughput_ratio(self, curve: Usl) -> float:
        return curve.throughput(self.before) / curve.throughput(self.after)


def _recent(series: Series, start: float) -> Sequence[float]:
    return series.since(start) or (series.last,)


def _tuned_at(seen: Observation) -> float:
    """When threads changed last, Unix seconds; minus infinity when never."""
    times = (c.at for c in seen.changes if c.before.threads != c.after.threads)
    return max(times, default=-math.inf)


def _envelope_at(seen: Observation, at: float) -> Envelope:
    for change in seen.changes:
        if change.at > at:
            return change.before
    return seen.envelope


def _allowed(seen: Observation) -> tuple[int, int]:
    """The least and most threads by the user's limits and the platform's learnt ceiling."""
    wanted, ceiling = seen.limits.threads, seen.learned.thread_ceiling
    most = MOST_THREADS if wanted.high is None else wanted.high
    most = max(1, most if ceiling is None else min(most, ceiling))
    return min(max(1, wanted.low), most), most


def _whole(number: float) -> int:
    return max(0, math.ceil(min(number, float(LARGEST_BID)) - DUST))


def _incident(sentence: str, sign: str) -> Reason:
    return because(Code.NOT_DURING_INCIDENT, "no restart now: " + sentence, sign=sign)


def _stale(name: str, age: float) -> Reason:
    sentence = "the newest {signal} is {age:span} old: too old for a restart"
    return because(Code.SIGNAL_STALE, sentence, signal=name, age=age)


def _too_short(found: int, needed: int) -> Reason:
    sentence = "{found} samples since threads are what they are; {needed} are needed"
    return because(Code.SIGNAL_TOO_SHORT, sentence, found=found, needed=needed)


def _too_low(busy: float, needed: float, threads: int) -> Reason:
    return because(
        Code.LOAD_TOO_LOW_TO_TELL,
        "half of {threads} threads were busy in {busy:.0%} of samples: below {needed:.0%}, "
        "the load is too low to tell",
        threads=threads,
        busy=busy,
        needed=needed,
    )


def _right(rule: str, threads: int, count: int) -> Reason:
    sentence = "{rule} keeps {threads} threads over {count} samples"
    return because(Code.THREADS_RIGHT, sentence, rule=rule, threads=threads, count=count)
