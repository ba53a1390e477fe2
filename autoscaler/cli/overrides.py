"""`autoscaler overrides`: what operators have said and what holds now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import Config
from autoscaler.cli.override import ending

if TYPE_CHECKING:
    from autoscaler.core.controls import Standing


def overrides(
    config: Config,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """List every pause, brake, pin, floor and mode that is active, the pause file included."""
    import asyncio

    from autoscaler.wiring.operate import active

    if output not in {"table", "json"}:
        leave(Exit.USAGE, f"--output must be table or json, got {output!r}")
    with told():
        found = asyncio.run(active(config))
    typer.echo(_json(found) if output == "json" else _table(found))


def _json(found: Sequence[Standing]) -> str:
    from autoscaler.web.view import override_json

    return json.dumps({"overrides": [override_json(one) for one in found]}, indent=2)


def _table(found: Sequence[Standing]) -> str:
    from autoscaler.core.controls import told as asked

    if not found:
        return "nothing is active"
    rows = [("id", "scope", "what", "by", "until", "why")]
    for one in found:
        word = one.override
        end = "without end" if word.expires_at is None else ending(word.expires_at)
        rows.append(
            (one.id, one.scope, asked(word), word.author, end.removeprefix("until "), word.why)
        )
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]])
        for row in rows
    )
