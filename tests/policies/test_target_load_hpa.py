"""The HPA's arithmetic, held against what Kubernetes itself answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.hpa import (
    MOST_REPLICAS,
    Kind,
    Pod,
    PodClass,
    PodTarget,
    Readiness,
    Sized,
    Tolerance,
    Unsized,
    average_replicas,
    average_usage,
    hpa_replicas,
    pod_class,
    total_usage,
    value_replicas,
    whole,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "hpa.json").read_text("utf-8"))
CASES = [case for case in VECTORS["replica_calc"] if "current" in case["semantics"]]


def answer(case: dict[str, Any]) -> tuple[int, int]:
    tolerance = Tolerance(case["tolerance_down"], case["tolerance_up"])
    target, current = case["target"], case["current_replicas"]
    usage = total_usage(case["values"])
    if case["kind"].endswith("_average"):
        return average_replicas(usage, target, current, tolerance), average_usage(usage, current)
    ready = sum(pod["phase"] == "Running" and pod["ready"] == "True" for pod in case["pods"])
    return value_replicas(usage, target, current, ready, tolerance), usage


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['name']}")
def test_kubernetes_answers_the_same(case: dict[str, Any]) -> None:
    assert answer(case) == (case["expected_replicas"], case["expected_usage"])


def test_every_current_case_has_a_kind_that_is_answered() -> None:
    kinds = {case["kind"] for case in CASES}
    assert kinds == {"object_value", "external_value", "object_average", "external_average"}
    assert len(CASES) == 29


# --- per-pod metrics: the rules for pods that are missing, unready or gone -------------------

CPU = Readiness(now=1000.0, cpu=True, initialisation_s=120.0, first_ready_s=10.0)
PLAIN = Readiness()


def pods(*values: int | None, request: int = 1000) -> list[Pod]:
    return [Pod(f"pod-{i}", value, request) for i, value in enumerate(values)]


def utilisation(percent: int) -> PodTarget:
    return PodTarget(Kind.UTILISATION, percent)


def average(milli: int) -> PodTarget:
    return PodTarget(Kind.AVERAGE, milli)


def test_three_pods_at_half_their_request_become_five_for_a_target_of_thirty_percent() -> None:
    found = hpa_replicas(utilisation(30), pods(300, 500, 700), 3, CPU)
    assert found == Sized(replicas=5, usage=50)


def test_the_percentage_is_truncated_before_it_is_compared() -> None:
    # 549 of 1000 is 54 %, and 54 / 50 = 1.08 is within the tolerance of 0.1.
    assert hpa_replicas(utilisation(50), pods(549), 1, CPU) == Sized(1, 54)
    assert hpa_replicas(utilisation(50), pods(560), 1, CPU) == Sized(2, 56)


def test_an_unready_pod_counts_as_idle_when_the_others_call_for_more() -> None:
    found = [*pods(500, 700), Pod("late", 900, 1000, phase="Pending")]
    # Without it (500+700)/2000 = 60 % asks for 4; with it as idle 40 % of three asks for 4.
    assert hpa_replicas(utilisation(30), found, 3, CPU) == Sized(4, 60)


def test_an_unready_pod_is_left_out_when_the_others_call_for_fewer() -> None:
    found = [*pods(100, 100), Pod("late", 900, 1000, phase="Pending")]
    assert hpa_replicas(utilisation(50), found, 3, CPU) == Sized(1, 10)


def test_a_missing_pod_counts_as_fully_busy_when_the_others_call_for_fewer() -> None:
    # (100 + 100 + 1000) / 3000 = 40 % of a target of 50 %: 2.4 pods of three.
    assert hpa_replicas(utilisation(50), pods(100, 100, None), 3, CPU) == Sized(3, 10)
    # Without the caution it would be one.
    assert hpa_replicas(utilisation(50), pods(100, 100), 2, CPU) == Sized(1, 10)


def test_a_missing_pod_counts_as_the_target_where_that_is_above_the_request() -> None:
    assert utilisation(150).cautious(1000) == 1500
    assert utilisation(50).cautious(1000) == 1000
    assert average(700).cautious(1000) == 700


def test_a_missing_pod_counts_as_idle_when_the_others_call_for_more() -> None:
    # 900 on average asks for 6 of three; with the third as idle 600 asks for 2 x 3 / ... = 4.
    assert hpa_replicas(average(450), pods(900, 900, None), 3, PLAIN) == Sized(4, 900)


def test_a_missing_pod_never_turns_the_direction_round() -> None:
    # Two busy pods ask for more, but with eight unknown ones as idle the ratio falls below 1.
    assert hpa_replicas(average(500), pods(600, 600, *[None] * 8), 10, PLAIN) == Sized(10, 600)


def test_a_count_of_more_pods_than_run_never_turns_the_direction_round() -> None:
    # Five metrics for three wanted replicas: 0.8 x 5 = 4 would raise on a falling ratio.
    assert hpa_replicas(average(500), pods(375, 375, 375, 375, None), 3, PLAIN) == Sized(3, 375)
    # And the other way: 1.5 x 2 = 3 of five running would lower on a rising ratio.
    assert hpa_replicas(average(500), pods(1500, None), 5, PLAIN) == Sized(5, 1500)


def test_a_ratio_of_exactly_one_stays_even_when_pods_are_missing() -> None:
    assert hpa_replicas(average(500), pods(500, 500, None), 3, PLAIN) == Sized(3, 500)


def test_within_the_tolerance_the_pods_stay() -> None:
    assert hpa_replicas(average(500), pods(540, 540), 2, PLAIN) == Sized(2, 540)


def test_metrics_of_unknown_pods_count_for_averages_and_not_for_requests() -> None:
    others = {"stranger": 2000}
    assert hpa_replicas(average(500), pods(500, 500), 2, PLAIN, others) == Sized(4, 1000)
    assert hpa_replicas(utilisation(50), pods(500, 500), 2, CPU, others) == Sized(2, 50)


def test_pods_that_failed_finished_or_are_being_deleted_do_not_count() -> None:
    gone = [
        Pod("failed", 900, 1000, phase="Failed"),
        Pod("done", 900, 1000, phase="Succeeded"),
        Pod("leaving", 900, 1000, deleted=True),
    ]
    assert hpa_replicas(average(500), [*pods(250, 250), *gone], 2, PLAIN) == Sized(1, 250)


@pytest.mark.parametrize(
    ("found", "target", "why"),
    [
        ([], average(500), "no pods were found"),
        (pods(None, None), average(500), "no ready pod has a metric"),
        ([Pod("late", 5, 1000, phase="Pending")], utilisation(50), "no ready pod has a metric"),
        ([Pod("bare", 5)], utilisation(50), "a pod has no request to compare its usage with"),
        (pods(5, request=0), utilisation(50), "no pod with a metric has a request"),
    ],
)
def test_what_cannot_be_sized_says_why(found: list[Pod], target: PodTarget, why: str) -> None:
    assert hpa_replicas(target, found, 3, CPU) == Unsized(why)


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (Pod("silent"), PodClass.MISSING),
        (Pod("no condition", 5, ready=None), PodClass.UNREADY),
        (Pod("not started", 5, started_at=None), PodClass.UNREADY),
        (Pod("young and unready", 5, ready=False, started_at=950.0), PodClass.UNREADY),
        (
            Pod("young, sampled too early", 5, None, "Running", False, True, 950.0, 960.0, 1000.0),
            PodClass.UNREADY,
        ),
        (
            Pod(
                "young, sampled for a window", 5, None, "Running", False, True, 900.0, 930.0, 990.0
            ),
            PodClass.READY,
        ),
        (Pod("old, never ready", 5, ready=False, ready_changed_at=5.0), PodClass.UNREADY),
        (Pod("old, was ready", 5, ready=False, ready_changed_at=500.0), PodClass.READY),
        (Pod("old, ready", 5), PodClass.READY),
    ],
    ids=lambda value: value.name if isinstance(value, Pod) else str(value),
)
def test_a_young_pod_counts_once_its_start_is_behind_it(pod: Pod, expected: PodClass) -> None:
    assert pod_class(pod, CPU) is expected


def test_other_metrics_than_cpu_trust_every_running_pod() -> None:
    assert pod_class(Pod("young", 5, ready=False, started_at=999.0), PLAIN) is PodClass.READY


# --- properties ------------------------------------------------------------------------------

loads = st.floats(-1e300, 1e300)
targets = st.floats(1e-300, 1e300)
counts = st.integers(0, 1000)
tolerances = st.builds(Tolerance, st.floats(0, 1), st.floats(0, 5))


@given(loads, targets, counts, counts, tolerances)
def test_any_numbers_give_a_count(
    usage: float, target: float, current: int, ready: int, tolerance: Tolerance
) -> None:
    for size in (
        value_replicas(usage, target, current, ready, tolerance),
        average_replicas(usage, target, current, tolerance),
    ):
        assert isinstance(size, int)
        assert 0 <= size <= MOST_REPLICAS


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.1, 1e3), counts)
def test_without_tolerance_more_load_never_needs_fewer(
    one: float, other: float, target: float, current: int
) -> None:
    low, high = sorted((one, other))
    exact = Tolerance(0, 0)
    assert average_replicas(low, target, current, exact) <= average_replicas(
        high, target, current, exact
    )


@given(st.floats(allow_nan=False))
def test_a_whole_number_is_never_below_what_it_was_made_from(number: float) -> None:
    assert whole(number, 10) >= min(number, 10)


members = st.builds(
    Pod,
    st.sampled_from("abcdef"),
    st.none() | st.integers(0, 10_000),
    st.none() | st.integers(0, 5000),
    st.sampled_from(("Running", "Pending", "Failed", "Succeeded")),
    st.booleans(),
    st.sampled_from((True, False, None)),
    st.none() | st.floats(0, 1000),
    st.floats(0, 1000),
    st.floats(0, 1000),
)


@given(
    st.builds(PodTarget, st.sampled_from(Kind), st.integers(1, 5000), tolerances),
    st.lists(members, max_size=6, unique_by=lambda pod: pod.name),
    counts,
    st.booleans(),
)
def test_any_pods_give_a_size_or_a_reason(
    target: PodTarget, found: list[Pod], current: int, cpu: bool
) -> None:
    sized = hpa_replicas(target, found, current, Readiness(1000.0, cpu))
    if isinstance(sized, Sized):
        assert sized.replicas >= 0
    else:
        assert sized.why
