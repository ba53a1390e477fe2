"""`autoscaler schema`: the configuration's JSON schema."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON schema of the configuration, for editors and for your own checks."""
    import json

    from autoscaler.plugins import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
