"""`autoscaler pause` and `autoscaler resume`: an operator's stop, with author, reason and end."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import Config

Name = Annotated[str, typer.Argument(help="A deployment, group:NAME, or fleet.")]


def pause(
    name: Name,
    config: Config,
    why: Annotated[str, typer.Option(help="The reason, shown wherever the pause is.")],
    lasting: Annotated[
        str, typer.Option("--for", help="How long: 30m, 2h, 1d, or `ever` for no end.")
    ],
    author: Annotated[
        str, typer.Option("--by", help="Who asks for it.", envvar="USER")
    ] = "operator",
) -> None:
    """Stop changes of a deployment, a group or the fleet; the envelope stays as it is."""
    import asyncio

    from autoscaler.settings.units import seconds
    from autoscaler.wiring import NotManaged, add_pause

    try:
        span = None if lasting == "ever" else seconds(lasting)
    except ValueError as error:
        leave(Exit.USAGE, f"--for: {error}, or ever")
    if span is not None and span <= 0:
        leave(Exit.USAGE, f"--for: must be above 0, got {lasting!r}")
    with told():
        try:
            ends = asyncio.run(add_pause(config, name, author, why, span))
        except NotManaged as error:
            leave(Exit.PROBLEMS, str(error))
    typer.echo(f"{name} is paused {ends}")


def resume(
    name: Name,
    config: Config,
    author: Annotated[
        str, typer.Option("--by", help="Who asks for it.", envvar="USER")
    ] = "operator",
) -> None:
    """End the pauses of exactly this deployment, group or fleet."""
    import asyncio

    from autoscaler.wiring import end_pauses

    with told():
        count = asyncio.run(end_pauses(config, name, author))
    if not count:
        leave(Exit.PROBLEMS, f"no pause of {name} is active")
    typer.echo(f"{name} goes on ({count} ended)")
