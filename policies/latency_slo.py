"""Policy `latency_slo`: the fewest replicas with which a latency objective is met.

An objective ("95 % respond within 800 ms", or "95 % wait at most 200 ms") becomes a number of
servers (replicas x threads) by Erlang's delay formula, corrected for measured variability
(autoscaler/core/capacity.py). What was really observed corrects the model: over a window, the
observed percentile is compared with what the model says for the size of that moment, and the
median ratio tightens or loosens the objective within bounds. Nothing of this is kept; it is read
from the window every time. Moments for which the model sees an overload say nothing. Without
`replicas_signal` more replicas than the floor may have run, so the objective is only tightened.

What has to be known:

* Arrivals, not completions: a queue that grows hides its arrivals from those who count answers.
* The service time without waiting, mean. Threads that slow each other down show in it.
* Replicas that start up count as soon as they serve: a cold start is for the policy `forecast`.

When the service time alone breaks the objective, no number of replicas helps. The policy then
says so and has no opinion, or with `out_of_reach: stable` keeps the queue from growing at least.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from autoscaler.core.capacity import (
    Demand,
    little_jobs,
    queue,
    servers_for_response,
    servers_for_wait,
    square_root_staffing,
)
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Missing, Observation, Series, Signal
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because

# With the objective out of reach, so many arrivals may wait: stable, and hardly dearer.
STABLE_SHARE = 0.5
# A median of more samples than this tells no more, and each costs a pass over the servers.
MOST_RATIOS = 16
MOST_SCV = 100.0
OBSERVED = "; observed times are {factor:.2f} of the model's"


@dataclass(frozen=True, slots=True)
class LatencySlo:
    """Replicas for a latency objective by Erlang C, corrected by what is observed."""

    objective_s: float = field(
        default=1.0, metadata=meta("the time that must be kept", unit="s", gt=0, le=86_400)
    )
    share: float = field(
        default=0.95, metadata=meta("of requests that must keep it", ge=0.5, le=0.9999)
    )
    measure: str = field(
        default="response",
        metadata=meta(
            "the time of `wait` alone, or of the whole `response`", one_of=("response", "wait")
        ),
    )
    signal: str = field(
        default="arrival_rate",
        metadata=meta("arrivals of the whole deployment, or its jobs: see `load_is`"),
    )
    load_is: str = field(
        default="rate",
        metadata=meta(
            "the signal is a `rate` of arrivals per second, or running `jobs`",
            one_of=("rate", "jobs"),
        ),
    )
    service: str = field(
        default="service_time", metadata=meta("mean service time without waiting", unit="seconds")
    )
    service_scv_signal: str = field(
        default="", metadata=meta("variance / mean^2 of the service time; empty: `service_scv`")
    )
    service_scv: float = field(
        default=1.0, metadata=meta("the same when not measured; 1: exponential", ge=0, le=100)
    )
    arrival_scv: float = field(
        default=1.0, metadata=meta("of the gaps between arrivals; 1: Poisson", ge=0, le=100)
    )
    observed: str = field(
        default="",
        metadata=meta("the observed percentile of what `measure` says, in seconds; empty: unused"),
    )
    correction_most: float = field(
        default=2.0, metadata=meta("tighten the objective by at most this factor", ge=1, le=10)
    )
    correction_least: float = field(
        default=0.5, metadata=meta("loosen the objective to no less than this", gt=0, le=1)
    )
    replicas_signal: str = field(
        default="", metadata=meta("running replicas, for the correction; empty: the floor")
    )
    window_s: float = field(
        default=60.0, metadata=meta("the peak load of this time counts", unit="s", ge=0, le=86_400)
    )
    observed_window_s: float = field(
        default=600.0,
        metadata=meta("means and corrections are of this time", unit="s", ge=0, le=86_400),
    )
    headroom: float = field(
        default=0.5,
        metadata=meta("the ceiling above the floor, as a share of the floor, at least 1", ge=0),
    )
    out_of_reach: str = field(
        default="silent",
        metadata=meta(
            "when no number of replicas meets the objective: `silent`, or keep it `stable`",
            one_of=("silent", "stable"),
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """Load and service time, and the optional signals that are named."""
        optional = (self.service_scv_signal, self.observed, self.replicas_signal)
        return self.signal, self.service, *(name for name in optional if name)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at, seconds."""
        # The correction asks which load each observation met.
        load = max(self.window_s, self.observed_window_s * bool(self.observed))
        return dict.fromkeys(self.needs, self.observed_window_s) | {self.signal: load}

    def propose(self, seen: Observation) -> Answer:
        """Want a floor that meets the objective at the peak load, and a ceiling above it."""
        load = seen.signal(self.signal)
        if isinstance(load, Missing):
            return missing(self.signal, load)
        peak = max(_recent(load, seen.at - self.window_s))
        if peak <= 0:
            return self._proposal(0, _idle(self.window_s, seen.envelope))
        demand = self._demand(seen, peak)
        if isinstance(demand, _Gap):
            return missing(demand.signal, demand.found)
        factor = self._correction(seen, load, demand)
        servers = self._servers(demand, self.objective_s / factor)
        if servers is None:
            return self._beyond_reach(demand, factor, seen.envelope)
        return self._sized(servers, demand, factor, seen.envelope)

    def _servers(self, demand: Demand, limit_s: float) -> int | None:
        if self.measure == "wait":
            return servers_for_wait(demand, limit_s, self.share)
        return servers_for_response(demand, limit_s, self.share)

    def _demand(self, seen: Observation, peak: float) -> Demand | _Gap:
        """The peak as offered load with its service time, or the signal that has none."""
        start = seen.at - self.observed_window_s
        service = _mean(seen.signal(self.service), start)
        if isinstance(service, Missing):
            return _Gap(self.service, service)
        if service <= 0:
            return _Gap(self.service, Missing(Absence.IMPLAUSIBLE, "a service takes no time"))
        scv: float | Missing = self.service_scv
        if self.service_scv_signal:
            scv = _mean(seen.signal(self.service_scv_signal), start)
        if isinstance(scv, Missing):
            return _Gap(self.service_scv_signal, scv)
        scv = max(0.0, min(scv, MOST_SCV))
        return Demand(self._offered(peak, service), service, scv, self.arrival_scv)

    def _offered(self, load: float, service_s: float) -> float:
        # Running jobs are busy servers by Little's law; jobs that queue count as if they ran.
        offered = load if self.load_is == "jobs" else little_jobs(load, service_s)
        return max(0.0, min(offered, float(LARGEST_BID)))

    def _correction(self, seen: Observation, load: Series, demand: Demand) -> float:
        """The median of observed / modelled time over the window, bounded; 1 when unknown."""
        observed = seen.signal(self.observed) if self.observed else None
        if observed is None or isinstance(observed, Missing):
            return 1.0
        first = bisect_right(observed.times, seen.at - self.observed_window_s)
        last = bisect_right(observed.times, seen.at)
        places = range(first, last, 1 + (last - first) // MOST_RATIOS)
        ratios = [
            ratio
            for i in places
            if (ratio := self._ratio(observed.values[i], observed.times[i], seen, load, demand))
        ]
        if not ratios:
            return 1.0
        least = self.correction_least if self.replicas_signal else 1.0
        return max(least, min(self.correction_most, median(ratios)))

    def _ratio(
        self, value: float, at: float, seen: Observation, load: Series, demand: Demand
    ) -> float:
        """Observed / modelled time at Unix time `at`; 0 when one of them says nothing."""
        held, servers = _held(load, at), self._servers_at(seen, at)
        if held is None or value <= 0 or servers < 1:
            return 0.0
        offered = self._offered(held, demand.service_s)
        then = queue(replace(demand, load=offered), min(servers, LARGEST_BID))
        if self.measure == "wait":
            # Waits alone may be next to nothing; with the service time the ratio is calm.
            value += demand.service_s
            modelled = then.wait_percentile(self.share) + demand.service_s
        else:
            modelled = then.response_percentile(self.share)
        return value / modelled if 0 < modelled < math.inf else 0.0

    def _servers_at(self, seen: Observation, at: float) -> int:
        envelope = _envelope_at(seen, at)
        running = seen.signal(self.replicas_signal) if self.replicas_signal else None
        known = _held(running, at) if isinstance(running, Series) else None
        replicas = envelope.min_replicas if known is None else int(min(known, LARGEST_BID))
        return replicas * envelope.threads

    def _proposal(self, floor: int, reason: Reason) -> Proposal:
        room, most = floor * self.headroom, LARGEST_BID - floor
        # Compared before rounding up: headroom may be any size, a bid may not.
        roof = floor + (most if room >= most else min(most, max(1, math.ceil(room))))
        return Proposal({Dial.MIN_REPLICAS: Bid(want=floor), Dial.MAX_REPLICAS: Bid(roof)}, reason)

    def _sized(self, servers: int, demand: Demand, factor: float, now: Envelope) -> Proposal:
        floor = max(1, min(LARGEST_BID, -(-servers // now.threads)))
        sentence = (
            "{load:.1f} busy threads of {service:.3g} s need {floor:count replica} of "
            "{threads:count thread} for a {measure} of {objective:.3g} s in {share:.4g}%"
        )
        sentence += OBSERVED * (factor != 1)
        reason = because(
            _direction(floor, now.min_replicas),
            sentence,
            load=demand.load,
            service=demand.service_s,
            floor=floor,
            threads=now.threads,
            measure=self.measure,
            objective=self.objective_s,
            share=self.share * 100,
            factor=factor,
        )
        return self._proposal(floor, reason)

    def _beyond_reach(self, demand: Demand, factor: float, now: Envelope) -> Proposal:
        sentence = (
            "service alone, {service:.3g} s on average, exceeds {objective:.3g} s in {late:.2%} "
            "and {allowed:.2%} are allowed: no number of replicas meets the objective"
        )
        servers = square_root_staffing(demand.load, STABLE_SHARE)
        floor = min(LARGEST_BID, max(1, -(-servers // now.threads)))
        stable = self.out_of_reach == "stable"
        reason = because(
            Code.OBJECTIVE_OUT_OF_REACH,
            sentence
            + OBSERVED * (factor != 1)
            + "; {floor:count replica} keep the queue stable" * stable,
            service=demand.service_s,
            objective=self.objective_s / factor,
            late=demand.service_beyond(self.objective_s / factor),
            allowed=1 - self.share,
            factor=factor,
            floor=floor,
        )
        return self._proposal(floor, reason) if stable else Proposal({}, reason)


@dataclass(frozen=True, slots=True)
class _Gap:
    signal: str
    found: Missing


def _recent(series: Series, start: float) -> Sequence[float]:
    """The values since `start`, those of a forecast included; the last if there are none."""
    return series.since(start) or (series.last,)


def _mean(signal: Signal, start: float) -> float | Missing:
    if isinstance(signal, Missing):
        return signal
    values = _recent(signal, start)
    mean = sum(values) / len(values)
    return mean if math.isfinite(mean) else Missing(Absence.NOT_A_NUMBER, "the mean overflows")


def _held(series: Series, at: float) -> float | None:
    """The newest value sampled until `at`; None when there is none."""
    known = bisect_right(series.times, at)
    return series.values[known - 1] if known else None


def _envelope_at(seen: Observation, at: float) -> Envelope:
    for change in seen.changes:
        if change.at > at:
            return change.before
    return seen.envelope


def _direction(floor: int, now: int) -> Code:
    if floor == now:
        return Code.WITHIN_TOLERANCE
    return Code.LOAD_ABOVE_TARGET if floor > now else Code.LOAD_BELOW_TARGET


def _idle(window_s: float, now: Envelope) -> Reason:
    return because(
        _direction(0, now.min_replicas),
        "no arrivals in {window:span} need no replica",
        window=window_s,
    )
