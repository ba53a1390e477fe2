"""The demo's stage: a simulated platform, the real daemon, and a table that shows both."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from autoscaler.lab.platform.deployment import SimulatedDeployment
from autoscaler.lab.platform.fleet import START, demo_fleet
from autoscaler.lab.platform.server import SimulatedPlatform
from autoscaler.ports import TickReport
from autoscaler.settings import Settings, load
from autoscaler.web.access import digest_of, new_token
from autoscaler.wiring import Running, logging_for, start

SPEED = 60.0
NAME = "chat"
# The busiest thousandth of the trace fills this many replicas; the envelope begins at 1..10.
PEAK_REPLICAS = 8
# As in config/demo.yaml.
GROUPS = {
    "online": ("chat", "code", "embed", "fraud"),
    "batch": ("churn", "rerank", "reason", "ocr"),
}
ROWS = 12


@dataclass(slots=True)
class Tally:
    """A listener that counts what the daemon decided."""

    ticks: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def told(self, report: TickReport) -> None:
        """Count a tick; remember the changes for the table."""
        self.ticks += 1
        for decision in report.decisions:
            self.decisions[decision.outcome.kind.value] += 1
            if decision.outcome.kind.value not in {"unchanged", "held"}:
                line = (
                    f"{decision.outcome.kind.value:9} {decision.deployment}: {decision.headline()}"
                )
                self.lines = [*self.lines[-ROWS + 1 :], line]


async def play(trace: str, duration: float | None, *, live: bool) -> dict[str, object]:
    """Run the demo for `duration` seconds, or until Ctrl-C; the figures at the end."""
    fleet = demo_fleet(NAME, trace, PEAK_REPLICAS)
    tally, ended, token = Tally(), _asked_to_end(), new_token()
    with tempfile.TemporaryDirectory() as place:
        async with SimulatedPlatform(fleet, speed=SPEED) as platform:
            settings = _settings(platform, Path(place), token)
            with logging_for(settings, sys.stderr):
                running = await start(settings, (tally,))
                if not live:
                    typer.echo(f"watch it at {running.server.url}", err=True)
                    typer.echo(f"sign in there with {token}", err=True)
                try:
                    await _watch(running, platform, tally, token, duration, ended, live=live)
                finally:
                    await running.stop()
            return _figures(platform, tally)


def _settings(platform: SimulatedPlatform, place: Path, token: str) -> Settings:
    """The demo's configuration, pointed at the simulated platform by its environment."""
    operator = {"name": "demo", "role": "operator", "sha256": digest_of(token).hex()}
    given = {
        "PLATFORM__URL": platform.url,
        "PLATFORM__AUTH__CLIENT_ID": platform.client_id,
        "PLATFORM__AUTH__CLIENT_SECRET": platform.client_secret,
        "SOURCES__GATEWAY__URL": f"{platform.url}/metrics",
        "JOURNAL__URL": f"sqlite:///{place}/demo.db",
        "WEB__WRITE_ENABLED": "true",
        "WEB__TOKENS": json.dumps([operator]),
    }
    for group, members in GROUPS.items():
        for name in members:
            key = f"GROUPS__{group}__DEPLOYMENTS__{name}__RID".upper()
            given[key] = platform.deployments[name].rid
    return load(demo_file(), {f"AUTOSCALER_{key}": value for key, value in given.items()})


def demo_file() -> Path:
    """`config/demo.yaml`, beside the sources or inside the installed package."""
    package = Path(__file__).parents[1]
    inside = package / "_config" / "demo.yaml"
    return inside if inside.exists() else package.parent / "config" / "demo.yaml"


async def _watch(
    running: Running,
    platform: SimulatedPlatform,
    tally: Tally,
    token: str,
    duration: float | None,
    ended: asyncio.Event,
    *,
    live: bool,
) -> None:
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(ended.wait())
    until = loop.time() + duration if duration else None
    with _screen(live=live) as screen:
        while not waiting.done() and (until is None or loop.time() < until):
            if screen is not None:
                screen.update(_picture(running, platform, tally, token))
            await asyncio.wait({waiting}, timeout=0.25)
    waiting.cancel()


def _asked_to_end() -> asyncio.Event:
    """Set by Ctrl-C and SIGTERM from now on, so that nothing is left behind even at the start."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    return ended


def _screen(*, live: bool) -> Live:
    console = Console(stderr=not live, quiet=not live, no_color="NO_COLOR" in os.environ)
    return Live(console=console, refresh_per_second=4, transient=False)


def _picture(running: Running, platform: SimulatedPlatform, tally: Tally, token: str) -> Group:
    one = platform.deployments[NAME]
    envelope, gateway = one.envelope, one.gateway
    table = Table(expand=False, pad_edge=False)
    for title in ("", "load", "replicas ready", "min", "max", "threads", "no room"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row(
        "with the daemon",
        f"{gateway.in_flight:.0f}",
        str(one.model.ready),
        str(envelope.min_replicas),
        str(envelope.max_replicas),
        str(envelope.threads),
        f"{one.overload_share:.1%}",
    )
    twin = one.twin
    table.add_row(
        "platform alone",
        f"{gateway.in_flight:.0f}",
        str(twin.ready),
        str(START.min_replicas),
        str(START.max_replicas),
        str(START.threads),
        f"{one.overload_share_platform_alone:.1%}",
    )
    head = Text(f"{running.server.url}   {SPEED:.0f} x real time   Ctrl-C ends it", style="bold")
    steer = Text(f"sign in there to steer: {token}", style="dim")
    return Group(head, steer, table, Text("\n".join(tally.lines)))


def _figures(platform: SimulatedPlatform, tally: Tally) -> dict[str, object]:
    one: SimulatedDeployment = platform.deployments[NAME]
    return {
        "ticks": tally.ticks,
        "decisions": dict(tally.decisions),
        "puts": len(platform.puts),
        "overload_share": one.overload_share,
        "overload_share_platform_alone": one.overload_share_platform_alone,
        "compute_seconds": one.compute_seconds,
        "compute_seconds_platform_alone": one.compute_seconds_platform_alone,
        "simulated_s": one.model.tally.elapsed_s,
    }
