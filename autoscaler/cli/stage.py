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
from autoscaler.wiring.serve import Running, logging_for, start

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
PLACEHOLDER = "ri.foundry-ml-live.main.live-deployment.placeholder"


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
    """The demo's configuration, written down at `place` with the simulated platform's names.

    A file and not the environment: a what-if reads it in a process of its own.
    """
    secret = place / "client-secret"
    secret.touch(mode=0o600)
    secret.write_text(platform.client_secret, encoding="utf-8")
    text = demo_file().read_text(encoding="utf-8")
    for written, real in (
        ("http://127.0.0.1:8765", platform.url),
        (
            "{client_id: simulated-client}",
            f"{{client_id: {platform.client_id}, client_secret_file: {secret}}}",
        ),
        ("sqlite:///autoscaler-demo.db", f"sqlite:///{place}/demo.db"),
        ('web: {listen: "127.0.0.1:0"}', _web(token)),
    ):
        text = text.replace(written, real)
    for name in (name for members in GROUPS.values() for name in members):
        # The first placeholder after its name is its own.
        head, colon, tail = text.partition(f"      {name}:")
        text = head + colon + tail.replace(PLACEHOLDER, platform.deployments[name].rid, 1)
    file = place / "demo.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def _web(token: str) -> str:
    operator = {"name": "demo", "role": "operator", "sha256": digest_of(token).hex()}
    web = {"listen": "127.0.0.1:0", "write_enabled": True, "tokens": [operator]}
    return f"web: {json.dumps(web)}"


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
