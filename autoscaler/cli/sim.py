"""`autoscaler-sim`: the whole daemon under seeded faults on virtual time, seed after seed."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autoscaler.lab.sim.composition import Composition, Ended

DAYS, DEPLOYMENTS = 0.25, 60
SEEDS = 2**32


def main() -> None:
    """The entry point."""
    typer.run(simulate)


def simulate(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to run.")] = 4,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The first seed; a random one when left out.")
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.05, max=30, help="Simulated days of each seed.")
    ] = DAYS,
    deployments: Annotated[
        int, typer.Option(min=2, max=1000, help="Live deployments of each seed.")
    ] = DEPLOYMENTS,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Seeds run at the same time.")] = 1,
    minutes: Annotated[
        float, typer.Option(min=0, help="Begin no further seed after so long; 0: no end.")
    ] = 0.0,
    trace: Annotated[
        bool, typer.Option("--trace", help="Print all that happens in a seed.")
    ] = False,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Plant each bug in turn; every one must be found.")
    ] = False,
    soak: Annotated[
        bool,
        typer.Option("--soak", help="One process for --days days: what it holds, once a day."),
    ] = False,
) -> None:
    """Run the whole daemon under seeded faults; ends with 1 when an invariant is broken.

    The same seed, days and deployments always give the same run, and the same log mark. Ctrl-C
    begins no further seed, lets those in progress end, and tells what came of all.
    """
    first = secrets.randbelow(SEEDS) if seed is None else seed
    if mutants:
        raise typer.Exit(_hunt(first, jobs))
    if soak:
        raise typer.Exit(_soak(first, days, deployments))
    if trace:
        ended = [_run(first, days, deployments, tell=True)]
        raise typer.Exit(_report(ended, 0.0, days, deployments))
    began = time.perf_counter()
    with ProcessPoolExecutor(jobs, get_context("spawn"), _deaf) as pool:
        numbers = range(first, first + seeds)
        ended = list(_all(pool, numbers, days, deployments, minutes))
    raise typer.Exit(_report(ended, time.perf_counter() - began, days, deployments))


def _all(
    pool: Executor, numbers: range, days: float, deployments: int, minutes: float
) -> Iterator[Ended]:
    began = time.perf_counter()
    waiting = [pool.submit(_run, number, days, deployments) for number in numbers]
    _ends_with(waiting)
    for done in as_completed(waiting):
        if done.cancelled():
            continue
        ended = done.result()
        _tell(ended)
        yield ended
        if minutes and time.perf_counter() - began > minutes * 60:
            _cancel(waiting)


def _ends_with(waiting: Sequence[Future[Ended]]) -> None:
    """Ctrl-C and SIGTERM begin no further seed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _cancel(waiting))


def _cancel(waiting: Sequence[Future[Ended]]) -> None:
    for one in waiting:
        one.cancel()


def _deaf() -> None:
    """Of a process that runs seeds: whether it goes on is not its own to decide."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(seed: int, days: float, deployments: int, *, tell: bool = False) -> Ended:
    from autoscaler.lab.sim.run import live

    say = typer.echo if tell else None
    return live(seed, composition(), days=days, size=deployments, tell=say)


def composition() -> Composition:
    """The daemon as wiring puts it together, on a machine of the simulation."""
    from autoscaler.lab.sim.composition import Composition
    from autoscaler.wiring.serve import start
    from autoscaler.wiring.simulated import machine, series

    return Composition(start, machine, series)


def _tell(ended: Ended) -> None:
    verdict = f"BROKEN {len(ended.broken)}" if ended.broken else "holds"
    typer.echo(
        f"seed {ended.seed}: {verdict}, {ended.deployment_days:g} deployment-days, "
        f"{ended.lives} lives, {ended.puts} PUTs, log {ended.digest}, {ended.took_s:.1f} s"
    )
    for sentence in ended.broken:
        typer.echo(f"  {sentence}")
    sys.stdout.flush()


def _report(ended: Sequence[Ended], took_s: float, days: float, deployments: int) -> int:
    simulated = sum(one.deployment_days for one in ended)
    broken = [one.seed for one in ended if one.broken]
    pace = f", {simulated / took_s * 60:.0f} a minute" if took_s else ""
    typer.echo(
        f"{len(ended)} seeds, {simulated:g} deployment-days{pace}, "
        f"{sum(one.events for one in ended)} events, {sum(one.puts for one in ended)} PUTs, "
        f"{sum(one.lives for one in ended)} lives, "
        f"{len(broken)} seeds with a broken invariant"
    )
    for seed in broken:
        world = f"--days {days:g} --deployments {deployments}"
        typer.echo(f"again: autoscaler-sim --seeds 1 --seed {seed} {world} --trace")
    return 1 if broken else 0


def _soak(seed: int, days: float, deployments: int) -> int:
    from autoscaler.lab.sim.soak import soak

    def tell(line: str) -> None:
        typer.echo(line)
        sys.stdout.flush()

    soaked = soak(seed, composition(), days=days, size=deployments, tell=tell)
    _tell(soaked.ended)
    growth = ", ".join(f"{name} {share:+.2%}" for name, share in soaked.growth.items())
    typer.echo(f"growth a day after the warm-up: {growth}")
    return 0 if soaked.bounded and not soaked.ended.broken else 1


def _hunt(first: int, jobs: int) -> int:
    from autoscaler.lab.sim.mutants import MUTANTS

    missed = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for line, caught in pool.map(_hunted, range(len(MUTANTS)), [first] * len(MUTANTS)):
            typer.echo(line)
            sys.stdout.flush()
            if not caught:
                missed.append(line)
    typer.echo(f"{len(MUTANTS) - len(missed)} of {len(MUTANTS)} planted bugs were found")
    return 1 if missed else 0


def _hunted(index: int, first: int) -> tuple[str, bool]:
    from autoscaler.lab.sim.hunt import hunt
    from autoscaler.lab.sim.mutants import MUTANTS

    found = hunt(MUTANTS[index], composition(), first)
    return found.line, found.caught
