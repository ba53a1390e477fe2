"""The past load of one deployment: of its source, or else as the daemon recorded it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.core.observation import Series
from autoscaler.lab.fromconfig import demand_signals
from autoscaler.lab.history import (
    DAY_S,
    STEP_S,
    Demand,
    Outcomes,
    Unanswered,
    demand_from,
    read_past,
    why_nothing,
)
from autoscaler.lab.whatif.ask import LEARN_DAYS, Ask
from autoscaler.ports import Source
from autoscaler.roster import Managed

# What the daemon records itself has a point for ten minutes beyond the last hours.
RECORDED_STEP_S = 600.0
LARGE_GAP = 0.05
LEAST_S = 2 * 3600.0


class NoPastError(Exception):
    """There is nothing to replay; the text says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Past:
    """The demand, and what to be warned of."""

    demand: Demand
    warnings: tuple[str, ...]


async def past_of(
    ask: Ask,
    managed: Managed,
    sources: Mapping[str, Source],
    watch: Outcomes,
    told: Callable[[float], None],
) -> Past:
    """The past demand of a deployment. Raises NoPastError."""
    names = demand_signals(managed)
    if not names:
        known = ", ".join(managed.signals) or "none"
        raise NoPastError(f"nothing tells which signal is the demand (signals: {known})")
    spec = managed.signals[names[0]]
    end = ask.until // STEP_S * STEP_S
    start = end - (ask.days + LEARN_DAYS) * DAY_S
    source = sources[spec.source]
    found = await read_past(source, spec.question, start, end, STEP_S, told)
    series = found.get(ask.match or managed.match)
    warnings: list[str] = []
    step = STEP_S
    failed = watch.failed(spec.source)
    if failed:
        warnings.append(f"source {spec.source} did not answer for {failed} of the days asked")
    if series is None or series.last_at - series.times[0] < LEAST_S:
        series, step = _recorded(ask), RECORDED_STEP_S
        why = await why_nothing(source, spec.question, ask.until)
        if series is None:
            raise NoPastError(f"source {spec.source} has no past of {managed.name}: {why}")
        warnings.append(
            f"source {spec.source} has no past ({why}): the daemon's own record stands in, "
            "with a point for ten minutes, which hides short peaks"
        )
    demand = demand_from(managed.name, series, step, gaps_are_zero=spec.empty_is_zero)
    if isinstance(demand, Unanswered):
        raise NoPastError(f"{managed.name}: {demand.why}")
    if demand.gap_share > LARGE_GAP:
        gaps = f"{demand.gap_share:.0%} of the past has no samples"
        warnings.append(f"{gaps}; lines between their neighbours stand in")
    return Past(demand, tuple(warnings))


def _recorded(ask: Ask) -> Series | None:
    if len(ask.times) < 2 or ask.times[-1] - ask.times[0] < LEAST_S:  # noqa: PLR2004 - a span needs two ends
        return None
    return Series(ask.times, ask.loads)
