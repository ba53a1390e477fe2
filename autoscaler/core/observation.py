"""Everything that a decision may depend on, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from types import MappingProxyType

from autoscaler.core.envelope import Dial, Envelope, Range


class Absence(StrEnum):
    """Why a signal has no value. Missing is not zero."""

    NEVER_READ = "never_read"
    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    UNDEFINED = "undefined"
    """A share or a mean of nothing: 0 / 0, or a quantile when nothing was counted."""
    STALE = "stale"
    DUPLICATE = "duplicate"
    IMPLAUSIBLE = "implausible"
    FROM_THE_FUTURE = "from_the_future"
    SOURCE_FAILED = "source_failed"


@dataclass(frozen=True, slots=True)
class Missing:
    """A signal without data. `detail` is a short sentence, never foreign text in full."""

    why: Absence
    detail: str = ""
    since: float | None = None
    """Unix time of the last good sample; None if there never was one."""


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one signal, oldest first: `times` in Unix seconds, `values` finite numbers.

    Both tuples have the same length, at least 1; times rise strictly. Samples of a forecast
    lie ahead of the observation. `complete` is False when the source warned that data may be
    partial: good enough to raise on, not to lower on. `recovered_at` is the Unix time from
    which the source answers again after an outage, None when it was never away.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    complete: bool = True
    recovered_at: float | None = None

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1]

    @property
    def last_at(self) -> float:
        """The newest sample's time, Unix seconds."""
        return self.times[-1]

    def since(self, start: float) -> tuple[float, ...]:
        """The values sampled at or after `start` (Unix seconds), oldest first."""
        times = self.times
        first = len(times)
        while first and times[first - 1] >= start:
            first -= 1
        return self.values[first:]


Signal = Series | Missing


@dataclass(frozen=True, slots=True)
class Health:
    """What the platform says of a deployment. States are open strings: new ones may come.

    `model_version` is the version's RID: learnt service times hold for one version only.
    """

    state: str
    is_ready: bool
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the envelope that the daemon made, or that it found somebody else had made."""

    at: float
    before: Envelope
    after: Envelope
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Recommended:
    """What the policies wanted, before any guard, from `since` to `until` (Unix seconds)."""

    envelope: Envelope
    since: float
    until: float


class Mode(StrEnum):
    """How far the daemon may go with a deployment."""

    OBSERVE = "observe"
    RECOMMEND = "recommend"
    RAISE_ONLY = "raise_only"
    APPLY = "apply"


class Control(StrEnum):
    """What an operator can ask of a deployment for a while.

    Pause: nothing moves. Brake: nothing is lowered. Mode: another mode than the configured one.
    """

    PAUSE = "pause"
    PIN = "pin"
    FLOOR = "floor"
    BRAKE = "brake"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word: what, by whom, why, until when (None: without end, and it says so).

    `dial` and `value` belong to a pin and a floor, `mode` to a mode. `id` is the journal's, and
    no part of what is asked.
    """

    control: Control
    author: str
    why: str
    expires_at: float | None = None
    dial: Dial | None = None
    value: int | None = None
    mode: Mode | None = None
    id: str = field(default="", compare=False)

    def active(self, at: float) -> bool:
        """Whether it holds at `at`, Unix seconds."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True)
class Alone:
    """What a replay of the recent days found with the platform's own scaler alone.

    `expected` is the share of requests without room, 0..1; `replicas` a mean over the time.
    """

    expected: float
    replicas: float


@dataclass(frozen=True, slots=True)
class ChosenRisk:
    """The risk that a replay of the recent days chose for a forecast, to keep an SLO.

    `tau` is the share of the time that demand should stay within the forecast, `slo` the share
    of requests that may find no room, `expected` what the replay found of them at `tau` and
    `hours` how much it scored. `met` is False when no risk kept the SLO: the least risky was
    taken. `at` is Unix seconds. With `of_platform` the SLO is that share of what `alone` had,
    the same days with the platform's own scaler; `replicas` is the mean at `tau`.
    """

    forecast: str
    tau: float
    slo: float
    expected: float
    hours: float
    met: bool
    at: float
    of_platform: float = 0.0
    replicas: float | None = None
    alone: Alone | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What one replica was seen to work on while requests stood in a queue, in requests.

    The platform tells no replica count: with `low` all of the ceiling's replicas were there,
    with `high` only the floor's. Equal when floor and ceiling were.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """The same over the last times that were seen, with one model version and thread count."""

    version: str = ""
    threads: int = 0
    seen: tuple[Carried, ...] = ()
    at: float | None = None
    """Unix time of the newest."""

    @property
    def count(self) -> int:
        """How often it was seen, up to what is kept."""
        return len(self.seen)

    @property
    def low(self) -> float | None:
        """The median of the lower ends; None when it was never seen."""
        return median([each.low for each in self.seen]) if self.seen else None

    @property
    def high(self) -> float | None:
        """The median of the upper ends; None when it was never seen."""
        return median([each.high for each in self.seen]) if self.seen else None


@dataclass(frozen=True, slots=True)
class Learned:
    """Facts found at run time: the platform's thread maximum, the start-up time (p95, seconds).

    `startups` are the last start-up times that were seen, oldest first, all of the model
    version `startups_of`: another version may load another file. `chosen` are the risks of
    forecasts with an SLO, by name; `capacity` is what one replica really carries.
    """

    thread_ceiling: int | None = None
    startup_s: float | None = None
    startups: tuple[float, ...] = ()
    startups_of: str = ""
    chosen: tuple[ChosenRisk, ...] = ()
    capacity: Capacity = Capacity()

    def risk_of(self, forecast: str) -> ChosenRisk | None:
        """The risk that was chosen for a forecast; None when none was."""
        return next((each for each in self.chosen if each.forecast == forecast), None)


ANY_REPLICAS = Range(0)
ANY_THREADS = Range(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows; these always hold, whatever anybody bids."""

    min_replicas: Range = ANY_REPLICAS
    max_replicas: Range = ANY_REPLICAS
    threads: Range = ANY_THREADS

    def __getitem__(self, dial: Dial) -> Range:
        if dial is Dial.MIN_REPLICAS:
            return self.min_replicas
        return self.max_replicas if dial is Dial.MAX_REPLICAS else self.threads


@dataclass(frozen=True, slots=True)
class Resources:
    """What one replica requests; None where the platform did not say."""

    vcpus: float | None = None
    memory_gib: float | None = None
    gpus: int = 0
    gpu_type: str = ""


@dataclass(frozen=True, slots=True)
class NativeScaling:
    """The platform's own scaler: load share that adds a replica, and both delays in seconds."""

    up_threshold: float = 0.75
    up_delay_s: float = 60.0
    down_delay_s: float = 1800.0


NO_SIGNALS: Mapping[str, Signal] = MappingProxyType({})
NO_RISKS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Observation:
    """One deployment, seen at one moment. The only thing that policies and guards are shown.

    `at` is Unix seconds. `envelope` is the platform's last answer, read at `envelope_at`.
    `changes` and `recommended` come from the journal, oldest first; so do `overrides`, the widest
    scope first. `mode` is the one that holds now, an operator's word on it included.
    `watched_since` is when this deployment was first observed without a gap, Unix seconds;
    `behind_since` when more replicas were asked for that the platform has not made ready since.
    """

    at: float
    deployment: str
    envelope: Envelope
    envelope_at: float
    health: Health
    limits: Limits = Limits()
    signals: Mapping[str, Signal] = field(default_factory=lambda: NO_SIGNALS)
    changes: tuple[Change, ...] = ()
    recommended: tuple[Recommended, ...] = ()
    overrides: tuple[Override, ...] = ()
    learned: Learned = Learned()
    mode: Mode = Mode.APPLY
    resources: Resources = Resources()
    native: NativeScaling = NativeScaling()
    watched_since: float = 0.0
    risks: Mapping[str, float] = field(default_factory=lambda: NO_RISKS)
    behind_since: float | None = None

    def signal(self, name: str) -> Signal:
        """The signal called `name`; Missing when it was never read."""
        return self.signals.get(name, NEVER_READ)


NEVER_READ = Missing(Absence.NEVER_READ)
