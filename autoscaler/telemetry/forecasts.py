"""How good the forecasts are, looked up when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from autoscaler.core.observation import ChosenRisk
from autoscaler.telemetry.catalogue import FORECASTS


@dataclass(frozen=True, slots=True)
class ForecastReading:
    """One forecast's realised quality; None before the first trial, and never zero for it.

    `risk` is what an SLO has chosen; None without one, or before the first choice.
    """

    deployment: str
    forecast: str
    tau: float
    coverage: float | None
    loss_ratio: float | None
    bias: float | None
    trials: int
    lead_s: float
    independent: float = 0.0
    risk: ChosenRisk | None = None


Look = Callable[[], Iterable[ForecastReading]]

READ: dict[str, Callable[[ForecastReading], float | None]] = {
    "forecast_tau_ratio": lambda one: one.tau,
    "forecast_coverage_ratio": lambda one: one.coverage,
    "forecast_loss_ratio": lambda one: one.loss_ratio,
    "forecast_bias_ratio": lambda one: one.bias,
    "forecast_trials": lambda one: float(one.trials),
    "forecast_independent_trials": lambda one: one.independent,
    "forecast_lead_seconds": lambda one: one.lead_s,
    "forecast_slo_ratio": lambda one: one.risk.slo if one.risk else None,
    "forecast_expected_ratio": lambda one: one.risk.expected if one.risk else None,
    "forecast_platform_expected_ratio": lambda one: (
        one.risk.alone.expected if one.risk and one.risk.alone else None
    ),
    "forecast_slo_met": lambda one: float(one.risk.met) if one.risk else None,
}


class ForecastCollector(Collector):
    """One family per figure. Registered once; `look` names nobody where nothing is forecast."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterable[Family]:
        """The figures of every forecast there is."""
        readings = list(self._look())
        for metric in FORECASTS:
            family = GaugeMetricFamily(metric.full_name, metric.help, labels=list(metric.labels))
            for one in readings:
                value = READ[metric.name](one)
                if value is not None:
                    family.add_metric([one.deployment, one.forecast], value)
            yield family
