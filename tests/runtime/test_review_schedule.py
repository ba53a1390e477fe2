from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.schedule import Schedule
from tests.fakes.world import Troubles


@pytest.mark.fault(41, 69)
async def test_a_wall_clock_that_was_put_back_an_hour_stops_no_tick_for_an_hour() -> None:
    schedule, ran = Schedule(SystemClock(), Troubles()), asyncio.Event()

    async def work(_lag_s: float) -> None:
        ran.set()

    schedule.start()
    try:
        schedule.every("tick:online", 15.0, work, after=0.05)
        job = schedule._scheduler.get_job("tick:online")
        # What the plan looks like to a clock that shows an hour less than a moment ago.
        job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        schedule.keep_time()
        await asyncio.wait_for(ran.wait(), 60.0)
    finally:
        await schedule.stop(0.0)


async def test_what_is_planned_as_it_should_be_is_left_alone() -> None:
    schedule = Schedule(SystemClock(), Troubles())

    async def work(_lag_s: float) -> None:
        """Never run here."""

    schedule.start()
    try:
        schedule.every("discovery", 300.0, work, after=300.0)
        before = schedule._scheduler.get_job("discovery").next_run_time
        schedule.keep_time()
        assert schedule._scheduler.get_job("discovery").next_run_time == before
    finally:
        await schedule.stop(0.0)
