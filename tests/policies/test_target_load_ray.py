"""Ray Serve's scaling factors, delays and aggregation, held against what Ray itself answers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Change, Series
from autoscaler.core.proposal import Proposal
from policies.target_load import (
    NO_WISH,
    TargetLoad,
    Waits,
    Wish,
    damped,
    from_zero,
    lasting,
    time_weighted,
)
from tests.strategies import NOW, seen

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ray_serve.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "case", VECTORS["scaling_factors"], ids=lambda c: f"{c['current']}-to-{c['desired']}"
)
def test_ray_goes_the_same_share_of_the_way(case: dict[str, Any]) -> None:
    up, down = case["upscaling_factor"], case["downscaling_factor"]
    assert damped(case["desired"], case["current"], up, down) == case["expect"]


@pytest.mark.parametrize("case", VECTORS["aggregation"], ids=range(len(VECTORS["aggregation"])))
def test_ray_weighs_a_gauge_by_time_the_same(case: dict[str, Any]) -> None:
    # The merged totals are the input: the sum over replicas is the query's work.
    times = [at for at, _ in case["merged"]]
    values = [value for _, value in case["merged"]]
    newest = max(at for single in case["series"] for at, _ in single)
    start = case["window_start"] or times[0]
    found = time_weighted(times, values, start, newest + case["last_window_s"])
    assert found is not None
    assert found.mean == pytest.approx(case["mean"], rel=1e-9)
    assert (found.most, found.least) == (case["max"], case["min"])


def waits(config: dict[str, Any]) -> Waits:
    return Waits(
        config["upscale_delay_s"], config["downscale_delay_s"], config["downscale_to_zero_delay_s"]
    )


@pytest.mark.parametrize("case", VECTORS["delay_logic"], ids=lambda case: case["name"])
def test_ray_waits_as_long_for_a_wish_to_last(case: dict[str, Any]) -> None:
    wish, answers = NO_WISH, []
    for at, wanted, current in case["steps"]:
        wish, size = lasting(wish, at, wanted, current, waits(case["config"]))
        answers.append(size)
    assert answers == case["expect"]


def decide(
    case: dict[str, Any], wish: Wish, step: tuple[float, float, int, int]
) -> tuple[Wish, int]:
    """Ray's order: a start from zero at once, else the factor on what runs, then the wait."""
    at, total, running, floor = step
    config = case["config"]
    up, down = config["upscaling_factor"], config["downscaling_factor"]
    if case["policy"] == "replica_queue_length":
        if running == 0:
            return wish, from_zero(total, floor, up)
        wanted = total / config["target_ongoing_requests"]
    else:
        wanted = 3 if total > 0 else 0
    size = damped(wanted, running, up, down)
    return lasting(wish, at, size, floor, waits(config))


def steps_of(case: dict[str, Any]) -> list[tuple[tuple[float, float, int, int], int | None]]:
    if "steps" in case:
        return [(tuple(s), e) for s, e in zip(case["steps"], case["expect"], strict=True)]
    return [
        ((start + tick * case["tick_s"], total, floor, floor), expected)
        for start, ticks, total, floor, expected in case["rle_steps"]
        for tick in range(ticks)
    ]


@pytest.mark.parametrize("case", VECTORS["from_tests"], ids=lambda case: case["name"])
def test_ray_decides_the_same_step_by_step(case: dict[str, Any]) -> None:
    wish = NO_WISH
    for step, expected in steps_of(case):
        wish, size = decide(case, wish, step)
        if expected is not None:
            assert size == expected, step


# Cases of Ray's own wish go through the whole policy as well, with the journal's changes.
WHOLE = [
    case
    for case in VECTORS["from_tests"]
    if case["policy"] == "replica_queue_length" and "steps" in case
]


def policy_for(config: dict[str, Any]) -> tuple[TargetLoad, int]:
    """Ray's target of ongoing requests per replica as a share of a replica's threads."""
    per_replica = config["target_ongoing_requests"]
    threads = max(1, int(per_replica))
    policy = TargetLoad(
        mode="ratio",
        replicas_signal="replicas",
        tolerance=0,
        target=per_replica / threads,
        aggregate="last",
        upscaling_factor=config["upscaling_factor"] or 1.0,
        downscaling_factor=config["downscaling_factor"] or 1.0,
        raise_after_s=config["upscale_delay_s"],
        lower_after_s=config["downscale_delay_s"],
        zero_after_s=config["downscale_delay_s"]
        if config["downscale_to_zero_delay_s"] is None
        else config["downscale_to_zero_delay_s"],
    )
    return policy, threads


def journal(floors: list[tuple[float, int]], threads: int) -> tuple[Change, ...]:
    return tuple(
        Change(at, Envelope(before, 1000, threads), Envelope(after, 1000, threads))
        for (_, before), (at, after) in pairwise(floors)
        if before != after
    )


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case["name"])
def test_the_whole_policy_answers_as_ray_does(case: dict[str, Any]) -> None:
    policy, threads = policy_for(case["config"])
    steps = steps_of(case)
    times = [NOW + step[0] for step, _ in steps]
    totals = [float(step[1]) for step, _ in steps]
    replicas = [float(step[2]) for step, _ in steps]
    floors = [(NOW + step[0], step[3]) for step, _ in steps]
    for i, (now, (step, expected)) in enumerate(zip(times, steps, strict=True)):
        if i % 7 and i > 20 and i + 5 < len(steps):
            continue  # hundreds of steps alike: every seventh shows the same
        known = slice(max(0, i - 400), i + 1)
        observation = seen(
            at=now,
            envelope=Envelope(step[3], 1000, threads),
            signals={
                "running_jobs": Series(tuple(times[known]), tuple(totals[known])),
                "replicas": Series(tuple(times[known]), tuple(replicas[known])),
            },
            changes=journal(floors[known], threads),
        )
        answer = policy.propose(observation)
        assert isinstance(answer, Proposal)
        assert answer.bids[Dial.MIN_REPLICAS].want == expected, step
