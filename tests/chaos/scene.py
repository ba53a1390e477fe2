"""The whole set: a simulated platform under load, a real Prometheus, a daemon's site, and links.

The daemon reaches the platform and Prometheus over links of its own, so that either can be cut;
Prometheus scrapes the platform without one.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.api import Put
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.server import SimulatedPlatform
from tests.fakes.daemon import SECRET, TOKEN, Json, Site, configuration
from tests.fakes.partition import Network
from tests.fakes.prometheus import RealPrometheus

SPEED = 60.0
INTERVAL_S = 2.0
THREADS = 32


@dataclass(slots=True)
class Wave:
    """Jobs that rise and fall between 5 and 5 + 2 x `height` every `period_s` simulated seconds.

    `fixed` stops the wave at a level.
    """

    height: float
    period_s: float
    phase: float = 0.0
    fixed: float | None = None

    def at(self, t_s: float) -> float:
        """Jobs wanted at once."""
        if self.fixed is not None:
            return self.fixed
        return 5.0 + self.height * (1.0 + math.sin(self.phase + 2 * math.pi * t_s / self.period_s))


class Record(list[Put]):
    """The platform's own record of PUTs, with the wall time of each, Unix seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def append(self, put: Put) -> None:
        """Take note of one."""
        self.times.append(time.time())
        super().append(put)


@dataclass(slots=True)
class Scene:
    """Everything that chaos and soak play with."""

    platform: SimulatedPlatform
    prometheus: RealPrometheus
    to_platform: Network
    to_prometheus: Network
    site: Site
    waves: dict[str, Wave]
    record: Record
    names: tuple[str, ...] = field(default_factory=tuple)

    def envelope(self, name: str) -> Envelope:
        """The dials that the platform really has."""
        return self.platform.deployments[name].envelope


def settings(platform: SimulatedPlatform, secret: Path, links: tuple[str, str]) -> Json:
    """A daemon that looks every two seconds, at Prometheus."""
    tree: dict[str, Any] = configuration(platform, secret)
    tree["platform"]["url"] = links[0]
    tree["platform"]["pacing"]["breaker"] = {"failures": 8, "open_for": f"{INTERVAL_S:g}s"}
    tree["sources"] = {"prom": {"kind": "prometheus", "url": links[1], "timeout": "1s"}}
    tree["defaults"]["signals"]["in_flight"] = {
        "source": "prom",
        "query": "sum by (deployment) (foundry_gateway_in_flight_jobs)",
        "max_age": "5s",
        "window": "30s",
    }
    deployments = {
        name: {"rid": one.rid, "match": name} for name, one in platform.deployments.items()
    }
    # These waves swing as no real fleet does: what a night looks like is no alarm here.
    fleet = {"drop_share": 1.0, "loss_share": 1.0}
    group = {"interval": f"{INTERVAL_S:g}s", "fleet": fleet, "deployments": deployments}
    tree["groups"] = {"online": group}
    tree["log"] = {"format": "json", "level": "info"}
    return tree


def waves(count: int, stretch: float = 1.0) -> dict[str, Wave]:
    """Loads of different heights and lengths, all within the limits.

    They take 25 to 55 s of the wall clock from one top to the next, times `stretch`.
    """
    return {
        ("chat" if n == 0 else f"chat-{n}"): Wave(
            40.0 + 25.0 * (n % 5), stretch * (1500.0 + 300.0 * (n % 7)), phase=float(n)
        )
        for n in range(count)
    }


@asynccontextmanager
async def scene(folder: Path, deployments: int, stretch: float = 1.0) -> AsyncIterator[Scene]:
    """The set with nothing wrong in it; the daemon is not started yet."""
    loads = waves(deployments, stretch)
    specs = [DeploymentSpec(name, Envelope(2, 4, THREADS), load) for name, load in loads.items()]
    platform = SimulatedPlatform(specs, speed=SPEED, client_secret=SECRET, token=TOKEN)
    record = Record()
    platform.puts = record
    secret = folder / "client-secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    secret.chmod(0o600)
    async with (
        platform,
        RealPrometheus([urlsplit(platform.url).netloc]) as prometheus,
        Network(urlsplit(platform.url).port or 0) as to_platform,
        Network(urlsplit(prometheus.url).port or 0) as to_prometheus,
    ):
        tree = settings(platform, secret, (to_platform.url, to_prometheus.url))
        site = Site(folder, tree)
        site.write()
        await prometheus.until('up{job="under-test"} == 1')
        yield Scene(
            platform, prometheus, to_platform, to_prometheus, site, loads, record, tuple(loads)
        )
