"""Compute-seconds, held against the platform's worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.cost import (
    GPU_RATES,
    Rates,
    Unpriced,
    compute_seconds,
    gpu_seconds,
    replica_rate,
    vcpu_seconds,
)
from autoscaler.core.observation import Resources


def test_half_a_vcpu_and_a_gibibyte_in_two_replicas_for_twenty_seconds_cost_four() -> None:
    assert vcpu_seconds(0.5, 1, 2 * 20) == pytest.approx(4)


def test_a_v100_in_two_replicas_for_twenty_seconds_costs_a_hundred_and_twenty() -> None:
    assert gpu_seconds(1, 3.0, 2 * 20) == pytest.approx(120)


def test_memory_counts_where_it_is_the_larger_share() -> None:
    # 16 GiB / 7.5 are 2.13 vCPUs, more than the two that were asked for.
    assert replica_rate(Resources(2, 16)) == pytest.approx(16 / 7.5 * 0.2)
    assert replica_rate(Resources(4, 16)) == pytest.approx(0.8)


@pytest.mark.parametrize(("hours", "cost"), [(192, 829_440), (108, 466_560), (94, 406_080)])
def test_a_day_of_a_t4_costs_what_its_replica_hours_say(hours: int, cost: int) -> None:
    found = compute_seconds(Resources(2, 16, 1, "T4"), hours * 3600)
    assert found == pytest.approx(cost)


def test_what_the_platform_did_not_say_is_its_default_replica() -> None:
    assert replica_rate(Resources()) == pytest.approx(0.2)


def test_an_own_contract_has_own_rates() -> None:
    rates = Rates(vcpu=0.5, gpus={"L40S": 2.0})
    assert replica_rate(Resources(2, 1), rates) == pytest.approx(1.0)
    assert replica_rate(Resources(2, 1, 2, "L40S"), rates) == pytest.approx(4.0)


@pytest.mark.parametrize("kind", ["A16", "L40S", "H200", "B200", "B300"])
def test_a_gpu_without_published_rate_is_refused_by_name(kind: str) -> None:
    found = compute_seconds(Resources(gpus=1, gpu_type=kind), 60)
    assert isinstance(found, Unpriced)
    assert str(found) == (
        f"GPU type {kind} has no rate (known: A100, A10G, H100, L4, T4, V100): "
        "give your contract's in gpu_rates"
    )


def test_a_gpu_of_a_type_that_was_not_said_is_refused_too() -> None:
    found = replica_rate(Resources(gpus=1), Rates(gpus={}))
    assert str(found).startswith("a GPU of unknown type has no rate (known: none)")


amounts = st.floats(0, 1e6)


@given(amounts, amounts, amounts, amounts)
def test_more_of_anything_never_costs_less(
    vcpus: float, gib: float, replica_s: float, more: float
) -> None:
    cost = vcpu_seconds(vcpus, gib, replica_s)
    assert vcpu_seconds(vcpus + more, gib, replica_s) >= cost >= 0
    assert vcpu_seconds(vcpus, gib + more, replica_s) >= cost
    assert vcpu_seconds(vcpus, gib, replica_s + more) >= cost


@given(st.sampled_from(sorted(GPU_RATES)), st.integers(1, 8), amounts, amounts)
def test_costs_add_up_over_time(kind: str, gpus: int, one: float, other: float) -> None:
    resources = Resources(gpus=gpus, gpu_type=kind)
    parts = [compute_seconds(resources, replica_s) for replica_s in (one, other, one + other)]
    assert parts[0] + parts[1] == pytest.approx(parts[2])  # type: ignore[operator]  # all priced
