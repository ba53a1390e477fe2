"""`autoscaler recommend`: what the fleet's own past says about its envelopes. Read-only."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.backtest import INTERRUPTED, duration, lab_or_leave, progress
from autoscaler.cli.exits import Exit, leave, told

if TYPE_CHECKING:
    from autoscaler.core.envelope import Envelope
    from autoscaler.lab.recommend.fleet import Fleet
    from autoscaler.lab.recommend.judge import Judged, Terms


def recommend(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The fleet.", envvar="AUTOSCALER_CONFIG"),
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(help="Without a configuration: the URL of a server.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="With --prometheus: PromQL of the demand.")
    ] = None,
    label: Annotated[str, typer.Option(help="The label that names a deployment.")] = "deployment",
    span: Annotated[str, typer.Option("--range", help="How much past to read.")] = "14d",
    current: Annotated[
        str | None, typer.Option(help="With --prometheus: what is set now, such as 1..10.")
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="With --prometheus: requests a replica works on at once.")
    ] = 32,
    demand: Annotated[
        list[str] | None, typer.Option(help="The configuration's signal that is the demand.")
    ] = None,
    budget: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests that may find no room.")
    ] = 0.01,
    cold_start: Annotated[str, typer.Option(help="From ordering to serving.")] = "120s",
    daemon: Annotated[
        bool, typer.Option(help="Also replay the forecast policy (about 10 s a deployment).")
    ] = True,
    output: Annotated[str, typer.Option("-o", "--output", help="table, json, csv or md.")] = (
        "table"
    ),
) -> None:
    """Print the current and a recommended envelope per deployment, with what each would cost.

    Threads are left as they are: load alone does not tell how many a replica can take. Exit
    codes: 0 done, 1 there is no answer for anybody, 130 interrupted (who was judged is printed).
    """
    lab_or_leave()
    import asyncio

    from autoscaler.lab.recommend.judge import Terms
    from autoscaler.lab.recommend.told import FORMATS

    if output not in FORMATS:
        raise typer.BadParameter(f"-o must be one of {', '.join(FORMATS)}, got {output!r}")
    if (config is None) == (prometheus is None):
        raise typer.BadParameter("give either --config or --prometheus")
    past_s = duration("--range", span)
    terms = Terms(budget, duration("--cold-start", cold_start), daemon=daemon)
    with told():
        if config is not None:
            fleet = asyncio.run(_configured(config, past_s, tuple(demand or ())))
        else:
            envelope = _envelope(current, threads)
            fleet = asyncio.run(_asked(prometheus or "", query, label, past_s, threads, envelope))
    judged, unanswered = _judged(fleet, terms)
    typer.echo(FORMATS[output](judged, unanswered))
    if len(judged) + len(unanswered) < len(fleet.cases) + len(fleet.unanswered):
        typer.echo("interrupted: not everybody was judged", err=True)
        sys.exit(INTERRUPTED)
    if not judged:
        leave(Exit.PROBLEMS, "there is no recommendation for anybody")


def _judged(fleet: Fleet, terms: Terms) -> tuple[list[Judged], dict[str, str]]:
    from autoscaler.lab.recommend.judge import Judged, judge

    judged: list[Judged] = []
    unanswered = dict(fleet.unanswered)
    with progress() as tell, suppress(KeyboardInterrupt):
        for index, case in enumerate(fleet.cases):
            if tell is not None:
                tell(index / len(fleet.cases), case.name)
            found = judge(case, terms)
            if isinstance(found, Judged):
                judged.append(found)
            else:
                unanswered[case.name] = found.why
    return judged, unanswered


async def _configured(config: Path, past_s: float, demand: tuple[str, ...]) -> Fleet:
    """The configured fleet: the platform for what is, the sources for what was."""
    from autoscaler.lab.history import STEP_S, Outcomes
    from autoscaler.lab.recommend.fleet import read_fleet, subjects
    from autoscaler.plugins import build_sources, check
    from autoscaler.ports import granted
    from autoscaler.runtime.clock import SystemClock
    from autoscaler.wiring.build import build_platform
    from autoscaler.wiring.quiet import Quiet

    settings, groups = check(config)
    clock, watch = SystemClock(), Outcomes()
    platform = build_platform(settings, Quiet(), clock, granted)  # nothing is written
    sources = build_sources(settings, watch, clock)
    end = clock.now() // STEP_S * STEP_S
    try:
        found = await subjects(groups, platform)
        return await read_fleet(found, sources, watch, end - past_s, end, demand)
    finally:
        await platform.close()
        for source in sources.values():
            await source.close()


async def _asked(
    url: str,
    query: str | None,
    label: str,
    past_s: float,
    threads: int,
    current: Envelope | None,
) -> Fleet:
    """Whatever one query of one server finds."""
    from autoscaler.lab.history import STEP_S, Outcomes
    from autoscaler.lab.recommend.fleet import read_query
    from autoscaler.ports import Question
    from autoscaler.runtime.clock import SystemClock
    from autoscaler.sources.prometheus import PrometheusOptions, Query, build

    clock = SystemClock()
    if query is None:
        raise typer.BadParameter("--prometheus needs --query")
    try:
        question = Question("demand", Query.parse(query), label, STEP_S)
        source = build("prometheus", PrometheusOptions(url), Outcomes(), clock)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    end = clock.now() // STEP_S * STEP_S
    try:
        return await read_query(source, question, end - past_s, end, threads, current)
    finally:
        await source.close()


def _envelope(text: str | None, threads: int) -> Envelope | None:
    """`1..10` as an envelope. Raises BadParameter."""
    from autoscaler.core.envelope import Envelope

    if text is None:
        return None
    low, dots, high = text.partition("..")
    if not (dots and low.isdecimal() and high.isdecimal()):
        raise typer.BadParameter(f"--current must be MIN..MAX such as 1..10, got {text!r}")
    try:
        return Envelope(int(low), int(high), threads)
    except ValueError as error:
        raise typer.BadParameter(f"--current: {error}") from error
