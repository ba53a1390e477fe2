"""`autoscaler evaluate`: what would a policy, or a whole deployment, say to this observation?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told

Directories = Annotated[
    list[str] | None,
    typer.Option("--dir", help="A directory of further policies; may be given again."),
]


def evaluate(
    policy: Annotated[str, typer.Option(help="The policy to ask.")] = "",
    options: Annotated[str, typer.Option(help="Its options as JSON; durations as text.")] = "{}",
    directories: Directories = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Instead of --policy: a configuration file."),
    ] = None,
    deployment: Annotated[str, typer.Option(help="With --config: whose policies and guards.")] = "",
    observation: Annotated[
        str,
        typer.Option(help="A file with an observation as JSON; `-`: one per line of the input."),
    ] = "-",
    story: Annotated[
        bool, typer.Option("--story", help="With --config: told in sentences, as `explain` does.")
    ] = False,
) -> None:
    """Print what a policy answers to observations, or what would be decided, as JSON.

    Connects to nothing and writes nothing. docs/observation.schema.json tells what an
    observation holds.
    """
    from autoscaler.wiring.evaluate import InputError

    if bool(policy) == bool(deployment) or bool(deployment) != (config is not None):
        leave(Exit.USAGE, "give either --policy, or --config and --deployment")
    try:
        if config is None:
            answer = _of_policy(policy, options, directories or [])
        else:
            with told():
                answer = _of_deployment(config, deployment, story=story)
    except InputError as error:
        leave(Exit.USAGE, str(error))
    for place, data in _observations(observation):
        try:
            typer.echo(answer(data))
        except InputError as error:
            leave(Exit.USAGE, f"{place}: {error}")


def _of_policy(name: str, options: str, directories: list[str]) -> Callable[[bytes], bytes]:
    from autoscaler.wiring.evaluate import policy_answer

    return policy_answer(name, options, directories)


def _of_deployment(config: Path, name: str, *, story: bool) -> Callable[[bytes], bytes]:
    from autoscaler.cli.story import tell
    from autoscaler.codec import describe, encode_decision
    from autoscaler.wiring.evaluate import deployment_decision

    decided = deployment_decision(config, name)
    if story:
        return lambda data: tell(describe(decided(data))).encode()
    return lambda data: encode_decision(decided(data))


def _observations(source: str) -> Iterator[tuple[str, bytes]]:
    """Each observation and where it stands."""
    if source != "-":
        try:
            yield source, Path(source).read_bytes()
        except OSError as error:
            leave(Exit.USAGE, f"{source}: cannot be read: {error.strerror}")
        return
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if line.strip():
            yield f"standard input, line {number}", line
