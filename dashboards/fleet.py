"""Fleet: who is in trouble, what was decided, what is in the way."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.parts import (
    DAEMON,
    HALF,
    ONE,
    ORANGE,
    RED,
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
    rows,
    states,
)

IN_GROUP = 'group=~"$group"'


def build() -> Dashboard:
    """The dashboard."""
    board = frame(
        "fleet", "All deployments: load, decisions, what limits them and who is in trouble."
    )
    board = board.with_variable(group_variable()).with_variable(deployment_variable())
    board = board.annotation(decisions()).annotation(hands())
    for panel in _figures():
        board = board.with_panel(panel)
    board = board.with_row(Row("Decisions"))
    for panel in _decisions():
        board = board.with_panel(panel)
    board = board.with_row(Row("Deployments"))
    return board.with_panel(_table()).with_panel(_limited()).with_panel(_words())


def _figures() -> list[Panel]:
    age = metric("last_evaluation_age_seconds", where=DAEMON, more=IN_GROUP)
    return [
        figure(
            "Deployments",
            "Under management.",
            f"sum({metric('deployments', where=DAEMON, more=IN_GROUP)})",
        ),
        figure(
            "Since the last tick",
            "Of the slowest group.",
            f"max({age})",
            unit="s",
            limits=[(None, "green"), (60, ORANGE), (180, RED)],
            runbook="NotEvaluating",
        ),
        figure(
            "Sources down",
            "Metric sources whose last query failed.",
            f"count({metric('source_up', where=DAEMON)}) - sum({metric('source_up', where=DAEMON)})",
            limits=ZERO_IS_GOOD,
            runbook="SourceDown",
        ),
        figure(
            "Without data",
            "Deployments with a missing signal.",
            f"sum({metric('deployment_signals_missing')} > bool 0)",
            limits=ZERO_IS_GOOD,
            runbook="DataStale",
        ),
        figure(
            "At their ceiling",
            "Deployments that ask for more than their ceiling.",
            f"sum({metric('deployment_short_replicas')} > bool 0)",
            limits=ZERO_IS_GOOD,
            runbook="AtCeiling",
        ),
        figure(
            "Paused or overridden",
            "Deployments under an operator's word.",
            f"sum(({metric('deployment_paused')} + {metric('deployment_braked')} + {metric('deployment_overridden')}) > bool 0)",
            limits=[(None, "green"), (1, ORANGE)],
            runbook="OverrideWithoutEnd",
        ),
    ]


def _decisions() -> list[Panel]:
    changes = metric("changes_total", where=DAEMON)
    return [
        lines(
            "Decisions by how they ended",
            "Per second. `applied` carries the id of a decision as exemplar.",
            query(
                f"sum by (outcome) (rate({metric('decisions_total', where=DAEMON)}[$__rate_interval]))",
                "{{outcome}}",
                exemplars=True,
            ),
            unit="ops",
            stacked=True,
        ),
        lines(
            "Changes",
            "Dials turned on the platform, in each interval.",
            query(
                f"sum by (dial, direction) (increase({changes}[$__rate_interval]))",
                "{{dial}} {{direction}}",
            ),
            stacked=True,
        ),
        lines(
            "Why nothing was changed",
            "Decisions that were held or deferred, by reason.",
            query(
                f"sum by (reason) (rate({metric('decision_reasons_total', where=DAEMON)}[$__rate_interval])) > 0",
                "{{reason}}",
            ),
            unit="ops",
        ),
        lines(
            "Guards that stepped in",
            "Decisions that a guard shaped or held.",
            query(
                f"sum by (guard) (rate({metric('guard_interventions_total', where=DAEMON)}[$__rate_interval]))",
                "{{guard}}",
            ),
            unit="ops",
        ),
        lines(
            "Guaranteed and allowed replicas",
            "Sums over the groups.",
            query(f"sum({metric('deployment_current_min_replicas')})", "floor"),
            query(f"sum({metric('deployment_current_max_replicas')})", "ceiling"),
            query(f"sum({metric('deployment_wanted_min_replicas')})", "floor wanted"),
            stepped=True,
        ),
        states(
            "Fleet alarms",
            "While one is active, nothing in the group is lowered.",
            query(metric("fleet_alarm", where=DAEMON, more=IN_GROUP), "{{group}} {{alarm}}"),
        ),
    ]


def _table() -> Panel:
    return rows(
        "All deployments",
        "Click a name to open it.",
        {
            "floor": (metric("deployment_current_min_replicas"), "short"),
            "ceiling": (metric("deployment_current_max_replicas"), "short"),
            "threads": (metric("deployment_current_threads"), "short"),
            "floor wanted": (metric("deployment_wanted_min_replicas"), "short"),
            "short of": (metric("deployment_short_replicas"), "short"),
            "signals missing": (metric("deployment_signals_missing"), "short"),
            "since decided": (
                f"time() - {metric('deployment_last_evaluation_timestamp_seconds')}",
                "s",
            ),
            "ready": (metric("deployment_ready"), "bool_yes_no"),
        },
    )


def _limited() -> Panel:
    one = metric("deployment_limited_by", where=ONE)
    return lines(
        "What limits deployments",
        "How many each guard shapes or holds now.",
        query(f"sum by (guard) ({one} == 1) or sum by (guard) ({one}) * 0", "{{guard}}"),
        span=HALF,
        stacked=True,
    )


def _words() -> Panel:
    return lines(
        "Pauses, brakes, pins and floors",
        "Deployments under an operator's word.",
        query(f"sum({metric('deployment_paused')})", "paused"),
        query(f"sum({metric('deployment_braked')})", "braked"),
        query(f"sum({metric('deployment_overridden')})", "pinned, with a floor or in another mode"),
        stepped=True,
    )
