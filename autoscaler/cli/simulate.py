"""`autoscaler simulate`: a simulated platform alone, over real HTTP, for any client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoscaler.lab.platform.deployment import DeploymentSpec
    from autoscaler.lab.platform.server import SimulatedPlatform
    from autoscaler.lab.traces import Trace

PEAK_REPLICAS = 6  # the busiest thousandth of a trace fills this many; the envelope begins at 1..10


def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Loopback port to listen on; 0 takes a free one.")
    ] = 0,
    deployments: Annotated[
        int, typer.Option(min=1, max=1000, help="How many live deployments to run.")
    ] = 1,
    trace: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Load of every deployment: a .csv or .csv.gz of timestamp_s,requests. "
            "Left out, bundled traces of real inference services take turns.",
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second of the wall clock, above 0.")
    ] = 1.0,
    token: Annotated[
        str | None, typer.Option(help="Bearer token to accept; a random one when left out.")
    ] = None,
) -> None:
    """Run a simulated platform until Ctrl-C; its addresses and credentials are printed as JSON."""
    import asyncio

    from autoscaler.lab.platform.server import SimulatedPlatform
    from autoscaler.lab.traces import TraceError

    try:
        specs = fleet(deployments, _traces(trace))
        platform = SimulatedPlatform(specs, speed=speed, port=port, token=token)
        asyncio.run(_serve(platform))
    except (TraceError, ValueError) as problem:
        raise typer.BadParameter(str(problem)) from problem
    except OSError as problem:
        leave(Exit.PROBLEMS, f"port {port}: cannot listen on 127.0.0.1: {problem.strerror}")


def fleet(count: int, traces: Sequence[Trace]) -> list[DeploymentSpec]:
    """`count` deployments called model-1, model-2 and so on, their traces out of step."""
    from autoscaler.lab.platform.deployment import START, DeploymentSpec
    from autoscaler.lab.platform.load import TraceLoad

    specs = []
    for index in range(count):
        trace = traces[index % len(traces)]
        load = TraceLoad.filling(
            trace,
            replicas=PEAK_REPLICAS,
            threads=START.threads,
            offset_s=trace.duration_s * (index // len(traces)) / max(1, count // len(traces)),
        )
        specs.append(DeploymentSpec(f"model-{index + 1}", load=load))
    return specs


def _traces(path: Path | None) -> list[Trace]:
    from autoscaler.lab.traces import BUNDLED, bundled, read_trace

    return [bundled(name) for name in BUNDLED] if path is None else [read_trace(path)]


async def _serve(platform: SimulatedPlatform) -> None:
    import asyncio
    import json
    import signal

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with platform:
        typer.echo(json.dumps(platform.card()))
        await ended.wait()
