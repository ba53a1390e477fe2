"""Limits, cooldown and mode, held against what the Nomad Autoscaler answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.decide import decide
from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.observation import Change, Limits, Mode
from autoscaler.core.standing import standing
from tests.strategies import NOW, entry, seen, wants

NOMAD = json.loads((Path(__file__).parents[1] / "vectors" / "nomad.json").read_text("utf-8"))
META = "nomad_autoscaler."


@pytest.mark.parametrize("case", NOMAD["cap_count"], ids=lambda case: case["name"])
def test_a_count_is_capped_and_its_first_reason_stays_as_in_nomad(case: dict[str, Any]) -> None:
    ranges = Limits(Range(case["min"], case["max"]), Range(0, None), Range(1, None))
    current = 20
    plan = decide(
        seen(envelope=Envelope(current, 40, 8), limits=ranges),
        [entry("policy", wants(floor=case["count"]))],
        (LimitsGuard(),),
    )
    expected = case["expect"]
    assert plan.after.min_replicas == expected["count"]
    steps = [(step.by, step.before, step.after) for step in plan.trail]
    wish = ("policy", current, case["count"])
    if f"{META}count.capped" in expected["meta"]:
        original = expected["meta"][f"{META}count.original"]
        assert steps == [wish, ("limits", original, expected["count"])]
        assert str(original) in str(plan.trail[-1].reason)
    else:
        assert steps == [wish]


@pytest.mark.parametrize("case", NOMAD["remaining_cooldown"], ids=lambda case: case["name"])
def test_the_same_time_of_a_cooldown_is_left_as_in_nomad(case: dict[str, Any]) -> None:
    changed = Change(
        NOW - case["seconds_since_last_event"], Envelope(2, 10, 32), Envelope(4, 10, 32)
    )
    plan = decide(
        seen(changes=(changed,)),
        [entry("policy", wants(floor=3))],
        (Cooldown(lower_s=case["cooldown_s"]),),
    )
    # A cooldown that is over has nothing left to tell: Nomad's -300 s is a plan that moves.
    left = case["expect_s"]
    assert plan.after[Dial.MIN_REPLICAS] == (4 if left > 0 else 3)
    if left > 0:
        assert dict(plan.trail[-1].reason.facts)["left"] == left


@pytest.mark.parametrize("case", NOMAD["dry_run"], ids=lambda case: case["name"])
def test_a_dry_run_tells_the_number_and_writes_nothing_as_in_nomad(case: dict[str, Any]) -> None:
    """Nomad marks it by a count of -1; here the outcome says so, and the number stays a number."""
    plan = decide(
        seen(envelope=Envelope(2, 10, 8), mode=Mode.RECOMMEND),
        [entry("policy", wants(floor=case["count"]))],
        tuple(guard() for guard in GUARDS),
    )
    assert plan.after.min_replicas == case["expect"]["meta"][f"{META}dry_run.count"]
    outcome = standing(plan, Mode.RECOMMEND)
    assert outcome is not None
    assert outcome.kind is Kind.RECOMMENDED
    assert standing(plan, Mode.APPLY) is None
