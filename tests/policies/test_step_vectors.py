"""`step`, held against the worked examples of AWS and the answers of Nomad's threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Change, Missing, Series
from autoscaler.core.proposal import Abstain, Proposal
from policies.step import Band, Step, adjusted, percent_change
from tests.strategies import NOW, seen

FOLDER = Path(__file__).parents[1] / "vectors"
AWS = json.loads((FOLDER / "aws.json").read_text("utf-8"))
NOMAD = json.loads((FOLDER / "nomad.json").read_text("utf-8"))["strategy"]
THRESHOLD = [case for case in NOMAD if case["strategy"] == "threshold"]
ADJUST = {
    "ChangeInCapacity": "number",
    "ExactCapacity": "exact",
    "PercentChangeInCapacity": "percent",
}


def wanted(policy: Step, count: int, values: list[float], *changes: Change) -> int:
    """What comes of the policy: its want, or the present number when it has no opinion."""
    times = tuple(NOW - 10 * i for i in reversed(range(len(values))))
    signals = {policy.signal: Series(times, tuple(values))}
    answer = policy.propose(
        seen(envelope=Envelope(count, 100, 10), signals=signals, changes=changes)
    )
    assert isinstance(answer, Proposal)
    bid = answer.bids.get(Dial.MIN_REPLICAS)
    return count if bid is None or bid.want is None else bid.want


@pytest.mark.parametrize("case", AWS["percent_change_rounding"], ids=lambda c: str(c["raw"]))
def test_aws_rounds_a_percentage_the_same(case: dict[str, Any]) -> None:
    assert percent_change(case["raw"]) == case["expect"]


@pytest.mark.parametrize(
    "case", AWS["adjustment_types"], ids=lambda c: f"{c['type']}-of-{c['capacity']}"
)
def test_aws_adjusts_the_same(case: dict[str, Any]) -> None:
    least = case.get("min_adjustment_magnitude", 0)
    adjust, change, capacity = ADJUST[case["type"]], case["adjustment"], case["capacity"]
    assert adjusted(capacity, change, adjust, least) == case["expect"]
    policy = Step(above=(Band(0, None, change),), adjust=adjust, min_change=least)
    assert wanted(policy, capacity, [1.0]) == case["expect"]


STEPS = AWS["step_adjustment"]


@pytest.mark.parametrize("case", STEPS["cases"], ids=lambda c: f"{c['capacity']}-at-{c['metric']}")
def test_aws_takes_the_same_step(case: dict[str, Any]) -> None:
    policy = Step(
        threshold=STEPS["threshold"],
        adjust=ADJUST[STEPS["adjustment_type"]],
        above=tuple(Band(*band) for band in STEPS["scale_out"]),
        below=tuple(Band(*band) for band in STEPS["scale_in"]),
    )
    assert wanted(policy, case["capacity"], [case["metric"]]) == case["expect"]


@pytest.mark.parametrize("case", AWS["scale_out_cooldown_counts_previous"], ids=["counts"])
def test_aws_counts_what_a_recent_step_added(case: dict[str, Any]) -> None:
    original, first, second = case["original"], case["first"], case["second"]
    policy = Step(above=(Band(0, 10, first), Band(10, None, second)), cooldown_s=300)
    current = wanted(policy, original, [5.0])
    assert current == original + first
    added = Change(NOW - 60, Envelope(original, 100, 10), Envelope(current, 100, 10))
    assert wanted(policy, current, [5.0], added) == current
    assert wanted(policy, current, [15.0], added) == case["expect"]


def options_of(case: dict[str, Any]) -> dict[str, Any]:
    """Nomad's configuration in our terms: one step with absolute ends, so a threshold of 0."""
    config = case["config"]
    actions = [config[key] for key in ("delta", "percentage", "value") if key in config]
    adjust = {"percentage": "percent", "value": "exact"}
    kinds = [adjust[key] for key in adjust if key in config] or ["number"]
    band = [config.get("lower_bound"), config.get("upper_bound"), *actions]
    return {
        "above": [band],
        "adjust": kinds[0],
        "rounding": "up",
        "window": 600,
        "points": config.get("within_bounds_trigger", 5),
    }


def built(case: dict[str, Any]) -> Step:
    options = options_of(case)
    options["window_s"] = options.pop("window")
    return TypeAdapter(Step).validate_python(options)


@pytest.mark.parametrize("case", [c for c in THRESHOLD if "action" in c], ids=lambda c: c["name"])
def test_nomad_answers_the_same(case: dict[str, Any]) -> None:
    action, count = case["action"], case["count"]
    expected = count if action["direction"] == "none" else action["count"]
    assert wanted(built(case), count, case["metrics"]) == expected


@pytest.mark.parametrize(
    "case", [c for c in THRESHOLD if "error_contains" in c], ids=lambda c: c["name"]
)
def test_options_that_nomad_refuses_are_refused_at_start(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        built(case)


def test_without_points_nothing_is_said() -> None:
    gone = seen(signals={"running_jobs": Missing(Absence.EMPTY)})
    assert isinstance(Step(above=(Band(0, None, 1),)).propose(gone), Abstain)
