"""Compute-seconds, as the platform meters them.

Source: Palantir documentation, compute-modules/usage (2026-08-14) and
manage-models/compute-usage (2026-08-18). A replica is metered while it is starting or active, on
what it requested. The GPU example there counts the GPU formula alone, and so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from autoscaler.core.observation import Resources

VCPU_RATE = 0.2
GIB_PER_VCPU = 7.5
GPU_RATES: Mapping[str, float] = MappingProxyType(
    {"T4": 1.2, "A100": 1.3, "A10G": 1.5, "L4": 2.1, "V100": 3.0, "H100": 4.7}
)
"""Published rates. A16, L40S, H200, B200 and B300 have none: name your contract's rate."""

DEFAULT_VCPUS = 1.0
DEFAULT_MEMORY_GIB = 4.0


def replica_rate(resources: Resources, gpu_rates: Mapping[str, float] = GPU_RATES) -> float | None:
    """Compute-seconds per second of one replica; None when its GPU has no known rate."""
    if resources.gpus:
        rate = gpu_rates.get(resources.gpu_type)
        return None if rate is None else resources.gpus * rate
    vcpus = DEFAULT_VCPUS if resources.vcpus is None else resources.vcpus
    gib = DEFAULT_MEMORY_GIB if resources.memory_gib is None else resources.memory_gib
    return max(vcpus, gib / GIB_PER_VCPU) * VCPU_RATE
