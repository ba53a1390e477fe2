"""`autoscaler explain`: a deployment's last decision with its whole trail."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson, Config


def explain(
    name: Annotated[str, typer.Argument(help="The deployment's name.")],
    config: Config,
    as_json: AsJson = False,
) -> None:
    """Print what was seen, what every policy bid, what every guard did, and what came of it.

    Asks the running daemon; when it does not answer, the journal's last record is shown.
    """
    import asyncio
    import json

    from autoscaler.cli.story import tell
    from autoscaler.wiring import last_decision
    from autoscaler.wiring.operate import said_since

    with told():
        found = asyncio.run(last_decision(config, name))
        if found is None:
            leave(Exit.PROBLEMS, f"nothing is recorded of a deployment named {name!r}")
        news = asyncio.run(said_since(config, found))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    # What stands now comes first: the decision below may be older than what an operator said.
    typer.echo("".join(f"{line} (said since this decision)\n" for line in news) + tell(found))
