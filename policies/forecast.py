"""Policy `forecast`: a floor ahead of the cold start, released only when it is no longer needed.

Reads forecast signals, whose samples lie ahead of now: `<signal>` is the demand to be ready for
once a replica ordered now serves, `<signal>_keep` the demand from now until then, and
`<signal>_ceiling` a demand that is almost never passed. It follows what AWS, Azure and Google
document of their predictive scaling: a forecast alone never removes capacity.

A replica more is ordered for the first, a replica is let go only above the second: the
ski-rental rule, keep while the expected idle time is shorter than a new cold start. The ceiling
follows `<signal>_ceiling` and what the platform could use for the present load. How long
less must have been wanted, and how little is not worth a write, is for the guards `stabilise`
(120 to 300 s work well) and `deadband` (10 %), which every policy shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import (
    Absence,
    ChosenRisk,
    Missing,
    Observation,
    Series,
    Signal,
)
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, Reason, because

# A forecast just above a whole number of replicas by rounding dust does not order one more.
DUST = 1e-6

# Present load is the highest of this long, seconds.
LEVEL_S = 120.0
# What a replica carries is well known from this many sights and when its ends are so near.
LEAST_SIGHTS = 5
MOST_DOUBT = 1.25
# A platform whose scaler adds below this load would leave no ceiling at all.
LEAST_THRESHOLD = 0.1


@dataclass(frozen=True, slots=True)
class Forecast:
    """Order replicas for the forecast demand; let them go by fresh data and the keep forecast."""

    signal: str = field(
        default="forecast",
        metadata=meta("forecast of running and queued requests of the whole deployment"),
    )
    demand: str = field(
        default="running_jobs",
        metadata=meta("what is forecast, as measured: must be fresh before anything is released"),
    )
    target: float = field(
        default=1.0, metadata=meta("share of a replica's threads that may be full", gt=0, le=1)
    )
    buffer: float = field(
        default=0.0, metadata=meta("capacity on top, as a share of the forecast", ge=0, le=5)
    )
    room: bool = field(
        default=True,
        metadata=meta("the ceiling leaves the platform's own scaler what present load can use"),
    )
    spare: int = field(
        default=1, metadata=meta("replicas of the ceiling above that", ge=0, le=1000)
    )
    use_carried: bool = field(
        default=False,
        metadata=meta("plan with what a replica was seen to carry, once that is well known"),
    )
    fresh_s: float = field(
        default=180.0, metadata=meta("older demand releases nothing", unit="s", gt=0, le=3600)
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """The measured demand and the forecast with its two companions."""
        return self.demand, self.signal, f"{self.signal}_keep", f"{self.signal}_ceiling"

    def propose(self, seen: Observation) -> Answer:
        """Bid floors for the forecast; want less only with data that is fresh and complete."""
        ahead = _ahead(seen.signal(self.signal), seen.at)
        if isinstance(ahead, Missing):
            return missing(self.signal, ahead)
        current = seen.envelope
        floor = self._replicas(ahead, self._carries(seen))
        keep = self._releasable(seen, f"{self.signal}_keep")
        held = floor if keep is None else max(floor, min(current.min_replicas, keep))
        roof, loose = self._roof(seen, max(floor, held))
        bids = {
            Dial.MIN_REPLICAS: Bid(None if keep is None else held, at_least=floor),
            Dial.MAX_REPLICAS: Bid(roof if loose and keep is not None else None, at_least=roof),
        }
        reason = self._reason(seen, ahead, floor, held, keep)
        return Proposal(bids, _with_risk(reason, seen.learned.risk_of(self.signal)))

    def _reason(
        self, seen: Observation, demand: float, floor: int, held: int, keep: int | None
    ) -> Reason:
        now, code = seen.envelope.min_replicas, Code.WITHIN_TOLERANCE
        sentence = (
            "up to {demand:.0f} requests expected{within}{sure}, "
            "{floor:count replica} hold {holds:.0f}"
        )
        if floor > now:
            code = Code.LOAD_ABOVE_TARGET
        elif keep is None:
            sentence += "; stale data lets none go"
        elif held < now:
            code = Code.LOAD_BELOW_TARGET
            sentence = "{keep:count replica} hold all that is expected until a new one could serve"
        elif held > floor:
            sentence += ", and {keep} stay until a new one could serve"
        forecast = seen.signal(self.signal)
        lead = 0.0 if isinstance(forecast, Missing) else forecast.last_at - seen.at
        tau = seen.risks.get(self.signal)
        sentence = sentence.replace("{within}", " within {lead:span}" if lead >= 1 else "")
        return because(
            code,
            sentence.replace("{sure}", " ({sure:.3g} %)" if tau is not None else ""),
            sure=100.0 * (tau or 0.0),
            demand=demand,
            lead=lead,
            floor=floor,
            holds=floor * seen.envelope.threads * self.target / (1 + self.buffer),
            keep=held,
        )

    def _roof(self, seen: Observation, floor: int) -> tuple[int, bool]:
        """The ceiling to bid, and whether it is known well enough to be lowered to."""
        name = f"{self.signal}_ceiling"
        edge = _ahead(seen.signal(name), seen.at)
        if isinstance(edge, Missing):
            return min(LARGEST_BID, floor + self.spare), False
        roof = max(floor, self._replicas(edge, self._carries(seen)))
        top = max(roof, self._usable(seen)) if self.room else roof + self.spare
        return min(LARGEST_BID, top), self._releasable(seen, name) is not None

    def _usable(self, seen: Observation) -> int:
        """Replicas that the platform's own scaler could come to use for the present load.

        It adds while load is at its threshold, so that beyond the highest measured load over
        that threshold a ceiling only lets noise raise what then stays for half an hour.
        """
        measured = seen.signal(self.demand)
        values = () if isinstance(measured, Missing) else measured.since(seen.at - LEVEL_S)
        level = max(values, default=0.0)
        load = level / (seen.envelope.threads * max(LEAST_THRESHOLD, seen.native.up_threshold))
        return min(LARGEST_BID, max(0, math.ceil(load - DUST))) + self.spare

    def _carries(self, seen: Observation) -> float:
        """The requests that one replica works on at once: its threads, or what was seen of them."""
        threads, known = float(seen.envelope.threads), seen.learned.capacity
        low, high = known.low, known.high
        if not self.use_carried or low is None or high is None or known.threads != threads:
            return threads
        sure = known.count >= LEAST_SIGHTS and high <= MOST_DOUBT * low
        return max(1.0, min(threads, low)) if sure else threads

    def _replicas(self, demand: float, carries: float) -> int:
        load = demand * (1 + self.buffer) / (carries * self.target)
        return min(LARGEST_BID, max(0, math.ceil(load - DUST)))

    def _releasable(self, seen: Observation, name: str) -> int | None:
        """Replicas that must stay, None when the data does not allow to let any go."""
        measured, forecast = seen.signal(self.demand), seen.signal(name)
        if isinstance(measured, Missing) or isinstance(forecast, Missing):
            return None
        if not (measured.complete and forecast.complete):
            return None
        if seen.at - measured.last_at > self.fresh_s:
            return None
        edge = _ahead(forecast, seen.at)
        return None if isinstance(edge, Missing) else self._replicas(edge, self._carries(seen))


def _ahead(signal: Signal, at: float) -> float | Missing:
    """The highest sample that lies at or after `at`; Missing when all lie behind."""
    if isinstance(signal, Missing):
        return signal
    values = signal.since(at)
    return max(values) if values else _outlived(signal)


def _outlived(signal: Series) -> Missing:
    return Missing(Absence.STALE, "the forecast lies in the past", signal.last_at)


def _with_risk(reason: Reason, risk: ChosenRisk | None) -> Reason:
    """The reason with the risk that was chosen for the forecast, where an SLO chooses it."""
    if risk is None:
        return reason
    kept = "keeps" if risk.met else "is nearest to"
    sentence = f"{reason.sentence}; the risk {kept} {{slo:.2%}} without room (tau {{tau:g}})"
    facts = (*reason.facts, ("slo", risk.slo), ("tau", risk.tau))
    return replace(reason, sentence=sentence, facts=facts)
