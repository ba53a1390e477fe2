"""Every metric of the daemon: name, type, labels and sentence. Nothing else names one.

Every label value comes from the configuration or from a closed list below. Error texts, URLs
and decision ids never become labels, and RIDs only appear in `deployment_info`, so that the
number of series is known before the first scrape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from autoscaler.core.decision import Kind as Outcome
from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.guards import GUARDS as GUARD_CLASSES
from autoscaler.core.observation import Control, Mode
from autoscaler.core.reason import Code

PREFIX = "foundry_autoscaler_"
OTHER = "other"

OUTCOMES = tuple(each.value for each in Outcome)
REASONS = tuple(each.value for each in Code)
CONTROLS = tuple(each.value for each in Control)
MODES = tuple(each.value for each in Mode)
# Not a guard of its own, but what holds a deployment that the platform has not told of yet.
READING = "reading"
GUARDS = (READING, *(each.__name__.lower() for each in GUARD_CLASSES), OTHER)
STATES = ("active", "starting", "degraded", "disabled", "failed", OTHER)
OPERATIONS = ("token", "get", "list", "replace", OTHER)
STATUSES = (
    *("200", "400", "401", "403", "404", "409", "413", "429", "500", "502", "503", "504"),
    *("timeout", "connection", OTHER),
)
CAUSES = (
    *("rate_limited", "unavailable", "server_error", "timeout", "connection", "unauthorized"),
    OTHER,
)
ANSWERS = ("success", "empty", "stale", "partial", "error", "timeout", OTHER)
RELOADS = ("success", "failure")
NOTIFIED = ("delivered", "retried", "refused", "failed", "dropped")
OVERRUNS = ("slow", "stopped", "late")
TROUBLES = ("overran", "missed", "crashed", OTHER)
DIRECTIONS = ("up", "down")
DIAL_NAMES = tuple(dial.value for dial in DIALS)
ALARMS = ("blind", "dropping", "shrinking")

# From a loopback answer to the longest total deadline of a request (10 s) and beyond.
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# A tick of one deployment takes about a millisecond, one of 10,000 some seconds.
DURATIONS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# A loop is fine below 50 ms; a request's deadline is in danger above a second.
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Type(StrEnum):
    """The metric types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Scope(StrEnum):
    """When a metric is exposed: always, per deployment, or per deployment at full detail."""

    DAEMON = "daemon"
    DEPLOYMENT = "deployment"
    FULL = "full"


NAMED: tuple[str, ...] = ()
"""The values of a label that the configuration names."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `labels` maps each label to its closed list, or to `NAMED`."""

    name: str
    type: Type
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scope: Scope = Scope.DAEMON
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus knows it."""
        return PREFIX + self.name


def _counter(name: str, text: str, **labels: tuple[str, ...]) -> Metric:
    return Metric(name, Type.COUNTER, text, labels)


def _gauge(name: str, text: str, **labels: tuple[str, ...]) -> Metric:
    return Metric(name, Type.GAUGE, text, labels)


def _histogram(
    name: str, text: str, buckets: tuple[float, ...], **labels: tuple[str, ...]
) -> Metric:
    return Metric(name, Type.HISTOGRAM, text, labels, Scope.DAEMON, buckets)


DAEMON = (
    _gauge(
        "build_info", "1, labelled with what runs.", version=NAMED, revision=NAMED, python=NAMED
    ),
    _counter("config_reloads_total", "Configuration reloads.", outcome=RELOADS),
    _gauge("config_last_reload_successful", "1 when the last reload was taken over, else 0."),
    _gauge("config_last_reload_success_timestamp_seconds", "When a reload was last taken over."),
    _gauge("deployments", "Deployments under management, by group.", group=NAMED),
    _counter("decisions_total", "Decisions, by how they ended.", outcome=OUTCOMES),
    _counter("decision_reasons_total", "Decisions, by the reason of their end.", reason=REASONS),
    _counter("guard_interventions_total", "Decisions that a guard shaped or held.", guard=GUARDS),
    _counter("abstentions_total", "Policies that could not say anything.", reason=REASONS),
    _counter(
        "policy_overruns_total",
        "Policies that took too long: seen in time, stopped, or not asked for want of it.",
        what=OVERRUNS,
    ),
    _gauge("policies_left_out", "Policies that are not asked now because they took too long."),
    _counter(
        "changes_total",
        "Dials that were turned on the platform.",
        dial=DIAL_NAMES,
        direction=DIRECTIONS,
    ),
    _histogram("apply_duration_seconds", "Re-read, write and read-back of one change.", LATENCIES),
    _histogram("tick_duration_seconds", "One tick of a group.", DURATIONS, group=NAMED),
    _histogram("tick_lag_seconds", "How late a tick began.", DURATIONS, group=NAMED),
    _counter("schedule_troubles_total", "Runs that did not go as planned.", trouble=TROUBLES),
    _gauge("last_evaluation_timestamp_seconds", "Latest tick, 0 before the first.", group=NAMED),
    _gauge(
        "last_evaluation_age_seconds",
        "Time since the latest tick, or since the start before the first.",
        group=NAMED,
    ),
    _gauge("evaluation_interval_seconds", "The configured time between ticks.", group=NAMED),
    _gauge("fleet_alarm", "1 while nothing in the group is lowered.", group=NAMED, alarm=ALARMS),
    _histogram("event_loop_lag_seconds", "How late the event loop woke a timer.", LAGS),
    _gauge("web_streams", "Open event streams of pages and other readers."),
    _counter("web_streams_dropped_total", "Event streams whose reader was too slow."),
    _gauge("pause_file", "1 while the pause file is there or a signal paused the fleet, else 0."),
    _gauge("overrides_active", "Words of operators that hold now.", control=CONTROLS),
    _gauge("journal_up", "1 while every group can record what it does, else 0."),
    _gauge("journal_unrecorded_decisions", "Decisions that wait for the journal to work again."),
    _gauge("journal_rows_set_aside", "Rows that could not be read since the start: see the log."),
    _gauge(
        "orphaned_writes",
        "Writes of unknown end whose deployments left the configuration and cannot be read.",
    ),
    _counter(
        "platform_requests_total",
        "Requests to the platform.",
        operation=OPERATIONS,
        status=STATUSES,
    ),
    _histogram(
        "platform_request_duration_seconds",
        "Requests to the platform, answered or not.",
        LATENCIES,
        operation=OPERATIONS,
    ),
    _counter(
        "platform_retries_total",
        "Requests that were sent again, by what went wrong.",
        operation=OPERATIONS,
        cause=CAUSES,
    ),
    _histogram("platform_rate_limit_wait_seconds", "Waiting for the pace.", LATENCIES),
    _gauge("platform_pace_requests_per_second", "The present pace, 0 before the first request."),
    _gauge("platform_breaker_open", "1 while requests to the platform are stopped, else 0."),
    _gauge(
        "platform_clock_skew_seconds",
        "The daemon's clock minus the platform's, to half a second; absent until it told its time.",
    ),
    _gauge("source_up", "1 when the source's last query was answered, else 0.", source=NAMED),
    _counter("source_queries_total", "Queries, by what came.", source=NAMED, outcome=ANSWERS),
    _histogram("source_query_duration_seconds", "Queries to a source.", LATENCIES, source=NAMED),
    _counter("log_lines_dropped_total", "Log lines that nobody took in time."),
    _counter(
        "notifications_total", "Messages to a sink, by what came.", sink=NAMED, outcome=NOTIFIED
    ),
    _gauge("notification_queue_length", "Messages that wait for a sink.", sink=NAMED),
)


def _each(
    name: str,
    text: str,
    type_: Type = Type.GAUGE,
    scope: Scope = Scope.DEPLOYMENT,
    **labels: object,
) -> Metric:
    more = {key: value for key, value in labels.items() if isinstance(value, tuple)}
    return Metric(f"deployment_{name}", type_, text, {"deployment": NAMED, **more}, scope)


def _per_dial(name: str, text: str) -> tuple[Metric, ...]:
    return tuple(_each(f"{name}_{dial}", text.format(dial=_words(dial))) for dial in DIALS)


def _per_policy(name: str, text: str) -> tuple[Metric, ...]:
    return tuple(
        _each(
            f"policy_{name}_{dial}", text.format(dial=_words(dial)), scope=Scope.FULL, policy=NAMED
        )
        for dial in DIALS
    )


def _words(dial: Dial) -> str:
    return dial.value.replace("_", " ")


DEPLOYMENTS = (
    _each("info", "1, with the deployment's RID and group.", rid=NAMED, group=NAMED),
    *_per_dial("current", "The {dial} that the platform reported last."),
    *_per_dial("desired", "The {dial} that the last decision decided on."),
    *_per_dial("wanted", "The {dial} that the policies wanted together, before any guard."),
    *_per_dial("applied", "The {dial} of the last change made here; absent before the first."),
    _each("limit_min_replicas", "The lowest min replicas that the configuration allows."),
    _each("limit_max_replicas", "The highest max replicas allowed; absent without an upper end."),
    _each("thread_ceiling", "The most threads that the platform takes; absent until learnt."),
    _each("carried_low_requests", "What one replica carries at least, as seen under a queue."),
    _each("carried_high_requests", "And at most; the same when floor and ceiling were."),
    _each("carried_sights", "How often that was seen, up to the 20 that are kept."),
    _each("startup_seconds", "Start-up time (95th percentile); absent until learnt."),
    _each(
        "floor_waiting_since_timestamp_seconds",
        "When the floor was raised that the platform has not made ready yet; absent without one.",
    ),
    _each(
        "short_replicas",
        "Guaranteed replicas that a policy asks for beyond the ceiling in force; 0: it suffices.",
    ),
    _each(
        "replica_compute_seconds_per_second",
        "Compute-seconds that one replica costs each second; absent without a known rate.",
    ),
    _each(
        "floor_compute_seconds_total",
        "Compute-seconds that the guaranteed replicas cost while they were watched.",
        Type.COUNTER,
    ),
    _each("budget_compute_seconds", "The budget of the period; absent without a policy for it."),
    _each("budget_spent_compute_seconds", "What of the budget is spent."),
    _each(
        "budget_lasts_until_timestamp_seconds",
        "When the budget is spent at the present pace, or was; +Inf when it outlasts its period.",
    ),
    _each("budget_ends_timestamp_seconds", "When the budget's period ends and a new one begins."),
    _each("ready", "1 when the platform says that it is ready, else 0."),
    _each("state", "1 for the state that the platform reports.", state=STATES),
    _each("mode", "1 for how far the daemon may go.", mode=MODES),
    _each("paused", "1 while an operator's pause is active, else 0."),
    _each("braked", "1 while an operator's incident brake is active, else 0."),
    _each("overridden", "1 while an operator's pin, floor or mode is active, else 0."),
    _each(
        "override_expiry_timestamp_seconds",
        "When the last active word of an operator ends; +Inf for never; absent without one.",
    ),
    _each(
        "override_next_expiry_timestamp_seconds",
        "When the first active word of an operator ends; absent without one that ends.",
    ),
    _each("limited_by", "1 for each guard that shaped or held the decision.", guard=GUARDS),
    _each("signals_missing", "Signals without data."),
    _each("decisions_total", "Decisions, by how they ended.", Type.COUNTER, outcome=OUTCOMES),
    _each("direction_changes_total", "Changes against the last one's direction.", Type.COUNTER),
    _each("foreign_changes_total", "Changes that others were found to have made.", Type.COUNTER),
    _each("last_evaluation_timestamp_seconds", "When it was last decided upon."),
    _each("last_reading_timestamp_seconds", "When the platform was last read."),
    _each("last_change_timestamp_seconds", "The last change made here; absent before the first."),
    _each(
        "last_foreign_change_timestamp_seconds",
        "The last change that somebody else made; absent before the first.",
    ),
    _each("signal_value", "The newest value of a signal.", scope=Scope.FULL, signal=NAMED),
    _each(
        "signal_timestamp_seconds",
        "When the newest value was sampled.",
        scope=Scope.FULL,
        signal=NAMED,
    ),
    _each("signal_missing", "1 when a signal has no data.", scope=Scope.FULL, signal=NAMED),
    _each(
        "policy_abstains", "1 when a policy cannot say anything.", scope=Scope.FULL, policy=NAMED
    ),
    *_per_policy("wanted", "The {dial} that one policy would set."),
    *_per_policy("floor", "The least {dial} that one policy asks for."),
    *_per_policy("ceiling", "The most {dial} that one policy allows."),
)


def _forecast(name: str, text: str) -> Metric:
    labels = {"deployment": NAMED, "forecast": NAMED}
    return Metric(f"forecast_{name}", Type.GAUGE, text, labels)


FORECASTS = (
    _forecast("tau_ratio", "The share of the time that demand should stay within the forecast."),
    _forecast("coverage_ratio", "The share of the time that it did, the last day weighing most."),
    _forecast("loss_ratio", "Pinball loss over that of the naive forecast; below 1 is better."),
    _forecast("bias_ratio", "Mean forecast over mean demand, minus 1; above 0 it is too high."),
    _forecast("trials", "Windows that the forecast was compared with."),
    _forecast(
        "independent_trials",
        "So many independent windows the coverage is worth, by its fading and their overlap.",
    ),
    _forecast("lead_seconds", "The start-up time that the forecast looks ahead."),
    _forecast("slo_ratio", "The share of requests that may find no room, where it sets tau."),
    _forecast("expected_ratio", "What a replay of the recent days found of them at this tau."),
    _forecast(
        "platform_expected_ratio",
        "What that replay found with the platform's own scaler alone, for slo_of_platform.",
    ),
    _forecast("slo_met", "1 when a replay kept the SLO at this tau, 0 when no tau did."),
)

METRICS = DAEMON + DEPLOYMENTS + FORECASTS
BY_NAME = MappingProxyType({metric.name: metric for metric in METRICS})
