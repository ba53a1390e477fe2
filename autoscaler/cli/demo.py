"""`autoscaler demo`: the real daemon scales a simulated deployment under a real load trace."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.options import AsJson


def demo(
    duration: Annotated[
        float | None,
        typer.Option(min=1, help="End after this many seconds; left out: run until Ctrl-C."),
    ] = None,
    headless: Annotated[
        bool,
        typer.Option("--headless", help="No live table, as whenever the output is no terminal."),
    ] = False,
    as_json: AsJson = False,
    trace: Annotated[str, typer.Option(help="Which bundled trace to replay.")] = "azure_llm23_conv",
) -> None:
    """Show the daemon at work: no credentials, no other server, nothing left behind."""
    import asyncio
    import json
    import sys

    from autoscaler.cli.stage import play

    figures = asyncio.run(play(trace, duration, live=not headless and sys.stdout.isatty()))
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        typer.echo(_summary(figures))


def _summary(figures: dict[str, object]) -> str:
    def share(key: str) -> str:
        value = figures[key]
        return f"{value:.1%}" if isinstance(value, float) else "-"

    return (
        f"{figures['ticks']} ticks, {figures['puts']} changes of the envelope. Work that found no "
        f"room: {share('overload_share')} with the daemon, "
        f"{share('overload_share_platform_alone')} with the platform's own scaler alone."
    )
