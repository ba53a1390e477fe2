"""`autoscaler check`: is this configuration right, and what would it do?"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, told
from autoscaler.cli.options import AsJson, Config


def check(
    config: Config,
    online: Annotated[
        bool, typer.Option(help="Also ask the platform and every source; nothing is written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Validate the configuration; online, print what each deployment would do now."""
    import asyncio
    import json

    from autoscaler.cli.story import table
    from autoscaler.wiring.validate import validate

    with told():
        summary = validate(config)
        found = None
        if online:
            from autoscaler.wiring.inspect import inspect

            found = asyncio.run(inspect(config))
    if as_json:
        typer.echo(json.dumps({"summary": summary, "online": found}))
    else:
        typer.echo(summary)
        typer.echo(table(found["deployments"]) if found else "", nl=bool(found))
        for problem in found["problems"] if found else ():
            typer.echo(f"problem: {problem}", err=True)
    if found and found["problems"]:
        sys.exit(Exit.UNREACHABLE)
