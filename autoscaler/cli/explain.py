"""`autoscaler explain`: a deployment's last decision with its whole trail."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson, Config


def explain(
    name: Annotated[str, typer.Argument(help="The deployment's name.")],
    config: Config,
    at: Annotated[
        str | None, typer.Option(help="What stood then: 2026-11-23T09:41, 09:41 (UTC), 2h (ago).")
    ] = None,
    decision: Annotated[str | None, typer.Option(help="One decision by its id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print what was seen, what every policy bid, what every guard did, and what came of it.

    Asks the running daemon; when it does not answer, the journal's last record is shown. With
    --at or --decision the journal is read, in which every decision is that said something new.
    """
    import asyncio
    import json

    from autoscaler.cli.story import tell
    from autoscaler.wiring.operate import said_since
    from autoscaler.wiring.store import last_decision, recorded_decision

    if at is not None or decision:
        with told():
            past = asyncio.run(
                recorded_decision(config, name, at=_moment(at), ident=decision or "")
            )
        if past is None:
            which = f"with the id {decision!r}" if decision else f"at {at} or before"
            leave(Exit.PROBLEMS, f"no decision on {name!r} {which} is in the journal")
        typer.echo(json.dumps(past, indent=2) if as_json else tell(past))
        return
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


def _moment(text: str | None) -> float | None:
    import time

    from autoscaler.cli.moment import moment

    try:
        return None if text is None else moment(text, time.time())
    except ValueError as error:
        raise typer.BadParameter(f"--at {error}") from error
