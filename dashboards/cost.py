"""Cost: compute-seconds of floors and ceilings, budgets."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.parts import (
    DAEMON,
    ORANGE,
    QUARTER,
    RED,
    Panel,
    decisions,
    deployment_variable,
    figure,
    frame,
    group_variable,
    lines,
    metric,
    query,
    rows,
)

HOUR = "3600"
IN_GROUP = 'group=~"$group"'


def build() -> Dashboard:
    """The dashboard."""
    board = frame("cost", "What guaranteed and allowed replicas cost, and what is left of budgets.")
    board = board.with_variable(group_variable()).with_variable(deployment_variable())
    board = board.annotation(decisions())
    for panel in _figures():
        board = board.with_panel(panel)
    board = board.with_row(Row("Compute-seconds"))
    for panel in _spending():
        board = board.with_panel(panel)
    board = board.with_row(Row("Budgets"))
    for panel in _budgets():
        board = board.with_panel(panel)
    return board


def _costs(bound: str) -> str:
    """Compute-seconds per hour of each deployment's `min` or `max` replicas."""
    rate = metric("deployment_replica_compute_seconds_per_second")
    return f"{HOUR} * {metric(f'deployment_current_{bound}_replicas')} * on (job, instance, deployment) {rate}"


def _spent() -> str:
    return metric("deployment_floor_compute_seconds_total")


def _figures() -> list[Panel]:
    return [
        figure(
            "Floor",
            "Compute-seconds per hour of all guaranteed replicas.",
            f"sum({_costs('min')})",
            span=QUARTER,
        ),
        figure(
            "Ceiling",
            "Compute-seconds per hour if every ceiling were used.",
            f"sum({_costs('max')})",
            span=QUARTER,
        ),
        figure(
            "Guaranteed in this window",
            "Compute-seconds of floors, while watched.",
            f"sum(increase({_spent()}[$__range]))",
            span=QUARTER,
        ),
        figure(
            "Without a rate",
            "Deployments whose GPU has no known rate.",
            f"sum({metric('deployments', where=DAEMON, more=IN_GROUP)}) - count({_spent()})",
            limits=[(None, "green"), (1, ORANGE)],
            span=QUARTER,
        ),
    ]


def _spending() -> list[Panel]:
    info = metric("deployment_info", where=DAEMON, more=IN_GROUP)
    joined = f"on (job, instance, deployment) group_left (group) {info}"
    return [
        lines(
            "Floors by group",
            "Compute-seconds per hour.",
            query(f"sum by (group) (({_costs('min')}) * {joined})", "{{group}}"),
            stacked=True,
            stepped=True,
        ),
        lines(
            "Ceilings by group",
            "Compute-seconds per hour if they were used.",
            query(f"sum by (group) (({_costs('max')}) * {joined})", "{{group}}"),
            stacked=True,
            stepped=True,
        ),
        lines(
            "Dearest floors",
            "Compute-seconds per hour of the ten dearest deployments.",
            query(f"topk(10, {_costs('min')})", "{{deployment}}"),
            stepped=True,
        ),
        rows(
            "Deployments",
            "Compute-seconds of floors and ceilings per hour, and of floors in this window.",
            {
                "floor, per hour": (_costs("min"), "short"),
                "ceiling, per hour": (_costs("max"), "short"),
                "floor, this window": (f"increase({_spent()}[$__range])", "short"),
            },
            span=12,
        ),
    ]


def _budgets() -> list[Panel]:
    budget, spent = (
        metric("deployment_budget_compute_seconds"),
        metric("deployment_budget_spent_compute_seconds"),
    )
    share = f"{spent} / {budget}"
    return [
        lines(
            "Spent share of budgets",
            "1 is the whole budget of the period.",
            query(share, "{{deployment}}"),
            unit="percentunit",
            limits=[(None, "green"), (0.9, ORANGE), (1, RED)],
        ),
        rows(
            "Budgets",
            "What is left, in compute-seconds, and when it ends.",
            {
                "budget": (budget, "short"),
                "spent": (spent, "short"),
                "share": (share, "percentunit"),
                "period ends in": (
                    f"{metric('deployment_budget_ends_timestamp_seconds')} - time()",
                    "s",
                ),
            },
            span=12,
        ),
    ]
