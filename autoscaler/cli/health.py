"""`autoscaler health`: the health check of a container."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, leave


def health(
    url: Annotated[
        str, typer.Option(help="Where the daemon listens.", envvar="AUTOSCALER_URL")
    ] = "http://127.0.0.1:9464",
) -> None:
    """Ask a running daemon whether its loop lives; exit 0 when it does."""
    from autoscaler.web.ask import Silence, ask

    try:
        answer = ask(f"{url}/livez")
    except Silence as silence:
        leave(Exit.PROBLEMS, str(silence))
    typer.echo(answer.decode().strip())
