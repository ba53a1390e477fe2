"""`autoscaler doctor`: everything to look at before switching on, and what to do about it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit
from autoscaler.cli.options import Config

if TYPE_CHECKING:
    from autoscaler.wiring.doctor import Finding


class Output(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"


def doctor(
    config: Config,
    output: Annotated[Output, typer.Option("--output", "-o", help="text or json.")] = Output.TEXT,
) -> None:
    """Check configuration, place, platform, sources and journal; nothing is changed.

    Ends with 0 when there is at most something to note, 1 when something was found, 3 when
    something could not be asked.
    """
    import asyncio
    import json

    from autoscaler.wiring.doctor import examine

    findings = asyncio.run(examine(config))
    if output is Output.JSON:
        typer.echo(json.dumps({"findings": [finding.tree() for finding in findings]}))
    else:
        typer.echo("\n\n".join(map(_shown, findings)) or "nothing found: it can be switched on")
    sys.exit(_code(findings))


def _shown(finding: Finding) -> str:
    return (
        f"{finding.level.value.upper():8}{finding.about}: {finding.what}\n"
        f"        why: {finding.why}\n"
        f"        do:  {finding.action}   [{finding.check}]"
    )


def _code(findings: list[Finding]) -> Exit:
    if any(finding.unreachable for finding in findings):
        return Exit.UNREACHABLE
    if any(finding.level.value != "note" for finding in findings):
        return Exit.PROBLEMS
    return Exit.DONE
