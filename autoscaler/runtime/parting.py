"""The last writes of a daemon that is stopped in order: what users declared in `on_shutdown`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from autoscaler.core.decision import Decision, Kind
from autoscaler.runtime.tick import Tick

log = structlog.get_logger(__name__)


async def part(ticks: Iterable[Tick]) -> None:
    """Carry it out for all groups, within the time that was declared; then let go of the rest.

    A write that is cut off leaves its intent open: the next start finds out what came of it.
    """
    parting = [one for tick in ticks if (one := tick.parting()) is not None]
    if not parting:
        return
    try:
        async with asyncio.timeout(max(tick.interval_s for tick in parting)):
            reports = await asyncio.gather(*(tick.leave() for tick in parting))
    except TimeoutError:
        log.warning("there was no time to leave all as declared by on_shutdown")
        return
    _tell([decision for report in reports for decision in report.decisions])


def _tell(decisions: list[Decision]) -> None:
    done = [one.deployment for one in decisions if one.outcome.kind is Kind.APPLIED]
    if done:
        log.info("left as declared by on_shutdown", deployments=done)
    for one in decisions:
        if one.outcome.kind is not Kind.APPLIED:
            log.warning(
                "not left as declared by on_shutdown",
                deployment=one.deployment,
                why=str(one.outcome.reason),
            )
