"""Daemon: ticks, loop, platform, sources, journal, process."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.parts import (
    DAEMON,
    ORANGE,
    PREFIX,
    RED,
    UP_IS_GOOD,
    ZERO_IS_GOOD,
    Panel,
    figure,
    frame,
    lines,
    metric,
    query,
    states,
)


def build() -> Dashboard:
    """The dashboard."""
    board = frame("daemon", "The daemon itself: is it on time, whom does it reach, can it record.")
    for title, panels in (
        ("", _figures()),
        ("Ticks", _ticks()),
        ("Platform", _platform()),
        ("Sources", _sources()),
        ("Process", _process()),
    ):
        if title:
            board = board.with_row(Row(title))
        for panel in panels:
            board = board.with_panel(panel)
    return board


def _own(name: str, more: str = "") -> str:
    return metric(name, where=DAEMON, more=more)


def _slowest(name: str, by: str, share: float = 0.99) -> str:
    return (
        f"histogram_quantile({share}, sum by ({by}, le) "
        f"(rate({_own(name + '_bucket')}[$__rate_interval])))"
    )


def _figures() -> list[Panel]:
    return [
        figure(
            "Since the last tick",
            "Of the slowest group.",
            f"max({_own('last_evaluation_age_seconds')})",
            unit="s",
            limits=[(None, "green"), (60, ORANGE), (180, RED)],
            runbook="NotEvaluating",
        ),
        figure(
            "Journal",
            "Whether it can record.",
            f"min({_own('journal_up')})",
            unit="bool_yes_no",
            limits=UP_IS_GOOD,
            runbook="JournalNotWritable",
        ),
        figure(
            "Breaker",
            "1 while requests to the platform are stopped.",
            f"max({_own('platform_breaker_open')})",
            limits=ZERO_IS_GOOD,
            runbook="BreakerOpen",
        ),
        figure(
            "Configuration",
            "Whether the last reload was taken over.",
            f"min({_own('config_last_reload_successful')})",
            unit="bool_yes_no",
            limits=UP_IS_GOOD,
            runbook="ConfigReloadFailed",
        ),
        figure(
            "Clock skew",
            "The daemon's clock minus the platform's.",
            f"max({_own('platform_clock_skew_seconds')})",
            unit="s",
            limits=[(None, RED), (-10, "green"), (10, RED)],
            runbook="ClockSkew",
        ),
        figure(
            "Running for",
            "Since the process began.",
            f"time() - min(process_start_time_seconds{{{DAEMON}}} and on (job, instance) {_own('build_info')})",
            unit="s",
            runbook="Down",
        ),
    ]


def _ticks() -> list[Panel]:
    return [
        lines(
            "How long ticks take",
            "99th percentile by group; the interval is the limit.",
            query(_slowest("tick_duration_seconds", "group"), "{{group}}"),
            query(_own("evaluation_interval_seconds"), "{{group}}: interval"),
            unit="s",
        ),
        lines(
            "How late ticks begin",
            "99th percentile by group.",
            query(_slowest("tick_lag_seconds", "group"), "{{group}}"),
            unit="s",
        ),
        lines(
            "Event loop lag",
            "99th percentile of how late a timer fires.",
            query(_slowest("event_loop_lag_seconds", "instance"), "{{instance}}"),
            unit="s",
            limits=[(None, "green"), (0.5, RED)],
        ),
        lines(
            "Troubles of the schedule",
            "Runs that overran, were missed or crashed.",
            query(
                f"sum by (trouble) (increase({_own('schedule_troubles_total')}[$__rate_interval]))",
                "{{trouble}}",
            ),
            stacked=True,
        ),
    ]


def _platform() -> list[Panel]:
    requests = _own("platform_requests_total")
    return [
        lines(
            "Requests",
            "By operation and status.",
            query(
                f"sum by (operation, status) (rate({requests}[$__rate_interval])) > 0",
                "{{operation}} {{status}}",
            ),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "How long requests take",
            "99th percentile by operation.",
            query(_slowest("platform_request_duration_seconds", "operation"), "{{operation}}"),
            unit="s",
        ),
        lines(
            "Pace",
            "Requests per second that are allowed now.",
            query(_own("platform_pace_requests_per_second"), "pace"),
            unit="reqps",
            stepped=True,
        ),
        lines(
            "Waiting for the pace",
            "99th percentile.",
            query(_slowest("platform_rate_limit_wait_seconds", "instance"), "{{instance}}"),
            unit="s",
        ),
        lines(
            "Requests sent again",
            "By operation and cause.",
            query(
                f"sum by (operation, cause) (increase({_own('platform_retries_total')}[$__rate_interval]))",
                "{{operation}} {{cause}}",
            ),
        ),
        lines(
            "How long changes take",
            "Re-read, write and read-back; dots are decisions.",
            query(_slowest("apply_duration_seconds", "instance", 0.9), "90 %", exemplars=True),
            query(_slowest("apply_duration_seconds", "instance"), "99 %"),
            unit="s",
        ),
    ]


def _sources() -> list[Panel]:
    return [
        states(
            "Sources down",
            "Whose last query failed.",
            query(f"{_own('source_up')} == bool 0", "{{source}}"),
        ),
        lines(
            "Queries",
            "By source and outcome.",
            query(
                f"sum by (source, outcome) (rate({_own('source_queries_total')}[$__rate_interval])) > 0",
                "{{source}} {{outcome}}",
            ),
            unit="ops",
            stacked=True,
        ),
        lines(
            "How long queries take",
            "99th percentile by source.",
            query(_slowest("source_query_duration_seconds", "source"), "{{source}}"),
            unit="s",
        ),
        lines(
            "Policies with nothing to say",
            "By reason.",
            query(
                f"sum by (reason) (rate({_own('abstentions_total')}[$__rate_interval]))",
                "{{reason}}",
            ),
            unit="ops",
        ),
    ]


def _process() -> list[Panel]:
    ours = f"and on (job, instance) {PREFIX}build_info"
    return [
        lines(
            "CPU",
            "Cores at work.",
            query(
                f"rate(process_cpu_seconds_total{{{DAEMON}}}[$__rate_interval]) {ours}",
                "{{instance}}",
            ),
        ),
        lines(
            "Memory",
            "Resident.",
            query(f"process_resident_memory_bytes{{{DAEMON}}} {ours}", "{{instance}}"),
            unit="bytes",
        ),
        lines(
            "Lost log lines",
            "That nobody took in time.",
            query(f"increase({_own('log_lines_dropped_total')}[$__rate_interval])", "{{instance}}"),
        ),
        lines(
            "Waiting for the journal",
            "Ends of changes that are not recorded yet.",
            query(_own("journal_unrecorded_decisions"), "{{instance}}"),
            stepped=True,
        ),
    ]
