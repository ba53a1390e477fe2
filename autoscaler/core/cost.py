"""Compute-seconds: what replicas cost on the platform.

Source: Palantir documentation, compute-modules/usage (2026-08-14) and
manage-models/compute-usage (2026-08-18). A replica is metered while it is starting or active, on
the resources that it requested, used or not. Contracts differ, so every rate can be configured.

Assumptions, where the documentation is silent: a replica with GPUs pays for its GPUs alone, as
its worked GPU example does; a replica without stated resources is the default of 1 vCPU and
4 GiB. A container-backed model pays for its own container on top: state the sum as resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from autoscaler.core.observation import Resources

VCPU_RATE = 0.2
GIB_PER_VCPU = 7.5
DEFAULT_VCPUS = 1.0
DEFAULT_MEMORY_GIB = 4.0

# A16, L40S, H200, B200 and B300 are offered and have no published rate.
GPU_RATES: Mapping[str, float] = MappingProxyType(
    {"T4": 1.2, "A100": 1.3, "A10G": 1.5, "L4": 2.1, "V100": 3.0, "H100": 4.7}
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Compute-seconds per second of one vCPU and of one GPU by the platform's type name."""

    vcpu: float = VCPU_RATE
    gpus: Mapping[str, float] = field(default_factory=lambda: GPU_RATES)


PUBLISHED = Rates()


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Resources without a known rate. `gpu_type` is the platform's name, empty when unsaid."""

    gpu_type: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        name = f"GPU type {self.gpu_type}" if self.gpu_type else "a GPU of unknown type"
        known = ", ".join(self.known) or "none"
        return f"{name} has no rate (known: {known}): give your contract's in gpu_rates"


def vcpu_seconds(
    vcpus: float, memory_gib: float, replica_s: float, rate: float = VCPU_RATE
) -> float:
    """Compute-seconds of replicas without GPU; 7.5 GiB of memory count as one vCPU.

    `replica_s` is replicas times seconds: two replicas for 20 s are 40.
    """
    return max(vcpus, memory_gib / GIB_PER_VCPU) * rate * replica_s


def gpu_seconds(gpus: int, rate: float, replica_s: float) -> float:
    """Compute-seconds of replicas with so many GPUs of that rate; `replica_s` as above."""
    return gpus * rate * replica_s


def replica_rate(resources: Resources, rates: Rates = PUBLISHED) -> float | Unpriced:
    """Compute-seconds per second of one replica; Unpriced when its GPU has no known rate."""
    if resources.gpus:
        rate = rates.gpus.get(resources.gpu_type)
        if rate is None:
            return Unpriced(resources.gpu_type, tuple(sorted(rates.gpus)))
        return gpu_seconds(resources.gpus, rate, 1.0)
    vcpus = DEFAULT_VCPUS if resources.vcpus is None else resources.vcpus
    gib = DEFAULT_MEMORY_GIB if resources.memory_gib is None else resources.memory_gib
    return vcpu_seconds(vcpus, gib, 1.0, rates.vcpu)


def compute_seconds(
    resources: Resources, replica_s: float, rates: Rates = PUBLISHED
) -> float | Unpriced:
    """Compute-seconds of `replica_s` replicas times seconds; Unpriced as in `replica_rate`."""
    rate = replica_rate(resources, rates)
    return rate if isinstance(rate, Unpriced) else rate * replica_s
