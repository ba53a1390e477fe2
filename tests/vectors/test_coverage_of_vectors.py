"""Every group of recorded answers is held by a test, or listed here with why it is not."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent

# What stands at the top of a file about the file itself.
ABOUT = {"about", "source", "note", "schema", "units", "semantics", "comparisons"}

HELD = {
    ("aws", "adjustment_types"): "policies/test_step_vectors.py",
    ("aws", "inferred_required_capacity"): "policies/test_target_load_aws.py",
    ("aws", "multi_policy_max"): "core/test_merge_vectors.py",
    ("aws", "percent_change_rounding"): "policies/test_step_vectors.py",
    ("aws", "predictive_max_capacity"): "policies/test_forecast_vectors.py",
    ("aws", "predictive_never_scales_in"): "policies/test_forecast_vectors.py",
    ("aws", "scale_out_cooldown_counts_previous"): "policies/test_step_vectors.py",
    ("aws", "step_adjustment"): "policies/test_step_vectors.py",
    ("calendar", "nomad_schedule"): "policies/test_calendar_vectors.py",
    ("calendar", "time_spec"): "policies/test_calendar_vectors.py",
    ("concurrency_limits", "exp_avg"): "policies/test_thread_tuner_vectors.py",
    ("concurrency_limits", "from_tests"): "policies/test_thread_tuner_vectors.py",
    ("concurrency_limits", "traces"): "policies/test_thread_tuner_vectors.py",
    ("hpa", "behavior_limit"): "core/test_behavior_vectors.py",
    ("hpa", "behavior_rate"): "core/test_behavior_vectors.py",
    ("hpa", "convert_with_rules"): "core/test_behavior_vectors.py",
    ("hpa", "defaults"): "core/test_behavior_vectors.py",
    ("hpa", "replica_calc"): "policies/test_target_load_hpa.py",
    ("hpa", "stabilize_behavior"): "core/test_behavior_vectors.py",
    ("hpa", "stabilize_default"): "core/test_behavior_vectors.py",
    ("hpa", "store_scale_events"): "core/test_behavior_vectors.py",
    ("knative", "decay_coeff"): "policies/test_concurrency_vectors.py",
    ("knative", "scale"): "policies/test_concurrency_vectors.py",
    ("knative", "time_window_max"): "policies/test_concurrency_vectors.py",
    ("knative", "window_aggregation"): "policies/test_concurrency_vectors.py",
    ("nomad", "cap_count"): "core/test_guards_vectors.py",
    ("nomad", "direction"): "policies/test_target_load_nomad.py",
    ("nomad", "dry_run"): "core/test_guards_vectors.py",
    ("nomad", "on_error"): "core/test_merge_vectors.py",
    ("nomad", "pick_winner"): "core/test_merge_vectors.py",
    ("nomad", "preempt"): "core/test_merge_vectors.py",
    ("nomad", "remaining_cooldown"): "core/test_guards_vectors.py",
    ("nomad", "scaling_needed"): "core/test_merge_vectors.py",
    ("nomad", "schedule"): "policies/test_calendar_vectors.py",
    ("nomad", "strategy"): "policies/test_target_load_nomad.py",
    ("nomad", "wait_and_scale"): "runtime/test_tick_vectors.py",
    ("ray_serve", "aggregation"): "policies/test_target_load_ray.py",
    ("ray_serve", "delay_logic"): "policies/test_target_load_ray.py",
    ("ray_serve", "from_tests"): "policies/test_target_load_ray.py",
    ("ray_serve", "scaling_factors"): "policies/test_target_load_ray.py",
}
"""File and group of a recorded answer, and the tests that hold our code against it."""

ALSO = {
    ("nomad", "strategy"): ("policies/test_step_vectors.py", "policies/test_pass_through.py"),
    ("nomad", "direction"): ("policies/test_pass_through.py",),
}
"""Further tests of a group that several policies answer to."""

_BY_REPLICAS = (
    "it extrapolates the replica counts of the past, which carry the scaler's own waits; the "
    "forecasts here are quantiles of demand by seasonal experts, and none is such a fit"
)
NOT_HELD = {
    ("holt_winters", "linear_regression"): _BY_REPLICAS,
    ("holt_winters", "holt_winters"): _BY_REPLICAS,
}
"""Groups that no policy and no guard answers to, each with why."""


def groups() -> list[tuple[str, str]]:
    return [
        (file.stem, group)
        for file in sorted(HERE.glob("*.json"))
        for group in json.loads(file.read_text("utf-8"))
        if group not in ABOUT
    ]


def words(module: Path) -> set[Any]:
    """Every constant in a module's code."""
    tree = ast.parse(module.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def test_every_group_is_held_by_a_test_or_listed_with_why() -> None:
    assert set(groups()) == set(HELD) | set(NOT_HELD)
    assert not set(HELD) & set(NOT_HELD)
    assert all(len(why) > 40 for why in NOT_HELD.values())
    assert set(ALSO) <= set(HELD)


@pytest.mark.parametrize(("file", "group"), sorted(HELD), ids=str)
def test_the_test_of_a_group_reads_it(file: str, group: str) -> None:
    for module in (HELD[file, group], *ALSO.get((file, group), ())):
        found = words(TESTS / module)
        assert {f"{file}.json", group} <= found, f"{module} does not read {group} of {file}.json"


def test_every_strategy_of_nomad_has_its_policy() -> None:
    cases = json.loads((HERE / "nomad.json").read_text("utf-8"))
    read = {word for module in ALSO["nomad", "strategy"] for word in words(TESTS / module)}
    read |= words(TESTS / HELD["nomad", "strategy"])
    for group in ("strategy", "direction"):
        assert {case["strategy"] for case in cases[group]} <= read


def test_the_list_of_files_is_complete() -> None:
    told = (HERE / "README.md").read_text("utf-8")
    for file in HERE.glob("*.json"):
        assert f"| {file.name} |" in told
