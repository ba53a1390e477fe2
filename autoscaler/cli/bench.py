"""`autoscaler bench`: what one tick of a large group costs, over real HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.options import AsJson


def bench(
    deployments: Annotated[int, typer.Option(min=1, help="Deployments in the group.")] = 1000,
    signals: Annotated[int, typer.Option(min=1, max=20, help="Signals per deployment.")] = 3,
    ticks: Annotated[int, typer.Option(min=3, help="Ticks to measure.")] = 15,
    policies: Annotated[int, typer.Option(min=1, max=5, help="Policies per deployment.")] = 1,
    streams: Annotated[
        int, typer.Option(min=0, max=100, help="Measure the page instead, with open streams.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure fetch, parse, decide, journal and metrics of one group tick on stub servers."""
    import asyncio
    import json

    if streams:
        from autoscaler.wiring.bench import measure_page

        figures = asyncio.run(measure_page(deployments, signals, ticks, streams))
    else:
        from autoscaler.lab.bench import measure

        figures = asyncio.run(measure(deployments, signals, ticks, policies))
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        typer.echo(f"{name:56} {value:,.4g}" if isinstance(value, float) else f"{name:56} {value}")
