"""`autoscaler backtest`: past load replayed through the live decision code and its peers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave, told

if TYPE_CHECKING:
    from autoscaler.lab.report.goals import Goals
    from autoscaler.lab.report.study import Study, Tell

# The shell's own code for a command that Ctrl-C ended.
INTERRUPTED = 130


def backtest(
    files: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, dir_okay=False, help="Further traces, as --trace."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Compare this configuration's policies too.",
            envvar="AUTOSCALER_CONFIG",
        ),
    ] = None,
    trace: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="A .csv or .csv.gz of timestamp_s,requests."
        ),
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(help="Replay the past of a server instead of traces: its URL.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="PromQL of the demand (requests running and queued).")
    ] = None,
    label: Annotated[str, typer.Option(help="The label that names a deployment.")] = "deployment",
    span: Annotated[str, typer.Option("--range", help="How much past to read.")] = "14d",
    policy_set: Annotated[
        list[str] | None, typer.Option(help="Only these sets; * stands for anything.")
    ] = None,
    demand: Annotated[
        list[str] | None, typer.Option(help="The configuration's signal that is the demand.")
    ] = None,
    tau: Annotated[
        list[float] | None, typer.Option(min=0.5, max=0.9999, help="Forecast at these risks too.")
    ] = None,
    slo: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0001,
            max=0.5,
            help="Forecast, its risk chosen daily so that this share finds no room.",
        ),
    ] = None,
    slo_of_platform: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            max=1.0,
            help="The same for this share of what the platform's own scaler alone would have had.",
        ),
    ] = None,
    cold_start: Annotated[str, typer.Option(help="From ordering to serving.")] = "120s",
    interval: Annotated[str, typer.Option(help="Between two decisions of the forecast.")] = "30s",
    replicas_p999: Annotated[
        float, typer.Option(min=0.1, help="Traces are scaled so that this many serve the peak.")
    ] = 20.0,
    threads: Annotated[int, typer.Option(min=1, help="Requests a replica works on at once.")] = 32,
    min_replicas: Annotated[
        int | None, typer.Option(min=0, help="Least size; the configuration's, or 1.")
    ] = None,
    max_replicas: Annotated[
        int | None, typer.Option(min=1, help="Largest size; the configuration's, or 60.")
    ] = None,
    history: Annotated[
        str | None, typer.Option(help="To learn from, not scored; 7d, or half when shorter.")
    ] = None,
    actuator: Annotated[str, typer.Option(help="direct, envelope or both.")] = "both",
    goals: Annotated[
        bool,
        typer.Option(
            "--goals", help="Measure the published table: every condition in turn, in Markdown."
        ),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report for people.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers.")] = None,
) -> None:
    """Replay load and compare policies: risk, cost and calm of each, side by side.

    Exit codes: 0 done, 1 nothing could be compared, 130 interrupted (what was done is printed).
    """
    lab_or_leave()
    from autoscaler.lab.report.ask import Ask, AskError, NoPastError, goals_of, study_of

    ask = Ask(
        config=config,
        traces=(*(trace or ()), *(files or ())),
        prometheus=prometheus,
        query=query,
        label=label,
        range_s=duration("--range", span),
        policy_sets=tuple(policy_set or ()),
        demand=tuple(demand or ()),
        taus=tuple(tau or ()),
        slos=tuple(slo or ()),
        shares=tuple(slo_of_platform or ()),
        cold_start_s=duration("--cold-start", cold_start),
        interval_s=duration("--interval", interval),
        replicas_p999=replicas_p999,
        threads=threads,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        history_s=None if history is None else duration("--history", history),
        actuator=actuator,
    )
    with told(), progress() as tell:
        try:
            if goals:
                _hand_out_goals(*goals_of(ask, tell), html, json_file)
                return
            study, warnings = study_of(ask, tell)
        except AskError as error:
            raise typer.BadParameter(str(error)) from error
        except NoPastError as error:
            leave(Exit.UNREACHABLE, str(error))
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    _hand_out(study, warnings, html, json_file)


def _hand_out(study: Study, warnings: list[str], html: Path | None, json_file: Path | None) -> None:
    import json

    from autoscaler.lab.report.figures import as_json, tables
    from autoscaler.lab.report.page import write_report

    if study.finished():
        typer.echo(tables(study))
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(study), indent=1), encoding="utf-8")
    if html is not None and study.finished():
        write_report(html, study, warnings)
        typer.echo(f"report: {html}", err=True)
    if not study.complete:
        typer.echo(f"interrupted: {len(study.finished())} trace(s) were finished", err=True)
        sys.exit(INTERRUPTED)
    if not study.finished():
        leave(Exit.PROBLEMS, "nothing could be compared")


def _hand_out_goals(
    goals: Goals, warnings: list[str], html: Path | None, json_file: Path | None
) -> None:
    """The table, and the report of the usual condition."""
    import json

    from autoscaler.lab.report.page import write_report
    from autoscaler.lab.report.verdict import markdown, rows_of

    typer.echo(markdown(rows_of(goals)))
    if json_file is not None:
        json_file.write_text(json.dumps(goals.as_dict(), indent=1), encoding="utf-8")
    if html is not None and "usual" in goals.studies:
        write_report(html, goals.studies["usual"], warnings)
    if not goals.complete:
        typer.echo(f"interrupted: {len(goals.studies)} condition(s) were finished", err=True)
        sys.exit(INTERRUPTED)


def duration(option: str, text: str) -> float:
    """Seconds of an option such as 30s, 5m, 14d. Raises BadParameter."""
    from autoscaler.settings.units import scalar, seconds

    try:
        return seconds(scalar(text.strip()) if text.strip() else text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {error}, got {text!r}") from error


def lab_or_leave() -> None:
    """End with a sentence when the laboratory's extra is not installed."""
    from importlib.util import find_spec

    if find_spec("numpy") is None:
        leave(
            Exit.PROBLEMS,
            "this command needs numpy: install the lab extra, "
            "pip install 'foundry-autoscaler[lab]'",
        )


@contextmanager
def progress() -> Iterator[Tell | None]:
    """A bar on a terminal; silence elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text)
