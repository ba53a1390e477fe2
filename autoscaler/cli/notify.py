"""`autoscaler notify`: are the receivers of notifications there?"""

from __future__ import annotations

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson, Config

notify = typer.Typer(no_args_is_help=True, help="Receivers of notifications.")


@notify.command("test")
def try_sinks(config: Config, as_json: AsJson = False) -> None:
    """Send a test message to every sink and print what came back."""
    import asyncio
    import json

    from autoscaler.wiring import sink_trial

    with told():
        found = asyncio.run(sink_trial.run(config))
    if as_json:
        typer.echo(json.dumps({"sinks": found}))
    else:
        for one in found:
            typer.echo(
                f"{one['sink']}: {'delivered' if one['delivered'] else 'FAILED'}: {one['why']}"
            )
    if not found:
        leave(Exit.PROBLEMS, f"{config} has no sinks: there is no section `notify`")
    if not all(one["delivered"] for one in found):
        leave(Exit.UNREACHABLE, "not every sink took its message")


@notify.callback()
def _group() -> None:
    """Keep `test` a command of its own."""
