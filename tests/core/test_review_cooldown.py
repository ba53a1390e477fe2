from __future__ import annotations

from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.observation import Change, Health, Observation
from autoscaler.core.plan import Plan
from tests.strategies import NOW


def test_a_floor_that_cools_is_not_lowered_by_a_ceiling_that_may_move() -> None:
    before, after = Envelope(6, 8, 32), Envelope(2, 4, 32)
    lowered = Change(NOW - 60, Envelope(7, 8, 32), before)
    seen = Observation(
        NOW, "chat", before, NOW, Health("ACTIVE", is_ready=True), changes=(lowered,)
    )
    assert Cooldown().shape(Plan(before, after, after), seen).after == Envelope(6, 6, 32)
