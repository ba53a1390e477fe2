"""Forecast: does it keep its word, and is it worth it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards.parts import (
    ORANGE,
    QUARTER,
    WHOLE,
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


def build() -> Dashboard:
    """The dashboard."""
    board = frame(
        "forecast", "Coverage against the promise, loss against the naive forecast, bias."
    )
    board = board.with_variable(group_variable()).with_variable(deployment_variable())
    board = board.annotation(decisions())
    for panel in _figures():
        board = board.with_panel(panel)
    board = board.with_row(Row("Quality"))
    for panel in _quality():
        board = board.with_panel(panel)
    return board


def _figures() -> list[Panel]:
    coverage, tau = metric("forecast_coverage_ratio"), metric("forecast_tau_ratio")
    return [
        figure("Forecasts", "Of the chosen deployments.", f"count({tau})", span=QUARTER),
        figure(
            "Worst coverage less promise",
            "Below -0.02 it is worth a look.",
            f"min({coverage} - {tau})",
            limits=[(None, ORANGE), (-0.02, "green")],
            span=QUARTER,
            runbook="ForecastNotCalibrated",
        ),
        figure(
            "Median loss ratio",
            "Below 1 it beats the forecast that all stays as it is.",
            f"quantile(0.5, {metric('forecast_loss_ratio')})",
            limits=[(None, "green"), (1, ORANGE)],
            span=QUARTER,
        ),
        figure(
            "Longest lead",
            "How far ahead it must look: the start-up time.",
            f"max({metric('forecast_lead_seconds')})",
            unit="s",
            span=QUARTER,
        ),
    ]


def _quality() -> list[Panel]:
    coverage, tau = metric("forecast_coverage_ratio"), metric("forecast_tau_ratio")
    loss, bias = metric("forecast_loss_ratio"), metric("forecast_bias_ratio")
    trials = metric("forecast_independent_trials")
    least = f"{tau} - 0.02 - 3 * sqrt({tau} * (1 - {tau}) / ({trials} > 0))"
    signals = metric("deployment_signal_value")
    return [
        lines(
            "Coverage",
            "Share of the time that demand stayed within; `least` is what chance explains.",
            query(coverage, "{{deployment}} {{forecast}}"),
            query(tau, "{{deployment}} {{forecast}}: promised"),
            query(least, "{{deployment}} {{forecast}}: least"),
            unit="percentunit",
        ),
        lines(
            "Loss ratio",
            "Pinball loss over that of the naive forecast; below 1 is better.",
            query(loss, "{{deployment}} {{forecast}}"),
            limits=[(None, "green"), (1, ORANGE)],
        ),
        lines(
            "Bias",
            "Mean forecast over mean demand, minus 1; above 0 it is too high.",
            query(bias, "{{deployment}} {{forecast}}"),
            unit="percentunit",
        ),
        lines(
            "Windows",
            "Independent windows that the coverage is worth.",
            query(trials, "{{deployment}} {{forecast}}"),
        ),
        lines(
            "Demand and forecast",
            "All signals of the chosen deployments; a forecast lies its lead ahead. At full detail only.",
            query(signals, "{{deployment}} {{signal}}"),
            span=WHOLE,
        ),
        rows(
            "Forecasts",
            "The present figures.",
            {
                "promise": (tau, "percentunit"),
                "coverage": (coverage, "percentunit"),
                "loss ratio": (loss, "short"),
                "bias": (bias, "percentunit"),
                "windows": (trials, "short"),
                "lead": (metric("forecast_lead_seconds"), "s"),
            },
            by=("deployment", "forecast"),
        ),
    ]
