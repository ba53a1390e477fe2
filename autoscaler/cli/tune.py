"""`autoscaler tune`: the cheapest setting that keeps an objective, found on history."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.backtest import INTERRUPTED, duration, lab_or_leave
from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import AsJson

if TYPE_CHECKING:
    from autoscaler.lab.tune.ask import Ask
    from autoscaler.lab.tune.run import Tuned
    from autoscaler.lab.tune.search import Wish
    from autoscaler.lab.tune.space import Candidate


Files = Annotated[
    list[Path] | None,
    typer.Argument(exists=True, dir_okay=False, help="Further traces, as --trace."),
]
Objective = Annotated[
    str, typer.Option(help="What to keep: `<measure> <= <number>[%]`, as `violations <= 1%`.")
]
Minimise = Annotated[str, typer.Option(help="Of those that keep it, the least of this.")]
Trace = Annotated[
    list[Path] | None,
    typer.Option(exists=True, dir_okay=False, help="A .csv or .csv.gz of timestamp_s,requests."),
]
Prometheus = Annotated[
    str | None, typer.Option(help="Tune on the past of a server instead: its URL.")
]
Query = Annotated[
    str | None, typer.Option(help="PromQL of the demand (requests running and queued).")
]
Label = Annotated[str, typer.Option(help="The label that names a deployment.")]
Span = Annotated[str, typer.Option("--range", help="How much past to use.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Start from this configuration: limits, guards, sources."),
]
Group = Annotated[str | None, typer.Option(help="The group of --config to tune.")]
Budget = Annotated[int, typer.Option(min=1, max=10_000, help="Settings to evaluate.")]
Seed = Annotated[int, typer.Option(help="The same seed finds the same.")]
ColdStart = Annotated[str, typer.Option(help="From ordering to serving.")]
Interval = Annotated[str | None, typer.Option(help="Between two decisions; the group's, or 30s.")]
Threads = Annotated[int, typer.Option(min=1, help="Requests a replica works on at once.")]
ServiceTime = Annotated[
    str | None, typer.Option(help="Mean time of one request of a trace, if known.")
]
ReplicasP999 = Annotated[
    float, typer.Option(min=0.1, help="Else traces are scaled so that this serves the peak.")
]
MinReplicas = Annotated[
    int | None, typer.Option(min=0, help="Least size; the configuration's, or 1.")
]
MaxReplicas = Annotated[
    int | None, typer.Option(min=1, help="Largest size; the configuration's, or 60.")
]
Actuator = Annotated[
    str, typer.Option(help="How the platform takes an envelope: direct, evict or linger.")
]


def tune(
    files: Files = None,
    *,
    objective: Objective,
    minimise: Minimise = "cost",
    trace: Trace = None,
    prometheus: Prometheus = None,
    query: Query = None,
    label: Label = "deployment",
    span: Span = "14d",
    config: Config = None,
    group: Group = None,
    budget: Budget = 40,
    seed: Seed = 1,
    cold_start: ColdStart = "120s",
    interval: Interval = None,
    threads: Threads = 32,
    service_time: ServiceTime = None,
    replicas_p999: ReplicasP999 = 20.0,
    min_replicas: MinReplicas = None,
    max_replicas: MaxReplicas = None,
    actuator: Actuator = "evict",
    as_json: AsJson = False,
) -> None:
    """Search settings on history; print the lines to paste and what they would not promise.

    The output is YAML with comments. Ends with 1 when nothing keeps the objective or when there
    is too little history, and with 130 after Ctrl-C, which gives the best so far.
    """
    lab_or_leave()
    from autoscaler.lab.tune.ask import Ask

    wish = _wish(objective, minimise, budget, seed)
    ask = Ask(
        traces=(*(trace or ()), *(files or ())),
        prometheus=prometheus,
        query=query,
        label=label,
        range_s=duration("--range", span),
        config=config,
        group=group,
        cold_start_s=duration("--cold-start", cold_start),
        interval_s=None if interval is None else duration("--interval", interval),
        threads=threads,
        service_s=None if service_time is None else duration("--service-time", service_time),
        replicas_p999=replicas_p999,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        actuator=actuator,
    )
    _print(_tuned(ask, wish), as_json)


def _wish(objective: str, minimise: str, budget: int, seed: int) -> Wish:
    from autoscaler.lab.tune.objective import ObjectiveError, measure_of, parse
    from autoscaler.lab.tune.search import Wish

    try:
        return Wish(parse(objective), measure_of(minimise), budget, seed)
    except ObjectiveError as error:
        leave(Exit.USAGE, str(error))


def _tuned(ask: Ask, wish: Wish) -> Tuned:
    from autoscaler.lab.tune.ask import AskError, NoPastError, prepared
    from autoscaler.lab.tune.enough import NotEnoughError
    from autoscaler.lab.tune.past import read
    from autoscaler.lab.tune.run import NothingEvaluatedError
    from autoscaler.lab.tune.run import tune as searched

    tell = _progress if sys.stderr.isatty() else None
    with told():
        try:
            asked = prepared(ask)
            read(ask, asked)
            return searched(asked, wish, tell)
        except AskError as error:
            leave(Exit.USAGE, str(error))
        except NoPastError as error:
            leave(Exit.UNREACHABLE, str(error))
        except (NotEnoughError, NothingEvaluatedError) as error:
            leave(Exit.PROBLEMS, f"no recommendation: {error}")


def _progress(done: int, budget: int, candidate: Candidate) -> None:
    typer.echo(f"\r{done} of {budget}: {candidate.name:30}", err=True, nl=done == budget)


def _print(tuned: Tuned, as_json: bool) -> None:
    import json

    from autoscaler.lab.tune.report import text, tree

    typer.echo(json.dumps(tree(tuned), indent=1) if as_json else text(tuned))
    if not tuned.found.complete:
        sys.exit(INTERRUPTED)
    if not tuned.kept:
        sys.exit(Exit.PROBLEMS)
