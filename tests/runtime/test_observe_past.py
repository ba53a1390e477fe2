"""A source that never tells its past keeps nobody else from theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from autoscaler.core.observation import Series
from autoscaler.ports import Question
from autoscaler.roster import ForecastSpec
from autoscaler.runtime import observe
from autoscaler.runtime.observe import fill_forecasts
from autoscaler.runtime.seat import Seat
from tests.fakes.world import FakeClock, FakeSource
from tests.runtime.test_tick import managed
from tests.strategies import NOW


class Endless(FakeSource):
    """Its history never comes."""

    async def history(
        self, question: Question, start: float, end: float, step: float
    ) -> Mapping[str, Series]:
        await asyncio.Event().wait()
        return {}


async def test_a_past_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "LONG_PAST_S", 0.01)
    one = managed(forecasts={"ahead": ForecastSpec()})
    seat = Seat(one)
    seat.manage(one, 15.0)
    assert seat.foresight is not None
    assert seat.foresight.empty()
    await fill_forecasts({"prom": Endless(FakeClock())}, [seat], NOW)
    assert seat.foresight.empty(), "it learns from now on"
