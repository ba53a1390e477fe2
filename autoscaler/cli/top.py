"""`autoscaler top`: the live fleet table for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from autoscaler.cli.remote import MaybeConfig, TokenFile, Url, answered, api

if TYPE_CHECKING:
    from rich.table import Table

    from autoscaler.wiring.client import Api


class Form(StrEnum):
    """How the table is printed once."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"


HEADS = ("name", "status", "load", "full", "now", "wanted", "6 h", "sample", "decision", "why")
BARS = "▁▂▃▄▅▆▇█"
STYLES = {
    "failed": "bold red",
    "refused": "red",
    "blind": "red",
    "stale": "yellow",
    "paused": "magenta",
    "braked": "magenta",
    "overridden": "magenta",
    "limited": "yellow",
    "waiting": "dim",
    "moving": "cyan",
    "ok": "green",
}
MOST_SPARKS = 60
RIGHT: Mapping[str, Literal["right"]] = {"load": "right", "full": "right", "sample": "right"}


def top(
    url: Url = None,
    config: MaybeConfig = None,
    token_file: TokenFile = None,
    sort: Annotated[str, typer.Option(help="attention, name, load, load_share, floor, ...")] = (
        "attention"
    ),
    order: Annotated[str | None, typer.Option(help="asc or desc.")] = None,
    search: Annotated[str | None, typer.Option(help="A part of the name.")] = None,
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only these, such as limited,paused,failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="Rows.")] = 200,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    form: Annotated[Form, typer.Option("--output", "-o", help="With --once.")] = Form.TABLE,
) -> None:
    """Watch the fleet: load, envelope now and wanted, what holds it, and the last word on why.

    Live on a terminal; printed once for scripts. Exit code 3 when no daemon answers.
    """
    query = {
        "sort": sort,
        "order": order,
        "search": search,
        "group": group,
        "state": status,
        "limit": limit,
    }
    daemon = api(url, config, token_file)
    with answered():
        if once or form is not Form.TABLE or not sys.stdout.isatty():
            typer.echo(printed(seen(daemon, query), form), nl=False)
        else:
            _live(daemon, query, every)


def seen(daemon: Api, query: dict[str, Any]) -> dict[str, Any]:
    """The rows, the daemon in short, and a sparkline for each of the first rows."""
    fleet = daemon.get("/deployments", **query)
    names = [row["name"] for row in fleet["deployments"][:MOST_SPARKS]]
    sparks = daemon.get("/sparklines", names=",".join(names))["lines"] if names else {}
    return {"status": daemon.get("/status"), "fleet": fleet, "sparks": sparks}


def printed(found: dict[str, Any], form: Form) -> str:
    """The whole as text in one of the forms, with its last line break."""
    import csv
    import io
    import json

    rows = found["fleet"]["deployments"]
    if form is Form.JSON:
        return json.dumps(found["fleet"], indent=1) + "\n"
    cells = [HEADS, *(cells_of(row, found) for row in rows)]
    if form is Form.CSV:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(cells)
        return out.getvalue()
    if form is Form.MD:
        lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in cells]
        return "\n".join([lines[0], "|" + "---|" * len(HEADS), *lines[1:]]) + "\n"
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS) - 1)]
    table = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in cells
    ]
    return "\n".join([summary(found), "", *table]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def summary(found: dict[str, Any]) -> str:
    """The daemon in one line."""
    status, fleet = found["status"], found["fleet"]
    counts = ", ".join(f"{n} {word}" for word, n in fleet["counts"].items() if n)
    well = "healthy" if status.get("healthy", True) else "; ".join(status["unhealthy"])
    standing = status.get("controls", {}).get("active", 0)
    words = f" · {standing} pauses and other words in force" if standing else ""
    return f"{well} · {status['deployments']} deployments: {counts}{words}"


def cells_of(row: dict[str, Any], found: dict[str, Any]) -> tuple[str, ...]:
    """One deployment's cells; a dash where nothing is known, which is not zero."""
    from autoscaler.core.words import span

    load, now, share = row["load"], row["current"], row["load_share"]
    value = load and load["value"]
    at = found["status"]["at"]
    age = "-" if row["sample_at"] is None else span(max(0.0, at - row["sample_at"]))
    return (
        row["name"],
        row["status"],
        "-" if value is None else f"{value:.4g}",
        "-" if share is None else f"{share:.0%}",
        _dials(now),
        "=" if row["desired"] == now else _dials(row["desired"]),
        spark(found["sparks"].get(row["name"], ())),
        age,
        row["outcome"] or "-",
        row["why"],
    )


def _dials(dials: dict[str, int] | None) -> str:
    if dials is None:
        return "-"
    return f"{dials['min_replicas']}..{dials['max_replicas']} x {dials['threads']}"


def spark(values: Sequence[float | None], width: int = 12) -> str:
    """A line of blocks; a blank where nothing is known."""
    if not values:
        return ""
    size = len(values)
    parts = [
        values[i * size // width : max(i * size // width + 1, (i + 1) * size // width)]
        for i in range(min(width, size))
    ]
    tops = [max((v for v in part if v is not None), default=None) for part in parts]
    most = max((v for v in tops if v is not None), default=0.0) or 1.0
    last = len(BARS) - 1
    return "".join(" " if v is None else BARS[round(last * max(0.0, v) / most)] for v in tops)


def _live(daemon: Api, query: dict[str, Any], every: float) -> None:
    import time

    from rich.console import Console
    from rich.live import Live

    from autoscaler.wiring.client import Unreachable

    console = Console()
    found = seen(daemon, query)
    with Live(table(found), console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every)
                try:
                    found = seen(daemon, query)
                    live.update(table(found), refresh=True)
                except Unreachable:
                    live.update(
                        table(found, "the daemon does not answer; trying again"), refresh=True
                    )
        except KeyboardInterrupt:
            return


def table(found: dict[str, Any], trouble: str = "") -> Table:
    """The table of a live terminal."""
    from rich.table import Table
    from rich.text import Text

    made = Table(title=trouble or summary(found), title_justify="left", expand=True, box=None)
    made.title_style = "bold red" if trouble else "bold"
    for head in HEADS:
        ratio = 1 if head == "why" else None
        made.add_column(head, justify=RIGHT.get(head, "left"), no_wrap=True, ratio=ratio)
    for row in found["fleet"]["deployments"]:
        cells = [Text(cell) for cell in cells_of(row, found)]
        cells[1].stylize(STYLES.get(row["status"], ""))
        made.add_row(*cells)
    return made
