"""Compute-seconds agree with the platform's worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.observation import Resources
from autoscaler.lab.platform.metering import replica_rate


@pytest.mark.parametrize(
    ("resources", "replica_s", "compute_s"),
    [
        (Resources(vcpus=0.5, memory_gib=1), 2 * 20, 4),
        (Resources(vcpus=0.5, memory_gib=1, gpus=1, gpu_type="V100"), 2 * 20, 120),
        (Resources(vcpus=2, memory_gib=16), 1, 16 / 7.5 * 0.2),
        (Resources(), 1, 0.2),
    ],
)
def test_worked_examples(resources: Resources, replica_s: float, compute_s: float) -> None:
    rate = replica_rate(resources)
    assert rate is not None
    assert rate * replica_s == pytest.approx(compute_s)


def test_a_gpu_without_a_published_rate_has_none() -> None:
    assert replica_rate(Resources(gpus=1, gpu_type="B300")) is None
    assert replica_rate(Resources(gpus=1)) is None


@given(st.floats(0.1, 64), st.floats(0.1, 512))
def test_the_larger_request_binds(vcpus: float, gib: float) -> None:
    rate = replica_rate(Resources(vcpus=vcpus, memory_gib=gib))
    assert rate == pytest.approx(0.2 * max(vcpus, gib / 7.5))
