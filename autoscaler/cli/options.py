"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path,
    typer.Option("--config", "-c", help="The configuration file.", envvar="AUTOSCALER_CONFIG"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
