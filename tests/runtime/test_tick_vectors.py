"""What a write that does not happen leaves behind, held against the Nomad Autoscaler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.reason import Code, because
from tests.runtime.test_tick import Stage, managed
from tests.strategies import entry, wants

NOMAD = json.loads((Path(__file__).parents[1] / "vectors" / "nomad.json").read_text("utf-8"))
NO_SLOT = Outcome(Kind.DEFERRED, because(Code.PACING, "no turn was left"))
REFUSED = Outcome(Kind.REFUSED, because(Code.INVALID_REQUEST, "the platform refused it"))


@pytest.mark.parametrize("case", NOMAD["wait_and_scale"], ids=lambda case: case["name"])
async def test_only_a_write_that_happened_starts_a_cooldown_as_in_nomad(
    case: dict[str, Any],
) -> None:
    cast = managed(
        policies=(entry("more", wants(floor=9, ceiling=12)),),
        guards=(Cooldown(raise_s=case["cooldown_s"]),),
    )
    stage = await Stage().set(cast)
    stage.platform.answers = [NO_SLOT] * case["slot_error"] + [REFUSED] * case["scale_error"]
    first = await stage.turn()
    assert (first.outcome.kind is Kind.APPLIED) is case["expect_cooldown_set"]
    cast_again = managed(policies=(entry("more", wants(floor=20, ceiling=25)),), guards=cast.guards)
    stage.seats[0].managed = cast_again
    second = await stage.turn(after=case["cooldown_s"] / 2)
    if case["expect_cooldown_set"]:
        assert second.outcome.reason.code is Code.COOLDOWN
        assert stage.platform.live[cast.rid].envelope == Envelope(9, 12, 32)
    else:
        # Nobody waits for a cooldown of something that did not happen.
        assert second.outcome.kind is Kind.APPLIED
        assert stage.platform.live[cast.rid].envelope == Envelope(20, 25, 32)
