"""The demo's fleet: real traces, each as the load of one simulated deployment."""

from __future__ import annotations

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.load import Load, Steady, TraceLoad
from autoscaler.lab.traces import bundled

THREADS = 32
START = Envelope(1, 10, THREADS)
HOUR_S = 3600.0

# Name, trace, replicas that its busiest thousandth fills, where in the trace it begins.
OTHERS: tuple[tuple[str, str, float, float], ...] = (
    ("code", "azure_llm23_code", 7, 0.0),
    ("embed", "mooncake_conv", 10, 0.0),
    ("fraud", "azure_llm23_conv", 4, 0.5 * HOUR_S),
    ("churn", "servegen_deepseek_r1", 5, 8 * HOUR_S),
    ("rerank", "servegen_deepseek_r1", 6, 15 * HOUR_S),
    ("reason", "mooncake_conv", 9, 0.4 * HOUR_S),
)


def demo_fleet(first: str, trace: str, peak_replicas: float) -> list[DeploymentSpec]:
    """The deployments of `config/demo.yaml`: `first` under `trace`, and the others beside it.

    Raises TraceError for a trace that is not bundled.
    """
    specs = [DeploymentSpec(first, START, _load(trace, peak_replicas, 0.0))]
    specs += [DeploymentSpec(name, START, _load(of, peak, at)) for name, of, peak, at in OTHERS]
    return [*specs, DeploymentSpec("ocr", Envelope(2, 4, THREADS), Steady(20.0))]


def _load(trace: str, replicas: float, offset_s: float) -> Load:
    return TraceLoad.filling(bundled(trace), replicas=replicas, threads=THREADS, offset_s=offset_s)
