"""Deployment: load, envelope and everything that explains a decision."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.dashboard import VariableOption

from dashboards.parts import (
    ORANGE,
    RED,
    UP_IS_GOOD,
    WHOLE,
    ZERO_IS_GOOD,
    Panel,
    decisions,
    deployment_variable,
    figure,
    frame,
    group_variable,
    hands,
    lines,
    metric,
    query,
    states,
)


def build() -> Dashboard:
    """The dashboard."""
    board = frame(
        "deployment", "One deployment: what it sees, what it wants, what it has, and why."
    )
    board = board.with_variable(group_variable())
    # One at a time; Grafana takes the first one where nothing is chosen.
    nothing = VariableOption(selected=False, text="", value="")
    chosen = deployment_variable().multi(False).include_all(False).current(nothing)
    board = board.with_variable(chosen)
    board = board.annotation(decisions()).annotation(hands())
    for panel in _figures():
        board = board.with_panel(panel)
    board = board.with_row(Row("Envelope and load"))
    for panel in _envelope():
        board = board.with_panel(panel)
    board = board.with_row(Row("Why"))
    for panel in _why():
        board = board.with_panel(panel)
    return board


def _figures() -> list[Panel]:
    return [
        figure(
            "Ready",
            "What the platform says.",
            metric("deployment_ready"),
            unit="bool_yes_no",
            limits=UP_IS_GOOD,
            runbook="FloorNotReached",
        ),
        figure("Floor", "Guaranteed replicas.", metric("deployment_current_min_replicas")),
        figure("Ceiling", "Allowed replicas.", metric("deployment_current_max_replicas")),
        figure(
            "Short of",
            "Replicas asked for beyond the ceiling.",
            metric("deployment_short_replicas"),
            limits=ZERO_IS_GOOD,
            runbook="AtCeiling",
        ),
        figure(
            "Signals missing",
            "Signals without data.",
            metric("deployment_signals_missing"),
            limits=ZERO_IS_GOOD,
            runbook="DataStale",
        ),
        figure(
            "Since decided",
            "Age of the last decision.",
            f"time() - {metric('deployment_last_evaluation_timestamp_seconds')}",
            unit="s",
            limits=[(None, "green"), (60, ORANGE), (180, RED)],
            runbook="NotEvaluating",
        ),
    ]


def _envelope() -> list[Panel]:
    return [
        lines(
            "Envelope",
            "Floor and ceiling on the platform, what the policies want, and the limits.",
            query(metric("deployment_current_min_replicas"), "floor"),
            query(metric("deployment_current_max_replicas"), "ceiling"),
            query(metric("deployment_wanted_min_replicas"), "floor wanted"),
            query(metric("deployment_wanted_max_replicas"), "ceiling wanted"),
            query(metric("deployment_limit_min_replicas"), "lowest floor allowed"),
            query(metric("deployment_limit_max_replicas"), "highest ceiling allowed"),
            span=WHOLE,
            stepped=True,
        ),
        lines(
            "Signals",
            "The newest value of each signal, forecasts among them. At full detail only.",
            query(metric("deployment_signal_value"), "{{signal}}"),
        ),
        lines(
            "Threads",
            "Concurrent requests of one replica.",
            query(metric("deployment_current_threads"), "threads"),
            query(metric("deployment_wanted_threads"), "threads wanted"),
            stepped=True,
        ),
    ]


def _why() -> list[Panel]:
    return [
        lines(
            "Floor by policy",
            "What each policy would set. At full detail only.",
            query(metric("deployment_policy_wanted_min_replicas"), "{{policy}}"),
            stepped=True,
        ),
        lines(
            "Ceiling by policy",
            "What each policy would set. At full detail only.",
            query(metric("deployment_policy_wanted_max_replicas"), "{{policy}}"),
            stepped=True,
        ),
        states(
            "Limited by",
            "Guards that shaped or held the decision.",
            query(f"{metric('deployment_limited_by')} == 1", "{{guard}}"),
        ),
        states(
            "Conditions",
            "What is true of it.",
            query(metric("deployment_paused"), "paused"),
            query(metric("deployment_braked"), "braked"),
            query(metric("deployment_overridden"), "pinned, with a floor or in another mode"),
            query(f"{metric('deployment_signals_missing')} > bool 0", "data missing"),
            query(f"{metric('deployment_ready')} == bool 0", "not ready"),
        ),
        lines(
            "Decisions by how they ended",
            "In each interval.",
            query(
                f"increase({metric('deployment_decisions_total')}[$__rate_interval])", "{{outcome}}"
            ),
            stacked=True,
        ),
        lines(
            "Age of signals",
            "Time since the newest sample. At full detail only.",
            query(f"time() - {metric('deployment_signal_timestamp_seconds')}", "{{signal}}"),
            unit="s",
        ),
        lines(
            "Turns and hands",
            "Changes of direction and changes by others, since the daemon began.",
            query(metric("deployment_direction_changes_total"), "turns"),
            query(metric("deployment_foreign_changes_total"), "changes by others"),
            stepped=True,
        ),
        lines(
            "Age of the platform's reading",
            "Time since the platform was last read.",
            query(f"time() - {metric('deployment_last_reading_timestamp_seconds')}", "reading"),
            unit="s",
        ),
    ]
