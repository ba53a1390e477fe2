"""The command line. One file per command: parse, call, print; no decisions."""

from __future__ import annotations

from typing import Annotated

import typer

from autoscaler import __version__
from autoscaler.cli.backtest import backtest
from autoscaler.cli.bench import bench
from autoscaler.cli.check import check
from autoscaler.cli.demo import demo
from autoscaler.cli.doctor import doctor
from autoscaler.cli.evaluate import evaluate
from autoscaler.cli.explain import explain
from autoscaler.cli.health import health
from autoscaler.cli.journal import app as journal_app
from autoscaler.cli.notify import notify
from autoscaler.cli.override import brake, floor, look, mode, pause, pin, resume
from autoscaler.cli.overrides import overrides
from autoscaler.cli.policy import app as policy_app
from autoscaler.cli.recommend import recommend
from autoscaler.cli.replay import replay
from autoscaler.cli.run import run
from autoscaler.cli.schema import schema
from autoscaler.cli.simulate import simulate
from autoscaler.cli.token import app as token_app
from autoscaler.cli.top import top
from autoscaler.cli.tune import tune
from autoscaler.cli.watch import watch
from autoscaler.cli.whatif import what_if

EXITS = """Exit codes: 0 done, 1 problems found, 2 wrong usage, 3 something cannot be reached,
75 another daemon holds the journal, 78 the configuration is not valid, 130 interrupted."""

app = typer.Typer(
    help="Scale Palantir Foundry live model deployments by policy, with a reason for every move.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich for --help alone would cost 0.2 s
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"autoscaler {__version__}")
        raise typer.Exit


@app.callback()
def common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Scale Palantir Foundry live model deployments by policy, with a reason for every move."""


for command in (run, demo, check, explain, pause, resume, simulate, replay, bench, schema, health):
    app.command()(command)
app.command()(brake)
app.command()(pin)
app.command()(floor)
app.command()(mode)
app.command()(overrides)
app.command()(look)
app.command()(doctor)
app.command()(backtest)
app.command()(recommend)
app.command()(evaluate)
app.command()(tune)
app.command()(top)
app.command()(watch)
app.command(name="what-if")(what_if)
app.add_typer(policy_app, name="policy")
app.add_typer(token_app, name="token")
app.add_typer(notify, name="notify")
app.add_typer(journal_app, name="journal")
