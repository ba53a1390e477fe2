"""The daemon's metrics: counted from decisions, requests and queries, rendered at scrape time."""

from __future__ import annotations

import platform
import re
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import DIALS, Envelope
from autoscaler.core.proposal import Abstain
from autoscaler.ports import Clock, TickReport
from autoscaler.telemetry.catalogue import BY_NAME, DAEMON, NAMED, OTHER, Metric, Type
from autoscaler.telemetry.exposition import deployments
from autoscaler.telemetry.fleet import Fleet
from autoscaler.telemetry.forecasts import ForecastCollector, Look
from autoscaler.telemetry.inside import AT_SCRAPE, AtScrape, Inside, Reading
from autoscaler.telemetry.readings import current, limiting

Detail = Literal["full", "basic", "auto"]

# Full detail of 500 deployments is about 35,000 series; 10,000 would be near a million.
AUTO_FULL = 500
END = b"# EOF\n"
PLAIN = re.compile(r"[\w./:-]{1,100}", re.ASCII)
Mark = dict[str, str] | None
NO_MARKS: Mapping[str, Mark] = MappingProxyType({})
ANSWERED = frozenset({"success", "empty", "stale", "partial"})


class Metrics:
    """Listener, PlatformWatch and SourceWatch in one; `render` is what `/metrics` answers.

    Everything but `render` is called from one thread, that of the event loop. `dropped` tells
    how many log lines nobody took.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        version: str,
        revision: str = "",
        groups: Iterable[str] = (),
        sources: Iterable[str] = (),
        detail: Detail = "auto",
        dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        # Without it each counter has a second series that most servers store as a gauge.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there
        self._clock = clock
        self._detail = detail
        self._fleet = Fleet()
        self._ticked: dict[str, float] = {}
        self._sources: frozenset[str] = frozenset()
        self._sinks: frozenset[str] = frozenset()
        self._registry = CollectorRegistry(auto_describe=False)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for metric in DAEMON:
            if metric.name not in AT_SCRAPE:
                self._register(metric)
        self._skew: float | None = None
        self._inside: Inside = Reading
        self._registry.register(AtScrape(self._look, dropped))
        prometheus_client.ProcessCollector(registry=self._registry)
        prometheus_client.GCCollector(registry=self._registry)
        python = platform.python_version()
        self._gauges["build_info"].labels(version, revision, python).set(1)
        self._name(groups, sources)
        self._gauges["config_last_reload_successful"].set(1)
        self._gauges["config_last_reload_success_timestamp_seconds"].set(clock.now())

    def _register(self, metric: Metric) -> None:
        labels = tuple(metric.labels)
        family: Counter | Gauge | Histogram
        if metric.type is Type.COUNTER:
            family = Counter(metric.full_name, metric.help, labels, registry=self._registry)
            self._counters[metric.name] = family
        elif metric.type is Type.GAUGE:
            family = Gauge(metric.full_name, metric.help, labels, registry=self._registry)
            self._gauges[metric.name] = family
        else:
            family = Histogram(
                metric.full_name,
                metric.help,
                labels,
                registry=self._registry,
                buckets=metric.buckets,
            )
            self._histograms[metric.name] = family
        if labels and NAMED not in metric.labels.values():
            for values in product(*metric.labels.values()):
                family.labels(*values)

    # --- the configuration --------------------------------------------------------------------

    def reloaded(self, groups: Iterable[str], sources: Iterable[str]) -> None:
        """A configuration was taken over: its groups and sources exist at zero from now on."""
        self._name(groups, sources)
        self._counters["config_reloads_total"].labels("success").inc()
        self._gauges["config_last_reload_successful"].set(1)
        self._gauges["config_last_reload_success_timestamp_seconds"].set(self._clock.now())

    def watch_forecasts(self, look: Look) -> None:
        """Expose the quality of the forecasts that `look` names, from now on."""
        self._registry.register(ForecastCollector(look))

    def watch_inside(self, inside: Inside) -> None:
        """Ask `inside` for the daemon's own state at each scrape, from now on."""
        self._inside = inside

    def reload_failed(self) -> None:
        """A configuration was refused; the last good one stays."""
        self._counters["config_reloads_total"].labels("failure").inc()
        self._gauges["config_last_reload_successful"].set(0)

    def _name(self, groups: Iterable[str], sources: Iterable[str]) -> None:
        wanted, now = frozenset(groups), self._clock.monotonic()
        for gone in self._ticked.keys() - wanted:
            del self._ticked[gone]
            self._forget("group", gone)
        for group in wanted - self._ticked.keys():
            self._ticked[group] = now
            self._gauges["last_evaluation_timestamp_seconds"].labels(group).set(0)
            self._histograms["tick_duration_seconds"].labels(group)
            self._histograms["tick_lag_seconds"].labels(group)
        named = frozenset(sources)
        for gone in self._sources - named:
            self._forget("source", gone)
        self._sources = named
        for source in named:
            self._gauges["source_up"].labels(source)
            self._histograms["source_query_duration_seconds"].labels(source)
            for outcome in BY_NAME["source_queries_total"].labels["outcome"]:
                self._counters["source_queries_total"].labels(source, outcome)

    def told_by(self, sinks: Iterable[str]) -> None:
        """These are the sinks of notifications from now on; they exist at zero."""
        named = frozenset(sinks)
        for gone in self._sinks - named:
            self._forget("sink", gone)
        self._sinks = named
        for sink in named:
            self._gauges["notification_queue_length"].labels(sink)
            for outcome in BY_NAME["notifications_total"].labels["outcome"]:
                self._counters["notifications_total"].labels(sink, outcome)

    def _forget(self, label: str, value: str) -> None:
        for metric in DAEMON:
            if label in metric.labels and metric.name not in AT_SCRAPE:
                family = {**self._counters, **self._gauges, **self._histograms}[metric.name]
                family.remove_by_labels({label: value})

    def keep(self, names: Collection[str]) -> None:
        """Drop the series of every deployment that is not among `names`, at once."""
        self._fleet.keep(names)

    # --- Listener -----------------------------------------------------------------------------

    def told(self, report: TickReport) -> None:
        """Count a tick and remember its decisions; nothing is rendered here."""
        self._ticked[report.group] = self._clock.monotonic()
        self._gauges["last_evaluation_timestamp_seconds"].labels(report.group).set(report.at)
        self._histograms["tick_duration_seconds"].labels(report.group).observe(report.took_s)
        self._histograms["tick_lag_seconds"].labels(report.group).observe(report.lag_s)
        self._fleet.note(report)
        self._count(
            "decisions_total",
            (d.outcome.kind.value for d in report.decisions),
            {d.outcome.kind.value: exemplar(d) for d in report.decisions},
        )
        self._count(
            "decision_reasons_total", (d.outcome.reason.code.value for d in report.decisions)
        )
        self._count("guard_interventions_total", _guards(report.decisions))
        self._count("abstentions_total", _abstentions(report.decisions))
        for decision in report.decisions:
            if decision.outcome.took_s is not None:
                took = self._histograms["apply_duration_seconds"]
                took.observe(decision.outcome.took_s, exemplar(decision))
            if decision.outcome.kind is Kind.APPLIED:
                self._turned(decision.plan.before, current(decision))

    def _count(
        self, name: str, values: Iterable[str], marks: Mapping[str, Mark] = NO_MARKS
    ) -> None:
        for value, times in Tally(values).items():
            self._counters[name].labels(value).inc(times, marks.get(value))

    def _turned(self, before: Envelope, after: Envelope) -> None:
        for dial in DIALS:
            if before[dial] != after[dial]:
                way = "up" if after[dial] > before[dial] else "down"
                self._counters["changes_total"].labels(dial.value, way).inc()

    # --- PlatformWatch ------------------------------------------------------------------------

    def requested(self, operation: str, status: str, seconds: float) -> None:
        """A request to the platform ended; what is not in the closed lists counts as other."""
        name = "platform_requests_total"
        known = _known(name, "operation", operation)
        self._counters[name].labels(known, _known(name, "status", status)).inc()
        self._histograms["platform_request_duration_seconds"].labels(known).observe(seconds)

    def retried(self, operation: str, cause: str) -> None:
        """A request is sent again."""
        name = "platform_retries_total"
        labels = _known(name, "operation", operation), _known(name, "cause", cause)
        self._counters[name].labels(*labels).inc()

    def waited(self, seconds: float) -> None:
        """A request waited for the pace."""
        self._histograms["platform_rate_limit_wait_seconds"].observe(seconds)

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:
        """The pace or the breaker changed."""
        self._gauges["platform_pace_requests_per_second"].set(requests_per_second)
        self._gauges["platform_breaker_open"].set(breaker_open)

    def skewed(self, seconds: float) -> None:
        """The platform told its time."""
        self._skew = seconds

    # --- the web face ------------------------------------------------------------------------

    def streaming(self, streams: int) -> None:
        """So many event streams are open."""
        self._gauges["web_streams"].set(streams)

    def stream_dropped(self) -> None:
        """A reader was too slow."""
        self._counters["web_streams_dropped_total"].inc()

    # --- SourceWatch, ScheduleWatch --------------------------------------------------------------

    def queried(self, source: str, outcome: str, seconds: float) -> None:
        """A source was asked. One that the configuration does not name is not counted."""
        if source not in self._sources:
            return
        name = "source_queries_total"
        self._counters[name].labels(source, _known(name, "outcome", outcome)).inc()
        self._histograms["source_query_duration_seconds"].labels(source).observe(seconds)
        self._gauges["source_up"].labels(source).set(outcome in ANSWERED)

    def notified(self, sink: str, outcome: str) -> None:
        """A message to a sink was delivered, is tried again, or was given up."""
        if sink in self._sinks:
            self._counters["notifications_total"].labels(sink, outcome).inc()

    def queued(self, sink: str, messages: int) -> None:
        """So many messages wait for a sink."""
        if sink in self._sinks:
            self._gauges["notification_queue_length"].labels(sink).set(messages)

    def troubled(self, name: str, trouble: str) -> None:  # noqa: ARG002 - the protocol's signature
        """A scheduled run overran, was missed or crashed."""
        total = "schedule_troubles_total"
        self._counters[total].labels(_known(total, "trouble", trouble)).inc()

    def lagged(self, seconds: float) -> None:
        """A timer of the event loop fired this late."""
        self._histograms["event_loop_lag_seconds"].observe(seconds)

    # --- rendering ----------------------------------------------------------------------------

    def ages(self) -> dict[str, float]:
        """Seconds since each group's latest tick, or since it is known."""
        now = self._clock.monotonic()
        return {group: now - ticked for group, ticked in tuple(self._ticked.items())}

    def _look(self) -> Reading:
        ages = self.ages()
        seen = self._inside()
        return replace(
            seen,
            ages=ages,
            sizes=self._fleet.sizes(),
            skew_s=self._skew,
            intervals={name: s for name, s in seen.intervals.items() if name in ages},
            alarms={name: seen.alarms.get(name) for name in ages},
        )

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The body and its content type for an Accept header. Meant for a worker thread."""
        fleet = self._fleet.columns()
        few = len(fleet.labels) <= AUTO_FULL
        full = self._detail == "full" or (self._detail == "auto" and few)
        if not wants_openmetrics(accept):
            fixed = generate_latest(self._registry)
            block = deployments(fleet, full=full, openmetrics=False)
            return b"".join((fixed, *block)), CONTENT_TYPE_PLAIN_0_0_4
        fixed = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]  # untyped there
        block = deployments(fleet, full=full, openmetrics=True)
        body = b"".join((fixed.removesuffix(END), *block, END))
        return body, openmetrics.CONTENT_TYPE_LATEST


def exemplar(decision: Decision) -> Mark:
    """The decision's id beside a count of it, for OpenMetrics; None when it is not plain.

    The text format has no exemplars, OpenMetrics 1.0 allows 128 characters of them, and its
    parsers differ in what they make of a brace or a hash in them.
    """
    return {"decision_id": decision.id} if PLAIN.fullmatch(decision.id) else None


def _known(name: str, label: str, value: str) -> str:
    return value if value in BY_NAME[name].labels[label] else OTHER


def _guards(decisions: Iterable[Decision]) -> Iterable[str]:
    for decision in decisions:
        yield from limiting(decision.plan)


def _abstentions(decisions: Iterable[Decision]) -> Iterable[str]:
    for decision in decisions:
        for vote in decision.plan.votes:
            if isinstance(vote.answer, Abstain):
                yield vote.answer.reason.code.value


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0 to the plain text format.

    A server that sends no version, or one that we do not speak, gets what it weighs next.
    """
    weights = {"openmetrics": 0.0, "plain": 0.0}
    for part in accept.split(","):
        kind, *parameters = (token.strip().lower() for token in part.split(";"))
        given = dict(p.partition("=")[::2] for p in parameters)
        if kind == "application/openmetrics-text" and given.get("version", "1.0.0") == "1.0.0":
            weights["openmetrics"] = max(weights["openmetrics"], _weight(given.get("q", "1")))
        elif kind in {"text/plain", "text/*", "*/*"}:
            weights["plain"] = max(weights["plain"], _weight(given.get("q", "1")))
    return weights["openmetrics"] > 0 and weights["openmetrics"] >= weights["plain"]


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
