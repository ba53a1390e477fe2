"""Histories to tune on: traces from files, or the past of a metric source."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence

from autoscaler.lab.backtest import Scale, Trace, demand_of, read_trace
from autoscaler.lab.backtest.spans import between
from autoscaler.lab.history import (
    STEP_S,
    Demand,
    Outcomes,
    Unanswered,
    demand_from,
    read_past,
    why_nothing,
)
from autoscaler.lab.traces import TraceError
from autoscaler.lab.tune.ask import Ask, Asked, AskError, NoPastError, members_of
from autoscaler.lab.tune.caveats import Caveat
from autoscaler.lab.tune.days import History
from autoscaler.lab.tune.enough import DAY_S, NotEnoughError, check
from autoscaler.plugins import build_sources
from autoscaler.ports import Question, Source
from autoscaler.roster import Group, Managed
from autoscaler.runtime.clock import SystemClock
from autoscaler.sources.prometheus import PrometheusOptions, Query, build

SERVER = "prometheus"
LARGE_GAP = 0.02


def read(ask: Ask, found: Asked) -> None:
    """Read the histories into `found`. Raises AskError, NoPastError, NotEnoughError."""
    if ask.traces and ask.prometheus:
        raise AskError("--trace and --prometheus exclude each other")
    if ask.traces:
        _from_files(ask, found)
    elif ask.prometheus or found.settings is not None:
        asyncio.run(_from_source(ask, found))
    else:
        raise AskError("give a history: --trace FILE, --prometheus URL, or --config FILE")
    names = [history.name for history in found.histories]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AskError(f"--trace: {twice!r} is there twice")
    if not found.histories:
        reasons = "; ".join(c.sentence for c in found.caveats if c.code == "left_out")
        raise NotEnoughError(reasons or "there is no history")


def _from_files(ask: Ask, found: Asked) -> None:
    for path in ask.traces:
        try:
            trace = read_trace(path)
        except (TraceError, OSError) as error:
            raise AskError(f"--trace: {error}") from error
        days = trace.duration_s / DAY_S
        kept = between(trace, max(0.0, days - ask.range_s / DAY_S), days)
        _take(found, kept, _scale(ask, kept), None)
    if ask.service_s is None:
        found.caveats.append(
            Caveat(
                "size_assumed",
                f"how large the deployment is was assumed: the busiest thousandth of the time "
                f"fills {ask.replicas_p999:g} replicas (--service-time and --threads tell)",
            )
        )


def _scale(ask: Ask, trace: Trace) -> Scale:
    """Requests as replicas: by Little's law when the service time is known, else as assumed."""
    if ask.service_s is None:
        return Scale(peak_replicas=ask.replicas_p999)
    shape = demand_of(trace, Scale(1.0, math.inf, ask.service_s))
    mean, rate = float(shape.mean()), sum(trace.requests) / trace.duration_s
    peak = rate * ask.service_s / ask.threads / mean if mean > 0 else 0.0
    return Scale(peak, math.inf, ask.service_s)


def _take(found: Asked, trace: Trace, scale: Scale, starts_at: float | None) -> None:
    """Take a history that is long enough and holds any load; say why another is left out."""
    try:
        span = check(trace.name, trace.duration_s)
        demand = demand_of(trace, scale)
    except (NotEnoughError, ValueError) as error:
        found.caveats.append(Caveat("left_out", str(error)))
        return
    if not demand.any():
        found.caveats.append(Caveat("left_out", f"{trace.name} has no load at all"))
        return
    found.histories.append(History(trace.name, demand, starts_at))
    found.spans.append(span)


async def _from_source(ask: Ask, found: Asked) -> None:
    watch, clock = Outcomes(), SystemClock()
    question, wanted, name = _question(ask, found.group, found.place.demand)
    name = SERVER if ask.prometheus is not None else name
    sources = _sources(ask, found, watch, clock)
    end = time.time() // STEP_S * STEP_S
    try:
        past = await read_past(sources[name], question, end - ask.range_s, end)
        if not past:
            why = await why_nothing(sources[name], question, end)
            raise NoPastError(f"{ask.prometheus or name}: {question.signal}: {why}")
    finally:
        for source in sources.values():
            await source.close()
    if watch.failed(name):
        sentence = f"{watch.failed(name)} queries of the history failed: what they held is a gap"
        found.caveats.append(Caveat("gaps", sentence))
    zero = {m.match for m in wanted if m.signals[found.place.demand].empty_is_zero}
    names = {each.match: each.name for each in wanted} or {match: match for match in past}
    for match, deployment in names.items():
        series = past.get(match)
        if series is None:
            _take_past(ask, found, deployment, Unanswered(f"no series is labelled {match!r}"))
            continue
        whole = demand_from(deployment, series, gaps_are_zero=match in zero)
        _take_past(ask, found, deployment, whole)


def _sources(ask: Ask, found: Asked, watch: Outcomes, clock: SystemClock) -> Mapping[str, Source]:
    if ask.prometheus is None and found.settings is not None:
        return build_sources(found.settings, watch, clock)
    try:
        options = PrometheusOptions(ask.prometheus or "", timeout_s=30.0)
        return {SERVER: build(SERVER, options, watch, clock)}
    except ValueError as error:
        raise AskError(f"--prometheus: {error}") from error


def _question(
    ask: Ask, group: Group | None, demand: str
) -> tuple[Question, Sequence[Managed], str]:
    if ask.query is not None:
        if ask.prometheus is None:
            raise AskError("--query needs --prometheus, the server to ask")
        try:
            return Question("demand", Query.parse(ask.query), ask.label, STEP_S), (), SERVER
        except ValueError as error:
            raise AskError(f"--query: {error}") from error
    if group is None:
        raise AskError(
            "--prometheus needs --query, or --config and --group with the demand's query"
        )
    spec = members_of(group)[0].signals[demand]
    alike = [m for m in group.members if m.signals.get(demand) == spec]
    if ask.prometheus is not None and not isinstance(spec.question.query, Query):
        raise AskError(f"signal {demand} is no PromQL query: give --query")
    return spec.question, alike, spec.source


def _take_past(ask: Ask, found: Asked, name: str, past: Demand | Unanswered) -> None:
    scale = past if isinstance(past, Unanswered) else past.scale(ask.threads)
    if isinstance(past, Unanswered) or isinstance(scale, Unanswered):
        why = next(each.why for each in (past, scale) if isinstance(each, Unanswered))
        found.caveats.append(Caveat("left_out", f"{name}: {why}"))
        return
    if past.gap_share > LARGE_GAP:
        sentence = f"{name}: {past.gap_share:.1%} of the samples are missing; lines stand in"
        found.caveats.append(Caveat("gaps", sentence))
    _take(found, past.trace, scale, past.starts_at)
