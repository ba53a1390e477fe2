"""`autoscaler journal`: check, export and follow the chain of everything that happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson, Config

if TYPE_CHECKING:
    from pathlib import Path

    from autoscaler.activity import Entry, Verified

app = typer.Typer(
    no_args_is_help=True, help="Check, export and follow the record of everything that happened."
)

# Entries that are read at once.
PAGE = 500
# A tail that follows asks for news this often, seconds.
AGAIN_S = 1.0


@app.command()
def verify(
    config: Config,
    known: Annotated[
        str | None, typer.Option(help="SEQ:HASH that was noted earlier; it must still be so.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that nobody has changed, removed or reordered an entry, a decision or an override.

    Ends with 1 and names the first broken entry. Note what it prints last: with --known, it
    proves later that the past was not written anew.
    """
    import asyncio
    from dataclasses import asdict

    seq, _, noted = (known or "").partition(":")
    if known is not None and not (seq.isdecimal() and noted):
        leave(Exit.USAGE, f"--known must be SEQ:HASH, got {known!r}")
    with told():
        found, held = asyncio.run(_verified(config, int(seq) if known else None))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    if found.broken is not None:
        leave(Exit.PROBLEMS, f"entry {found.broken.seq} is broken: {found.broken.why}")
    if known is not None and held != noted:
        leave(Exit.PROBLEMS, f"entry {seq} is not the one that was noted: {held or 'it is gone'}")
    if not as_json:
        typer.echo(_holds(found))


def _holds(found: Verified) -> str:
    if not found.entries:
        return "the chain holds: no entry yet"
    span = f"{found.first_seq} to {found.last_seq}"
    return f"the chain holds: {found.entries} entries, {span}; head {found.last_seq}:{found.head}"


async def _verified(config: Path, seq: int | None) -> tuple[Verified, str]:
    from autoscaler.wiring.operate import read

    async with read(config) as journal:
        found = await journal.verify()
        entries = [] if seq is None else await journal.following(seq - 1, 1)
        return found, entries[0].hash if entries and entries[0].seq == seq else ""


@app.command()
def export(
    config: Config,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
) -> None:
    """Print every entry as one line of JSON, oldest first."""
    import asyncio

    with told():
        asyncio.run(_export(config, after))


async def _export(config: Path, after: int) -> None:
    from autoscaler.journal.activity import tree
    from autoscaler.wiring.operate import read

    async with read(config) as journal:
        while found := await journal.following(after, PAGE):
            for entry in found:
                typer.echo(json.dumps(tree(entry), ensure_ascii=False))
            after = found[-1].seq


@app.command()
def tail(
    config: Config,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many entries.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
) -> None:
    """Print the last entries in sentences, and with -f those that come, until interrupted."""
    import asyncio
    from contextlib import suppress

    with told(), suppress(KeyboardInterrupt):
        asyncio.run(_tail(config, lines, follow=follow))


async def _tail(config: Path, lines: int, *, follow: bool) -> None:
    import asyncio

    from autoscaler.wiring.operate import read

    async with read(config) as journal:
        newest = await journal.activity(before_seq=None, limit=max(lines, 1))
        for entry in list(reversed(newest))[len(newest) - lines if lines < len(newest) else 0 :]:
            typer.echo(line(entry))
        after = newest[0].seq if newest else 0
        while follow:
            await asyncio.sleep(AGAIN_S)
            for entry in await journal.following(after, PAGE):
                typer.echo(line(entry))
                after = entry.seq


def line(entry: Entry) -> str:
    """An entry as a line for a terminal."""
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(entry.at, UTC)
    whom = entry.deployment or (f"group:{entry.group}" if entry.group else "fleet")
    return (
        f"{when:%Y-%m-%d %H:%M:%S}Z  {entry.kind.value:16}  {whom}  {entry.actor}: {entry.summary}"
    )
