"""`autoscaler schema`: the configuration's JSON schema."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON schema of the configuration, for editors and for your own checks."""
    from autoscaler.plugins import schema_text

    typer.echo(schema_text(), nl=False)
