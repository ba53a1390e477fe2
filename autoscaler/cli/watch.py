"""`autoscaler watch NAME`: one deployment as it goes, a line for every tick that says something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autoscaler.cli.options import AsJson
from autoscaler.cli.remote import MaybeConfig, TokenFile, Url, answered, api

if TYPE_CHECKING:
    from autoscaler.wiring.client import Api

AGAIN_S = 2.0
# What did something, or should have, is told in full.
LOUD = frozenset({"applied", "recommended", "refused", "failed"})


def watch(
    name: Annotated[str, typer.Argument(help="The deployment's name.")],
    url: Url = None,
    config: MaybeConfig = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    count: Annotated[int, typer.Option(min=0, help="End after so many lines; 0: never.")] = 0,
) -> None:
    """Follow one deployment: a sentence a tick, decisions in full, until Ctrl-C.

    A restart of the daemon is waited for. Exit code 3 when no daemon answers at the start.
    """
    daemon = api(url, config, token_file)
    with answered():
        first = latest(daemon, name)
        try:
            for line in lines(first, followed(daemon, name, typer.echo), as_json, count):
                typer.echo(line)
        except KeyboardInterrupt:
            return


def latest(daemon: Api, name: str) -> Mapping[str, Any] | None:
    """The last decision, described; None before the first tick. Raises Unknown."""
    from urllib.parse import quote

    found = daemon.get(f"/deployments/{quote(name, safe='')}").get("latest")
    return found if isinstance(found, dict) else None


def followed(
    daemon: Api,
    name: str,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Mapping[str, Any]]:
    """Every tick's decision, by the daemon's events; asked for anew while there are none."""
    from autoscaler.wiring.client import Refused, Unreachable

    while True:
        try:
            for event, _ in daemon.events():
                if event in {"hello", "tick", "override"}:
                    told = latest(daemon, name)
                    if told is not None:
                        yield told
        except Unreachable:
            say("the daemon does not answer; waiting for it")
        except Refused:
            # No stream is free: ask instead.
            told = latest(daemon, name)
            if told is not None:
                yield told
        sleep(AGAIN_S)


def lines(
    first: Mapping[str, Any] | None,
    more: Iterable[Mapping[str, Any]],
    as_json: bool,
    count: int = 0,
) -> Iterator[str]:
    """What is printed: the first decision in full, then what is new; at most `count` if not 0."""
    import json

    from autoscaler.cli.story import tell

    last = first["id"] if first else ""
    said = 0
    if first:
        yield json.dumps(first) if as_json else tell(first)
        said = 1
    before = first["headline"] if first else ""
    for told in more:
        if count and said >= count:
            return
        if told["id"] == last:
            continue
        loud = told["outcome"]["kind"] in LOUD and told["headline"] != before
        last, before, said = told["id"], told["headline"], said + 1
        if as_json:
            yield json.dumps(told)
        else:
            yield f"\n{tell(told)}\n" if loud else line(told)


def line(told: Mapping[str, Any]) -> str:
    """One tick in one line."""
    from autoscaler.cli.story import envelope

    when = datetime.fromtimestamp(told["at"], UTC).strftime("%H:%M:%S")
    return f"{when}  {envelope(told['after']):12}  {told['headline']}"
