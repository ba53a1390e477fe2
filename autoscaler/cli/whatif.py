"""`autoscaler what-if`: other policies on the last days of one deployment. Nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autoscaler.cli.backtest import duration, lab_or_leave, progress
from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson, Config

ROWS = (
    ("requests without room", "violations", "{:.2%}"),
    ("late by over 10 s", "late", "{:.2%}"),
    ("time short", "time_share", "{:.2%}"),
    ("replica-hours", "replica_hours", "{:,.1f}"),
    ("cost against an oracle", "cost_vs_oracle", "{:.2f} x"),
    ("floor changes a day", "actions_per_day", "{:,.1f}"),
    ("forecast held", "coverage", "{:.1%}"),
)
TITLES = {"current": "as it is", "changed": "changed", "platform": "the platform alone"}
DAY_S = 86_400.0


def what_if(
    name: Annotated[str, typer.Argument(help="The deployment's name.")],
    config: Config,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="policies.NAME.OPTION=VALUE, or policies.NAME=null; repeatable."
        ),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML of policies by name, laid over."),
    ] = None,
    days: Annotated[str, typer.Option(help="How much past counts: 3, 12h, 7d.")] = "7",
    as_json: AsJson = False,
) -> None:
    """Replay the last days with the present policies, with changed ones, and without any.

    Exit codes: 0 done, 1 the policies or the past are not good enough, 78 a bad configuration.
    """
    lab_or_leave()
    import asyncio
    import json

    from autoscaler.wiring.trial import trial

    wanted = _wanted(changes or [], policies)
    span = float(days) if days.replace(".", "", 1).isdigit() else duration("--days", days) / DAY_S
    with told(), progress() as tell:
        report = None if tell is None else (lambda share: tell(share, name))
        try:
            found = asyncio.run(trial(config, name, wanted, span, report))
        except ValueError as error:
            leave(Exit.PROBLEMS, str(error))
    typer.echo(json.dumps(found, indent=1) if as_json else _text(found))


def _wanted(changes: list[str], file: Path | None) -> dict[str, Any]:
    from autoscaler.settings.document import read_yaml

    found: dict[str, Any] = {}
    if file is not None:
        document = read_yaml(file.read_text(encoding="utf-8"))
        if document.flaws or not isinstance(document.data, dict):
            raise typer.BadParameter(f"--policies {file} must be a map of policies by name")
        inner = document.data.get("policies", document.data)
        found = dict(inner) if isinstance(inner, dict) else {}
    for change in changes:
        _put(found, change)
    if not found:
        raise typer.BadParameter("say what is to be changed: --set policies.NAME.OPTION=VALUE")
    return found


def _put(found: dict[str, Any], change: str) -> None:
    from autoscaler.settings.environment import parsed

    path, equals, text = change.partition("=")
    first, *rest = path.strip().split(".")
    if not equals or first != "policies" or not rest or not all(rest):
        raise typer.BadParameter(f"--set must be policies.NAME.OPTION=VALUE, got {change!r}")
    place = found
    for part in rest[:-1]:
        below = place.setdefault(part, {})
        if not isinstance(below, dict):
            raise typer.BadParameter(f"--set {path}: {part} is no map")
        place = below
    place[rest[-1]] = parsed(text)


def _text(found: dict[str, Any]) -> str:
    from datetime import UTC, datetime
    from textwrap import fill

    sets = [name for name in TITLES if name in found["sets"]]
    rows = [["", *(TITLES[name] for name in sets)]]
    for title, measure, form in ROWS:
        values = [found["sets"][name].get(measure) for name in sets]
        if any(value is not None for value in values):
            rows.append([title, *("-" if v is None else form.format(v) for v in values)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    ends = [datetime.fromtimestamp(found[end], UTC) for end in ("from", "to")]
    span = f"{found['deployment']}, {ends[0]:%a %d %b %H:%M} to {ends[1]:%a %d %b %H:%M} UTC"
    warnings = [fill(f"warning: {text}", 88) for text in found["warnings"]]
    return "\n".join([span, "", *table, "", fill(found["verdict"], 88), *warnings])
