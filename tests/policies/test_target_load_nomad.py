"""Nomad's target-value strategy, held against what the Nomad Autoscaler answers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.hpa import Tolerance, value_replicas
from autoscaler.core.observation import Absence, Missing, Series
from autoscaler.core.proposal import Abstain, Proposal
from policies.target_load import TargetLoad, capped
from tests.strategies import NOW, seen

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "nomad.json").read_text("utf-8"))
MINE = [case for case in VECTORS["strategy"] if case["strategy"] == "target-value"]
REFUSED = [case for case in MINE if "error" in case]
ANSWERED = [case for case in MINE if case.get("action")]
SILENT = [case for case in MINE if "action" in case and case["action"] is None]
THRESHOLD = 0.01  # Nomad's default

ZERO_TARGET = "a target of 0 is refused at start: Nomad takes the metric itself as the factor"


def expected_count(case: dict[str, Any]) -> int:
    action = case["action"]
    return int(case["count"] if action["direction"] == "none" else action["count"])


def answer(case: dict[str, Any]) -> int:
    config, count = case["config"], case["count"]
    threshold = float(config.get("threshold", THRESHOLD))
    size = value_replicas(
        case["metrics"][-1], float(config["target"]), count, count, Tolerance(threshold, threshold)
    )
    limits = (config.get("max_scale_up"), config.get("max_scale_down"))
    most, least = (None if limit is None else int(limit) for limit in limits)
    return capped(size, count, most, least)


def is_zero_target(case: dict[str, Any]) -> bool:
    return float(case["config"]["target"]) == 0


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case["name"])
def test_nomad_answers_the_same(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if is_zero_target(case):
        request.applymarker(
            pytest.mark.xfail(reason=ZERO_TARGET, raises=ZeroDivisionError, strict=True)
        )
    assert answer(case) == expected_count(case)


@pytest.mark.parametrize(
    "case", [c for c in ANSWERED if not is_zero_target(c)], ids=lambda c: c["name"]
)
def test_the_whole_policy_answers_as_nomad_does(case: dict[str, Any]) -> None:
    # Nomad's metric and target share a unit; here both are shares of use, so both are scaled.
    config, count, most = case["config"], case["count"], 300.0
    policy = TargetLoad(
        mode="share",
        aggregate="last",
        target=float(config["target"]) / most,
        tolerance=float(config.get("threshold", THRESHOLD)),
        max_raise=int(config["max_scale_up"]) if "max_scale_up" in config else None,
        max_lower=int(config["max_scale_down"]) if "max_scale_down" in config else None,
    )
    times = tuple(NOW - 10 * i for i in reversed(range(len(case["metrics"]))))
    series = Series(times, tuple(metric / most for metric in case["metrics"]))
    found = policy.propose(seen(envelope=Envelope(count, 100, 1), signals={"running_jobs": series}))
    assert isinstance(found, Proposal)
    assert found.bids[Dial.MIN_REPLICAS].want == expected_count(case)


@pytest.mark.parametrize("case", SILENT, ids=lambda case: case["name"])
def test_without_metrics_nothing_is_said(case: dict[str, Any]) -> None:
    gone = seen(signals={"running_jobs": Missing(Absence.EMPTY)})
    assert isinstance(TargetLoad().propose(gone), Abstain)


OPTIONS = {
    "target": "target",
    "threshold": "tolerance",
    "max_scale_up": "max_raise",
    "max_scale_down": "max_lower",
}
HAS_A_DEFAULT = "the target has a default of 0.7, so it may be left out"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_options_that_nomad_refuses_are_refused_at_start(
    case: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if not case["config"]:
        request.applymarker(pytest.mark.xfail(reason=HAS_A_DEFAULT, strict=True))
    options = {OPTIONS[key]: value for key, value in case["config"].items()}
    with pytest.raises(ValueError, match="validation error"):
        TypeAdapter(TargetLoad).validate_python(options)


DIRECTIONS = [case for case in VECTORS["direction"] if case["strategy"] == "target-value"]


@pytest.mark.parametrize("case", DIRECTIONS, ids=lambda c: f"{c['count']}-at-{c['input']}")
def test_nomad_takes_the_same_direction(case: dict[str, Any]) -> None:
    ratio, count = case["input"], case["count"]
    tolerance = Tolerance(case["threshold"], case["threshold"])
    size = value_replicas(ratio, 1.0, count, count, tolerance)
    if case["expect"] == "none":
        assert size == count
    elif case["expect"] == "up":
        assert size > count
    else:
        # 0.98 of five calls for fewer and rounds up to five again.
        assert not tolerance.holds(ratio)
        assert size == math.ceil(ratio * count) <= count
