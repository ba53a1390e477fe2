"""The concurrency limiters, held against what Netflix's own code answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.limiter import Average, Rule, Sample, Track, aimd, gradient2, vegas

FILE = Path(__file__).parents[1] / "vectors" / "concurrency_limits.json"
VECTORS = json.loads(FILE.read_text("utf-8"))
RULES = {"gradient2": gradient2, "vegas": vegas, "aimd": aimd}
NAMES = {
    "min": "least",
    "max": "most",
    "queue_size": "queue",
    "rtt_tolerance": "tolerance",
    "backoff_ratio": "backoff",
    "timeout_ns": "timeout",
}
# Upstream's lower bounds where a case leaves them out.
LEAST = {"vegas": 1, "aimd": 20, "gradient2": 20}


def rule_of(case: dict[str, Any]) -> Rule:
    """The case's parameters; `decrease: halve` is a function of the limit there, a share here."""
    given = {"min": LEAST[case["algo"]], **case["config"]}
    parts = {NAMES.get(name, name): value for name, value in given.items() if name != "initial"}
    if "decrease" in parts:
        parts["decrease"] = {"halve": 0.5}[parts["decrease"]]
    return Rule(**parts)


@pytest.mark.parametrize(
    "case", VECTORS["from_tests"], ids=lambda case: f"{case['algo']}-{case['name']}"
)
def test_the_limit_moves_as_upstreams_tests_say(case: dict[str, Any]) -> None:
    hold(case)


@pytest.mark.parametrize("case", VECTORS["traces"], ids=range(len(VECTORS["traces"])))
def test_a_whole_trace_is_followed_step_by_step(case: dict[str, Any]) -> None:
    hold(case)


def hold(case: dict[str, Any]) -> None:
    rule, track = rule_of(case), Track(case["config"]["initial"])
    for place, (rtt, inflight, dropped, expected) in enumerate(case["steps"]):
        track = RULES[case["algo"]](track, Sample(rtt, inflight, dropped), rule)
        assert int(track.limit) == expected, f"step {place}"


def test_the_long_average_warms_up_and_then_forgets_slowly() -> None:
    case, average = VECTORS["exp_avg"], Average()
    for sample, expected in zip(case["inputs"], case["expect"], strict=True):
        average = average.add(sample, case["window"], case["warmup"])
        assert average.value == pytest.approx(expected, abs=case["tolerance"])


def test_every_vector_is_held() -> None:
    assert len(VECTORS["from_tests"]) == 9
    assert sum(len(trace["steps"]) for trace in VECTORS["traces"]) == 240
