"""Faults of clocks and time zones that no other test covers."""

from __future__ import annotations

import sys
from zoneinfo import ZoneInfo, reset_tzpath

import pytest

from autoscaler.core.decision import Kind
from policies._zone import zone_of
from tests.runtime.test_tick import Stage


@pytest.mark.fault(43)
async def test_a_second_that_comes_twice_changes_nothing() -> None:
    stage = await Stage().set()
    await stage.turn(load=60)
    before, settled = stage.seats[0].watched_since, await stage.turn(load=60)
    stage.clock.at -= 1.0
    again = await stage.turn(load=60)
    assert (again.outcome.kind, again.plan.after) == (Kind.UNCHANGED, settled.plan.after)
    assert stage.seats[0].watched_since == before


@pytest.mark.fault(44)
def test_a_zone_that_is_not_installed_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    zone_of.cache_clear()
    ZoneInfo.clear_cache()
    with monkeypatch.context() as patch:
        # Neither the system's files nor the package tzdata, as in an image without both.
        for module in ("tzdata", "tzdata.zoneinfo", "tzdata.zoneinfo.Pacific"):
            patch.setitem(sys.modules, module, None)
        reset_tzpath(to=[])
        with pytest.raises(ValueError, match="got 'Pacific/Apia'"):
            zone_of("Pacific/Apia")
    reset_tzpath()
