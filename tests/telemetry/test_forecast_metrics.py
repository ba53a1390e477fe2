from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from autoscaler.telemetry.catalogue import FORECASTS
from autoscaler.telemetry.forecasts import READ, ForecastReading
from autoscaler.telemetry.metrics import Metrics
from tests.fakes.telemetry import HandClock


def test_every_figure_of_a_forecast_is_read_somewhere() -> None:
    assert {metric.name for metric in FORECASTS} == READ.keys()


def test_what_is_not_known_yet_is_absent_and_not_zero() -> None:
    told = Metrics(HandClock(), version="1")
    new = ForecastReading("chat", "forecast", 0.95, None, None, None, 0, 120.0)
    old = ForecastReading("rerank", "forecast", 0.95, 0.951, 0.4, 0.02, 5000, 60.0)
    told.watch_forecasts(lambda: [new, old])
    body, _ = told.render("")
    found = {
        (
            sample.name.removeprefix("foundry_autoscaler_"),
            sample.labels.get("deployment"),
        ): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
    assert found["forecast_tau_ratio", "chat"] == 0.95
    assert ("forecast_coverage_ratio", "chat") not in found
    assert found["forecast_coverage_ratio", "rerank"] == 0.951
    assert found["forecast_lead_seconds", "rerank"] == 60.0
