"""`autoscaler policy`: which policies there are, what they take, and a first one of one's own."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.evaluate import Directories
from autoscaler.cli.exits import Exit, leave
from autoscaler.cli.options import AsJson

if TYPE_CHECKING:
    from autoscaler.lab.docs.options import Row
    from autoscaler.plugins.registry import Registry

NAME_RULE = re.compile(r"[a-z][a-z0-9_]{0,62}")
PLACE = Path("policies-local")
app = typer.Typer(no_args_is_help=True, help="List policies, show one, begin one of your own.")


@app.command("list")
def list_policies(directories: Directories = None, as_json: AsJson = False) -> None:
    """List every policy with its summary."""
    from autoscaler.lab.docs.page import summary
    from autoscaler.plugins import PluginError

    registry = _registry(directories)
    try:
        found = {name: summary(registry.policy(name)) for name in registry.policies()}
    except PluginError as error:
        leave(Exit.PROBLEMS, str(error))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, words in found.items():
        typer.echo(f"{name:{width}}  {words}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The policy's name.")],
    directories: Directories = None,
    as_json: AsJson = False,
) -> None:
    """Show a policy's options with types, defaults, units and ranges, and an example."""
    import dataclasses

    from autoscaler.lab.docs.examples import example_text
    from autoscaler.lab.docs.options import rows_of
    from autoscaler.lab.docs.page import background, summary
    from autoscaler.plugins import PluginError
    from autoscaler.settings.problem import meant, one_of

    registry = _registry(directories)
    known = registry.policies()
    if name not in known:
        hint = meant(name, known) or f" (policies: {one_of(known)})"
        leave(Exit.USAGE, f"no policy is called {name!r}{hint}")
    try:
        cls = registry.policy(name)
    except PluginError as error:
        leave(Exit.PROBLEMS, str(error))
    rows = rows_of(cls)
    example = example_text(name, rows)
    if as_json:
        options = [dataclasses.asdict(row) for row in rows]
        found = {"name": name, "summary": summary(cls), "options": options, "example": example}
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"{name}: {summary(cls)}\n\n{background(cls)}\n")
    for row in rows:
        typer.echo(_told(row))
    typer.echo(f"\nexample:\n\n{example}", nl=False)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits, underscores.")],
    directory: Annotated[Path, typer.Option("--dir", help="Where it goes.")] = PLACE,
) -> None:
    """Write a policy that works and its test, and print how to switch it on."""
    from autoscaler.cli.template import CONFIG, POLICY, TEST, title_of

    if not NAME_RULE.fullmatch(name) or keyword.iskeyword(name) or name.startswith("test_"):
        leave(
            Exit.USAGE,
            f"a policy's name must be small letters, digits and underscores, got {name!r}",
        )
    if name in _registry(None).policies():
        leave(Exit.USAGE, f"the name {name!r} is taken by a policy that comes along")
    words = {"name": name, "title": title_of(name), "directory": directory.as_posix()}
    # The test stands one level below: every file beside a policy is a policy too.
    files = {
        directory / f"{name}.py": POLICY.substitute(words),
        directory / "tests" / f"test_{name}.py": TEST.substitute(words),
    }
    for path in files:
        if path.exists():
            leave(Exit.PROBLEMS, f"{path} is there already; nothing was written")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            typer.echo(f"wrote {path}")
    except OSError as error:
        leave(Exit.PROBLEMS, f"{path}: cannot be written: {error.strerror}")
    typer.echo(f"\nconfiguration:\n\n{CONFIG.substitute(words)}", nl=False)


def _registry(directories: list[str] | None) -> Registry:
    from autoscaler.plugins import PluginError
    from autoscaler.plugins.registry import Registry

    try:
        return Registry(directories or [])
    except PluginError as error:
        leave(Exit.PROBLEMS, str(error))


def _told(row: Row) -> str:
    unit = f", {row.unit}" if row.unit else ""
    allowed = f", {row.allowed}" if row.allowed else ""
    default = "required" if row.default == "required" else f"default {row.default}"
    return f"  {row.name}: {row.type}{unit}, {default}{allowed}\n      {row.doc}"
