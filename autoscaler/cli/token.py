"""`autoscaler token`: bearer tokens for the API."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

app = typer.Typer(help="Make bearer tokens for the API.", no_args_is_help=True)


@app.callback()
def token() -> None:
    """Make bearer tokens for the API."""


@app.command()
def new(
    name: Annotated[str, typer.Option(help="Whose it is: the audit trail names it.")],
    role: Annotated[
        Literal["viewer", "operator"], typer.Option(help="viewer reads, operator also changes.")
    ] = "viewer",
) -> None:
    """Print a new token, once, and the line that the configuration needs.

    The token goes to standard output, all else to standard error, so that
    `autoscaler token new --name ci > file` keeps the token alone.
    """
    from pydantic import ValidationError

    from autoscaler.cli.exits import Exit, leave
    from autoscaler.settings.web import WebToken
    from autoscaler.web.access.tokens import digest_of, new_token

    secret = new_token()
    digest = digest_of(secret).hex()
    try:
        WebToken(name=name, role=role, sha256=digest)
    except ValidationError:
        rule = "must begin with a letter or digit and have at most 64 of them or of ' ._@:+-'"
        leave(Exit.USAGE, f"--name {rule}, got {name!r}")
    typer.echo(secret)
    typer.echo("Shown once: keep it in a secret store. The configuration needs:", err=True)
    typer.echo(f"  tokens:\n    - {{name: {name!r}, role: {role}, sha256: {digest}}}", err=True)
