"""Compute-seconds, as the platform meters them: the core's formula, None where it has no rate."""

from __future__ import annotations

from collections.abc import Mapping

from autoscaler.core.cost import GPU_RATES, Rates, Unpriced
from autoscaler.core.cost import replica_rate as priced
from autoscaler.core.observation import Resources

__all__ = ["GPU_RATES", "replica_rate"]


def replica_rate(resources: Resources, gpu_rates: Mapping[str, float] = GPU_RATES) -> float | None:
    """Compute-seconds per second of one replica; None when its GPU has no known rate."""
    rate = priced(resources, Rates(gpus=gpu_rates))
    return None if isinstance(rate, Unpriced) else rate
