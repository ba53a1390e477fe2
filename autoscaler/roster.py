"""Who is managed and how: the configuration as the runtime wants it, typed and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from autoscaler.core.decide import Guard
from autoscaler.core.farewell import Farewell
from autoscaler.core.fleet import FleetRails
from autoscaler.core.observation import Limits, Mode
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import PolicyEntry
from autoscaler.ports import Question


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal of a deployment: where it comes from and what counts as data.

    `window_s` is how much past is kept, seconds. Values outside `plausible` (closed range) are
    Missing(IMPLAUSIBLE). `empty_is_zero` and `nan_is_zero` are the user's word that no answer, or
    a NaN of a source that answers, means no load; both only while the signal `zero_while` is
    above 0, if one is named.
    """

    source: str
    question: Question
    window_s: float
    empty_is_zero: bool = False
    nan_is_zero: bool = False
    zero_while: str = ""
    plausible: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ForecastSpec:
    """One forecast of a deployment's demand: three signals, its name, `_keep` and `_ceiling`.

    The risk is given as `tau`, or as `cost_ratio` (what one request without room costs, against
    one idle place for it): tau = ratio / (1 + ratio), or as `slo`, the share of requests that may
    find no room: then a replay of the recent days chooses tau, once a day. `slo_of_platform`
    gives that share as a part of what the platform's own scaler alone would have had.
    """

    of: str = field(
        default="running_jobs",
        metadata=meta("signal with the demand: running and queued requests, never a share"),
    )
    tau: float = field(
        default=0.975,
        metadata=meta("share of the time that demand stays within the forecast", ge=0.5, le=0.9999),
    )
    cost_ratio: float = field(
        default=0.0,
        metadata=meta("cost of a missed request over that of an idle place; sets tau", ge=0),
    )
    slo: float = field(
        default=0.0,
        metadata=meta(
            "share of requests that may find no room; sets tau from the recent days", ge=0, le=0.5
        ),
    )
    slo_of_platform: float = field(
        default=0.0,
        metadata=meta(
            "the same as a share of what the platform's own scaler alone would have had",
            ge=0,
            le=1,
        ),
    )
    ceiling_tau: float = field(
        default=0.98, metadata=meta("the same for the ceiling's forecast", ge=0.5, le=0.9999)
    )
    lead_s: float = field(
        default=120.0, metadata=meta("start-up time, until it is learnt", unit="s", ge=1, le=7200)
    )
    learn_lead: bool = field(
        default=True, metadata=meta("use the learnt start-up time when there is one")
    )
    history_s: float = field(
        default=1_209_600.0,
        metadata=meta("how much past is asked of the source at start", unit="s", ge=0),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if 0 < self.cost_ratio < 1:
            raise ValueError(f"cost_ratio must be 0 (off) or at least 1, got {self.cost_ratio}")
        given = {
            name: value
            for name in ("cost_ratio", "slo", "slo_of_platform")
            if (value := getattr(self, name))
        }
        if len(given) > 1:
            first, second = list(given)[:2]
            raise ValueError(
                f"{second} must be 0 (off) beside a {first}, got {given[second]} and "
                f"{given[first]}: each of them sets the risk"
            )

    @property
    def chooses(self) -> bool:
        """Whether the risk is chosen from the recent days, by either SLO."""
        return bool(self.slo or self.slo_of_platform)

    @property
    def risk(self) -> float:
        """The quantile to forecast, by `tau` or by the newsvendor's ratio.

        With an SLO it is where to begin: the safer of `tau` and a miss no more often than that.
        """
        if self.slo:
            return min(0.9999, max(self.tau, 1 - self.slo))
        if not self.cost_ratio:
            return self.tau
        return min(0.9999, self.cost_ratio / (1 + self.cost_ratio))


@dataclass(frozen=True, slots=True)
class CapacitySpec:
    """From which signals it is learnt what one replica carries. Nothing is learnt without both."""

    running: str = field(
        default="running_jobs",
        metadata=meta("signal with the requests that replicas work on, without those that wait"),
    )
    queued: str = field(
        default="queued_jobs", metadata=meta("signal with the requests that wait for a replica")
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.running == self.queued:
            raise ValueError(f"queued must be another signal than running, got {self.queued!r}")


FORECAST_SIGNALS = ("", "_keep", "_ceiling")
NO_FORECASTS: Mapping[str, ForecastSpec] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Managed:
    """One deployment under management. `match` is its value of the signals' label."""

    name: str
    rid: str
    group: str
    match: str
    mode: Mode
    limits: Limits
    policies: tuple[PolicyEntry, ...]
    guards: tuple[Guard, ...]
    signals: Mapping[str, SignalSpec]
    priority: int = 0
    forecasts: Mapping[str, ForecastSpec] = field(default_factory=lambda: NO_FORECASTS)
    capacity: CapacitySpec = field(default_factory=CapacitySpec)
    on_shutdown: Farewell | None = None

    @property
    def demand(self) -> str | None:
        """The signal that says how much there is to do: what is forecast, or a policy reads."""
        for spec in self.forecasts.values():
            return spec.of
        needs = (name for entry in self.policies for name in entry.policy.needs)
        return next((name for name in needs if name in self.signals), None)


@dataclass(frozen=True, slots=True)
class Discovery:
    """Deployments to be found by their model. `template.name` may hold {branch} and {rid}.

    A branch is taken when any `include` pattern matches (fnmatch; none given means all)
    and no `exclude` pattern does.
    """

    model_rid: str
    template: Managed
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetSpec(FleetRails):
    """What the deployments of a group share: the alarm's lines, and budgets; 0 is no end."""

    raise_per_minute: int = field(
        default=0, metadata=meta("guaranteed replicas that may be added in a minute", ge=0)
    )
    compute_rate: float = field(
        default=0.0,
        metadata=meta(
            "compute-seconds per second that all guaranteed replicas may cost; "
            "by priority when it is short",
            ge=0,
        ),
    )


ALONE = FleetSpec()


@dataclass(frozen=True, slots=True)
class Group:
    """All deployments that are decided in one tick, every `interval_s` seconds."""

    name: str
    interval_s: float
    members: tuple[Managed, ...]
    discoveries: tuple[Discovery, ...] = ()
    fleet: FleetSpec = ALONE
