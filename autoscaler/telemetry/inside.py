"""What is looked up when somebody asks: the daemon's own state, group by group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from autoscaler.core.reason import Code
from autoscaler.telemetry.catalogue import ALARMS, BY_NAME, CONTROLS, OVERRUNS

# The codes of the core's alarms, and how the metric names them.
ALARM_OF = {
    Code.FLEET_BLIND: "blind",
    Code.FLEET_DROPPING: "dropping",
    Code.FLEET_SHRINKING: "shrinking",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The daemon at one moment, by group where it says so; None where nobody knows."""

    ages: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, float] = field(default_factory=dict)
    alarms: Mapping[str, Code | None] = field(default_factory=dict)
    skew_s: float | None = None
    journal_up: bool = True
    unrecorded: int = 0
    pause_file: bool = False
    words: Mapping[str, int] = field(default_factory=dict)
    """How many words of operators hold, by control."""
    overran: Mapping[str, int] = field(default_factory=dict)
    """How often policies took too long, by what happened."""
    left_out: int = 0
    orphans: int = 0
    """Writes of unknown end whose deployments nobody manages any more."""
    set_aside: int = 0
    """Rows of the journal that cannot be read."""


Inside = Callable[[], Reading]


class AtScrape(Collector):
    """One family per figure of a `Reading`, and the log lines that nobody took."""

    def __init__(self, look: Inside, dropped: Callable[[], int]) -> None:
        self._look = look
        self._dropped = dropped

    def collect(self) -> Iterable[Family]:
        """Everything as of now."""
        seen = self._look()
        for name, values in _by_group(seen).items():
            family = _gauge(name, ("group",))
            for group, value in values.items():
                family.add_metric([group], value)
            yield family
        alarms = _gauge("fleet_alarm", ("group", "alarm"))
        for group, code in seen.alarms.items():
            for alarm in ALARMS:
                alarms.add_metric([group, alarm], code is not None and ALARM_OF[code] == alarm)
        yield alarms
        yield from _by_kind(seen)
        for name, plain in _plain(seen).items():
            family = _gauge(name)
            if plain is not None:
                family.add_metric([], plain)
            yield family
        dropped = BY_NAME["log_lines_dropped_total"]
        yield CounterMetricFamily(dropped.full_name, dropped.help, value=self._dropped())


def _by_kind(seen: Reading) -> Iterable[Family]:
    words = _gauge("overrides_active", ("control",))
    for control in CONTROLS:
        words.add_metric([control], seen.words.get(control, 0))
    yield words
    overran = BY_NAME["policy_overruns_total"]
    counted = CounterMetricFamily(overran.full_name, overran.help, labels=["what"])
    for what in OVERRUNS:
        counted.add_metric([what], seen.overran.get(what, 0))
    yield counted


def _by_group(seen: Reading) -> Mapping[str, Mapping[str, float]]:
    return {
        "deployments": {group: seen.sizes.get(group, 0) for group in seen.ages},
        "last_evaluation_age_seconds": seen.ages,
        "evaluation_interval_seconds": seen.intervals,
    }


def _plain(seen: Reading) -> Mapping[str, float | None]:
    return {
        "journal_up": float(seen.journal_up),
        "journal_unrecorded_decisions": float(seen.unrecorded),
        "pause_file": float(seen.pause_file),
        "policies_left_out": float(seen.left_out),
        "orphaned_writes": float(seen.orphans),
        "journal_rows_set_aside": float(seen.set_aside),
        "platform_clock_skew_seconds": seen.skew_s,
    }


def _gauge(name: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    metric = BY_NAME[name]
    return GaugeMetricFamily(metric.full_name, metric.help, labels=list(labels))


AT_SCRAPE = frozenset(
    {
        *_by_group(Reading()),
        *_plain(Reading()),
        "fleet_alarm",
        "overrides_active",
        "policy_overruns_total",
        "log_lines_dropped_total",
    }
)
"""Metrics that are read here instead of being set."""
