"""`concurrency`, held against what Knative's pod autoscaler itself answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.kpa import (
    CALM,
    Kpa,
    Panic,
    bucketed,
    decay,
    excess_burst_capacity,
    kpa_step,
    linear_average,
    stretches,
    weighted_average,
    window_max,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "knative.json").read_text("utf-8"))
TICK_S = 2.0  # of Knative's loop, and of its scale-down delay's buckets


def spec_of(spec: dict[str, Any]) -> Kpa:
    return Kpa(
        target=spec["target"],
        max_up=spec["max_up"],
        max_down=spec["max_down"],
        panic_threshold=spec["panic_threshold"],
        stable_window_s=spec["stable_window_s"],
        activation_scale=spec["activation_scale"],
        reachable=spec["reachable"],
    )


@pytest.mark.parametrize("case", VECTORS["scale"], ids=lambda case: case["name"])
def test_knative_asks_for_the_same(case: dict[str, Any]) -> None:
    first = case["steps"][0]
    panic = Panic(first["panic_since_before"], first["max_panic_before"])
    asked: list[tuple[float, int]] = []
    for step in case["steps"]:
        if step["metric_error"]:
            assert step["expect"][2] is False
            continue  # A missing signal abstains: told in test_concurrency.py.
        spec = case["specs"][step["spec"]]
        assert panic.since == step["panic_since_before"]
        panic, pods = kpa_step(
            spec_of(spec), panic, step["t"], step["ready"], step["stable"], step["panic"]
        )
        # What is not reachable any more is lowered at once.
        if case["delay_window"] and spec["reachable"]:
            asked.append((step["unix"], pods))
            pods = window_max(asked, spec["scale_down_delay_s"], TICK_S)
        room = excess_burst_capacity(step["ready"], spec["total"], spec["tbc"], step["panic"])
        expected_pods, expected_room, _ = step["expect"]
        assert pods == expected_pods
        assert room == pytest.approx(expected_room, abs=1)
        assert (panic.since is not None) == step["panicking_after"]


@pytest.mark.parametrize("case", VECTORS["window_aggregation"], ids=range(8))
def test_knative_averages_a_window_the_same(case: dict[str, Any]) -> None:
    width, t0 = case["granularity_s"], case["t0"]
    size = -(-case["window_s"] // width)
    times: list[float] = []
    values: list[float] = []
    for step in case["steps"]:
        times.append(t0 + step["t"])
        values.append(step["record"])
        *_, found = stretches(bucketed(times, values, width, sums=True), size, hold=False)
        now = (t0 + step["query_t"]) // width
        assert linear_average(found, now, size) == pytest.approx(step["linear_avg"], abs=1e-6)
        assert weighted_average(found, now, size) == pytest.approx(step["weighted_avg"], abs=1e-6)
        recorded = [(at, int(value)) for at, value in zip(times, values, strict=True)]
        assert window_max(recorded, case["window_s"], width) == step["max"]


@pytest.mark.parametrize("case", VECTORS["time_window_max"], ids=lambda case: case["name"])
def test_knative_keeps_the_same_highest_value(case: dict[str, Any]) -> None:
    points = [(at, value) for at, value in case["points"]]
    assert window_max(points, 5, 1) == case["expect"]


@pytest.mark.parametrize("case", VECTORS["decay_coeff"], ids=lambda case: f"{case['buckets']}")
def test_knative_lets_old_buckets_fade_as_fast(case: dict[str, Any]) -> None:
    assert decay(case["buckets"]) == pytest.approx(case["expect"], abs=1e-5)


def test_every_look_starts_calm() -> None:
    assert Panic(None, 0) == CALM
