"""`autoscaler replay`: what would another configuration have decided, and why?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoscaler.lab.replay import Summary
    from autoscaler.roster import Group


def replay(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The configuration to decide with.")
    ],
    journal: Annotated[
        str | None,
        typer.Option(
            help="sqlite:///path or postgresql://... of the recording; the configuration's own "
            "journal when left out.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="How far back: 6h, 7d; everything when left out.")
    ] = None,
    deployment: Annotated[str | None, typer.Option(help="Only this one, by its name.")] = None,
    show: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many of the differing to show in full.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Decide recorded decisions again with another configuration; nothing is written anywhere.

    Ends with 0 when every decision is identical, byte for byte, and with 1 when any differs or
    when there is nothing to compare.
    """
    import json

    from autoscaler.lab.replay import text, tree
    from autoscaler.plugins import check
    from autoscaler.wiring.store import journal_url

    span = _span(since)
    with told():
        settings, groups = check(config)
        summary = _replayed(journal or journal_url(settings), groups, span, deployment, show)
    if sys.stderr.isatty():
        typer.echo("", err=True)
    if not summary.recorded:
        leave(Exit.PROBLEMS, _nothing(since, deployment))
    typer.echo(json.dumps(tree(summary)) if as_json else text(summary, str(config)))
    if not (summary.identical and summary.replayed):
        sys.exit(Exit.PROBLEMS)


def _span(since: str | None) -> float | None:
    from autoscaler.settings.units import seconds

    try:
        return None if since is None else seconds(since)
    except ValueError as error:
        leave(Exit.USAGE, f"--since: {error}, got {since!r}")


def _replayed(
    url: str, groups: Sequence[Group], span: float | None, deployment: str | None, show: int
) -> Summary:
    import asyncio

    from autoscaler.lab.replay import replay as replayed
    from autoscaler.runtime.clock import SystemClock

    clock = SystemClock()
    start = 0.0 if span is None else clock.now() - span
    return asyncio.run(
        replayed(
            url,
            groups,
            clock=clock,
            since=start,
            deployment=deployment,
            most_shown=show,
            progress=_progress if sys.stderr.isatty() else None,
        )
    )


def _progress(count: int) -> None:
    typer.echo(f"\r{count} decisions", err=True, nl=False)


def _nothing(since: str | None, deployment: str | None) -> str:
    whose = "" if deployment is None else f" of a deployment named {deployment!r}"
    when = "" if since is None else f" in the last {since}"
    return f"the journal holds no decision{whose}{when}"
