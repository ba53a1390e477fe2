"""When things run: the only importer of APScheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from autoscaler.ports import Clock

Work = Callable[[float], Awaitable[object]]
"""What is run; its argument is how many seconds late it begins."""

_TROUBLE = {
    EVENT_JOB_MAX_INSTANCES: "overran",
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_ERROR: "crashed",
}

# The wall clock is looked at this often: APScheduler plans by it.
LOOK_S = 1.0


class ScheduleWatch(Protocol):
    """Who is told when a run did not happen as planned."""

    def troubled(self, name: str, trouble: str) -> None:
        """`trouble`: overran (the last run still goes on), missed, crashed."""
        ...


class Schedule:
    """Named jobs at fixed intervals, each running at most once at a time."""

    def __init__(self, clock: Clock, watch: ScheduleWatch) -> None:
        self._clock = clock
        self._watch = watch
        # APScheduler's own grace time of 1 s would skip runs in silence after any stall.
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(job_defaults=defaults, timezone=UTC)
        self._scheduler.add_listener(self._heard, sum(_TROUBLE))
        self._due: dict[str, float] = {}
        self._every: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._busy: set[asyncio.Task[object]] = set()
        self._ending = False

    def start(self) -> None:
        """Begin to run what is due."""
        self._scheduler.start()
        self._follow_clock()

    def every(self, name: str, seconds: float, work: Work, *, after: float = 0.0) -> None:
        """Run `work` every `seconds`, for the first time `after` seconds from now."""
        self._due[name] = self._clock.monotonic() + after
        self._every[name] = seconds

        async def run() -> None:
            await self._watched(work, self._lateness(name, seconds))

        self._scheduler.add_job(
            run,
            "interval",
            seconds=seconds,
            id=name,
            replace_existing=True,
            next_run_time=datetime.now(UTC) + timedelta(seconds=after),
        )

    def soon(self, name: str, work: Work, *, after: float = 0.0) -> None:
        """Run `work` once, `after` seconds from now."""

        async def run() -> None:
            await self._watched(work, 0.0)

        when = datetime.now(UTC) + timedelta(seconds=after)
        self._scheduler.add_job(run, "date", run_date=when, id=name, replace_existing=True)

    async def _watched(self, work: Work, late_s: float) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        self._busy.add(task)
        try:
            await work(late_s)
        except asyncio.CancelledError:
            if not self._ending:
                raise
        finally:
            self._busy.discard(task)

    def drop(self, name: str) -> None:
        """Run it no more; a run that is under way ends by itself."""
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)
        self._due.pop(name, None)
        self._every.pop(name, None)

    def names(self) -> set[str]:
        """What is scheduled."""
        return {job.id for job in self._scheduler.get_jobs()}

    async def stop(self, patience_s: float) -> None:
        """Begin nothing new, give what runs `patience_s` seconds to end, then cut it short."""
        self._ending = True
        if self._timer is not None:
            self._timer.cancel()
        self._scheduler.pause()
        busy = set(self._busy)
        if busy:
            _, late = await asyncio.wait(busy, timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    def keep_time(self) -> None:
        """Plan anew what a wall clock that was put back has moved beyond its own interval."""
        now, up = datetime.now(UTC), self._clock.monotonic()
        for name, seconds in self._every.items():
            job = self._scheduler.get_job(name)
            planned = job.next_run_time if job else None
            left = max(0.0, self._due.get(name, up) - up)
            latest = now + timedelta(seconds=max(left, seconds) + LOOK_S)
            if planned is not None and planned > latest:
                job.modify(next_run_time=now + timedelta(seconds=left))

    def _follow_clock(self) -> None:
        self.keep_time()
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._follow_clock)

    def _lateness(self, name: str, seconds: float) -> float:
        now = self._clock.monotonic()
        late = max(0.0, now - self._due.get(name, now))
        # After a long stall the missed runs are one run: count on from the slot it fell into.
        self._due[name] = now - late % seconds + seconds
        return late

    def _heard(self, event: JobEvent) -> None:
        self._watch.troubled(event.job_id, _TROUBLE[event.code])
