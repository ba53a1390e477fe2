"""The arithmetic of the Kubernetes Horizontal Pod Autoscaler, as pure functions.

Source of the rules: kubernetes/kubernetes, pkg/controller/podautoscaler (2026), described in
its documentation under "Algorithm details". Values, requests and averages are whole milli-units
there; the functions for one number (`value_replicas`, `average_replicas`) take any unit, as long
as usage and target share it.

Two differences on purpose. Every result saturates at 2^31 - 1, where upstream converts some
paths without a check. A count is never negative, because a negative usage is no load.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MOST_REPLICAS = 2**31 - 1
MOST_USAGE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far from 1 a ratio may be before anything changes; shares, at least 0."""

    down: float = 0.1
    up: float = 0.1

    def holds(self, ratio: float) -> bool:
        """Whether `ratio` lies in the closed interval around 1."""
        return 1 - self.down <= ratio <= 1 + self.up


def whole(number: float, most: int = MOST_REPLICAS) -> int:
    """`number` rounded up to a count in 0..most; infinity counts as `most`."""
    if number <= 0:
        return 0
    return most if number >= most else math.ceil(number)


def value_replicas(
    usage: float, target: float, current: int, ready: int, tolerance: Tolerance
) -> int:
    """Replicas for an object or external metric with a Value target.

    The metric says how loaded the whole is: the ratio usage / target multiplies the `ready`
    replicas. Without replicas the ratio itself is the count. `target` is positive.
    """
    ratio = usage / target
    if current == 0:
        return whole(ratio)
    if tolerance.holds(ratio):
        return current
    return whole(ratio * ready) if ready > 0 else 0


def average_replicas(usage: float, target: float, current: int, tolerance: Tolerance) -> int:
    """Replicas for an object or external metric with an AverageValue target.

    `usage` is that of the whole, `target` the share of one replica (positive): the count is
    usage / target whatever runs now; `current` only serves the tolerance.
    """
    if current > 0 and tolerance.holds(usage / (target * current)):
        return current
    return whole(usage / target)


def average_usage(usage: float, current: int) -> int:
    """What is shown as the present average: usage per replica, rounded up; 0 without replicas."""
    if usage >= MOST_USAGE:
        return MOST_USAGE
    return math.ceil(usage / current) if current > 0 else 0


def total_usage(values: Sequence[int]) -> int:
    """The sum of external samples, saturating at 2^63 - 1."""
    return min(sum(values), MOST_USAGE)


class Kind(StrEnum):
    """What the values of pods are compared with: a share of their requests, or a plain average."""

    UTILISATION = "utilisation"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. `value` and `request` in milli-units, None when unknown; times in Unix seconds."""

    name: str
    value: int | None = None
    request: int | None = None
    phase: str = "Running"
    deleted: bool = False
    ready: bool | None = True
    started_at: float | None = 0.0
    ready_changed_at: float = 0.0
    sampled_at: float = 0.0
    sample_window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """When the CPU of a young pod counts, seconds; `cpu` False trusts every running pod."""

    now: float = 0.0
    cpu: bool = False
    initialisation_s: float = 300.0
    first_ready_s: float = 30.0


class PodClass(StrEnum):
    """How a pod takes part in the calculation."""

    READY = "ready"
    UNREADY = "unready"
    MISSING = "missing"
    IGNORED = "ignored"


def pod_class(pod: Pod, readiness: Readiness) -> PodClass:
    """The class of a pod; the first rule that fits decides."""
    if pod.deleted or pod.phase in {"Failed", "Succeeded"}:
        return PodClass.IGNORED
    if pod.phase == "Pending":
        return PodClass.UNREADY
    if pod.value is None:
        return PodClass.MISSING
    if readiness.cpu and not _cpu_counts(pod, readiness):
        return PodClass.UNREADY
    return PodClass.READY


def _cpu_counts(pod: Pod, readiness: Readiness) -> bool:
    if pod.ready is None or pod.started_at is None:
        return False
    if readiness.now < pod.started_at + readiness.initialisation_s:
        # A whole metric window must lie behind the last transition, or start-up is measured.
        return pod.ready and pod.sampled_at >= pod.ready_changed_at + pod.sample_window_s
    was_ready = pod.ready_changed_at >= pod.started_at + readiness.first_ready_s
    return pod.ready or was_ready


@dataclass(frozen=True, slots=True)
class Sized:
    """A count of replicas and the usage it was made from: percent, or milli-units per pod."""

    replicas: int
    usage: int


@dataclass(frozen=True, slots=True)
class Unsized:
    """No count can be given, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class PodTarget:
    """What pods should use: percent of the request, or milli-units on average; positive."""

    kind: Kind
    value: int
    tolerance: Tolerance = field(default_factory=Tolerance)

    def usage(self, measured: Mapping[str, int], requests: Mapping[str, int]) -> int | None:
        """The present usage, truncated to whole units; None when no request is known."""
        if self.kind is Kind.AVERAGE:
            return sum(measured.values()) // len(measured)
        known = [name for name in measured if name in requests]
        requested = sum(requests[name] for name in known)
        if requested <= 0:
            return None
        return sum(measured[name] for name in known) * 100 // requested

    def cautious(self, request: int) -> int:
        """What a pod without a metric is assumed to use while others call for fewer pods."""
        if self.kind is Kind.AVERAGE:
            return self.value
        return request * max(100, self.value) // 100


def hpa_replicas(
    target: PodTarget,
    pods: Sequence[Pod],
    current: int,
    readiness: Readiness,
    others: Mapping[str, int] | None = None,
) -> Sized | Unsized:
    """Replicas from per-pod metrics; `others` are metrics of pods that are not in `pods`.

    Missing pods count against the direction of the change: as busy when the rest calls for
    fewer, as idle (unready ones too) when it calls for more.
    """
    if not pods:
        return Unsized("no pods were found")
    if target.kind is Kind.UTILISATION and any(pod.request is None for pod in pods):
        return Unsized("a pod has no request to compare its usage with")
    classes = {pod.name: pod_class(pod, readiness) for pod in pods}
    measured = {pod.name: pod.value for pod in pods if pod.value is not None}
    measured = dict(others or {}) | measured
    measured = {
        name: value
        for name, value in measured.items()
        if classes.get(name, PodClass.READY) is PodClass.READY
    }
    if not measured:
        return Unsized("no ready pod has a metric")
    requests = {pod.name: pod.request or 0 for pod in pods}
    usage = target.usage(measured, requests)
    if usage is None:
        return Unsized("no pod with a metric has a request")
    return Sized(_pods_replicas(target, measured, requests, classes, current), usage)


def _pods_replicas(
    target: PodTarget,
    measured: Mapping[str, int],
    requests: Mapping[str, int],
    classes: Mapping[str, PodClass],
    current: int,
) -> int:
    ratio = (target.usage(measured, requests) or 0) / target.value
    missing = [name for name, found in classes.items() if found is PodClass.MISSING]
    unready = [name for name, found in classes.items() if found is PodClass.UNREADY]
    if not missing and (not unready or ratio <= 1):
        if target.tolerance.holds(ratio):
            return current
        return whole(ratio * sum(found is PodClass.READY for found in classes.values()))
    assumed = dict(measured)
    if ratio < 1:
        assumed |= {name: target.cautious(requests[name]) for name in missing}
    elif ratio > 1:
        assumed |= dict.fromkeys((*missing, *unready), 0)
    second = (target.usage(assumed, requests) or 0) / target.value
    if target.tolerance.holds(second) or (ratio < 1 < second) or (second < 1 < ratio):
        return current
    # A count made of more pods than run must not turn the direction round.
    count = whole(second * len(assumed))
    return min(count, current) if second < 1 else max(count, current)
