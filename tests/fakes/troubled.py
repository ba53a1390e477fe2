"""A fleet in which one deployment has each kind of trouble, and the daemon that manages it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.server import BASE, SimulatedPlatform
from tests.fakes.daemon import CALM_ENVELOPE, SECRET, TOKEN, Json, Knob, Site, configuration

NAMES = (
    "chat",
    "blocked",
    "broken",
    "capped",
    "swing",
    "drifty",
    "held",
    "late",
    "stuck",
    "lone",
    "surge",
)
LATER = ("slow", "thrifty", "spender", "crashy")
"""Those that only a reload brings."""
CRASHING = '''"""Policy `crashing`: a bug."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Answer


@dataclass(frozen=True, slots=True)
class Crashing:
    """Crashes whenever it is asked."""

    @property
    def needs(self) -> tuple[str, ...]:
        """No signal."""
        return ()

    def propose(self, seen: Observation) -> Answer:
        """Never answer."""
        raise RuntimeError(f"a bug about {seen.deployment}")
'''


class Exporter:
    """A second metric source that can be killed."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Serve ten jobs for `lone`."""
        app = web.Application()
        app.router.add_get("/metrics", _ten_jobs)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/metrics"

    async def kill(self) -> None:
        """Answer nobody any more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


async def _ten_jobs(request: web.Request) -> web.Response:
    text = 'foundry_gateway_in_flight_jobs{deployment="lone"} 10\n'
    return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})


@dataclass(slots=True)
class Fleet:
    """The platform, its loads by name, the other source, and the daemon's site."""

    platform: SimulatedPlatform
    knobs: dict[str, Knob]
    exporter: Exporter
    site: Site
    session: aiohttp.ClientSession

    def rid(self, name: str) -> str:
        """The RID of a deployment."""
        return self.platform.deployments[name].rid

    async def fault(self, kind: str, operation: str | None = None, **more: Any) -> None:
        """Inject a fault that strikes until it is cleared, over HTTP."""
        body = {"kind": kind, "operation": operation, "times": None, **more}
        async with self.session.post(f"{self.platform.url}/_faults", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def clear(self) -> None:
        """End every fault over HTTP."""
        async with self.session.delete(f"{self.platform.url}/_faults") as answer:
            assert answer.status == 204

    async def meddle(self, name: str, most: int) -> None:
        """Set another ceiling, as somebody else would do it: over the platform's API."""
        url = f"{self.platform.url}{BASE}/{self.rid(name)}?preview=true"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.get(url, headers=headers) as answer:
            raw = (await answer.json())["runtimeConfiguration"]
        body = {"runtimeConfiguration": {**raw, "maxReplicas": most}}
        async with self.session.put(url, headers=headers, json=body) as answer:
            assert answer.status == 200, await answer.text()

    def worsen(self) -> None:
        """Add the deployments that are wrong by their configuration; a reload takes them."""
        folder = self.site.folder / "policies"
        folder.mkdir(exist_ok=True)
        (folder / "crashing.py").write_text(CRASHING, encoding="utf-8")
        self.site.tree["plugins"] = {"directories": [str(folder)]}
        budget: Json = {"kind": "budget", "period": period(time.time())}
        members: Json = {
            "slow": {},
            "crashy": {"policies": {"bug": {"kind": "crashing"}}},
            "thrifty": {
                "policies": {"money": {**budget, "compute_seconds": 0.5, "unseen": "envelope"}}
            },
            "spender": {"policies": {"money": {**budget, "compute_seconds": 20_000}}},
        }
        self.site.tree["groups"]["later"] = {
            "interval": "1s",
            "deployments": {
                name: {"rid": self.rid(name), **more} for name, more in members.items()
            },
        }
        self.site.write()


def period(at: float) -> str:
    """A budget's period that does not end within two hours: the last minutes spend it all."""
    ahead = time.gmtime(at + 7200)
    if ahead.tm_mday == time.gmtime(at).tm_mday:
        return "day"
    return "week" if ahead.tm_wday else "month"


def tree_of(platform: SimulatedPlatform, exporter: Exporter, secret_file: Path) -> Json:
    """The configuration of a calm fleet."""
    tree = configuration(platform, secret_file)
    tree["platform"] |= {"resync": "10s", "timeouts": {"read": "2s", "write": "9s"}}
    tree["platform"]["pacing"] |= {"attempts": 1, "breaker": {"failures": 4, "open_for": "1s"}}
    tree["sources"]["exporter"] = {"kind": "openmetrics", "url": exporter.url}
    # Nobody is at home there.
    hook = {"format": "json", "url": f"{platform.url}/nowhere", "kinds": ["refused"], "wait": "0s"}
    tree["notify"] = {"hook": hook}
    signal = tree["defaults"]["signals"]["in_flight"]
    one: Json = {name: {"rid": platform.deployments[name].rid} for name in NAMES}
    one["capped"]["limits"] = {
        "min_replicas": {"low": 1, "high": 3},
        "max_replicas": {"low": 2, "high": 3},
    }
    one["lone"]["signals"] = {"in_flight": {**signal, "source": "exporter"}}
    one["surge"]["forecasts"] = {"ahead": {"of": "in_flight", "tau": 0.999, "lead": "1s"}}
    group: dict[str, Json] = {
        "stuck": {"compute_rate": 0.0001},
        "lone": {"smallest": 1},
        "surge": {},
    }
    tree["groups"] = {
        "online": {
            "interval": "1s",
            "deployments": {name: one[name] for name in NAMES if name not in group},
        },
        **{
            name: {"interval": "1s", "fleet": fleet, "deployments": {name: one[name]}}
            for name, fleet in group.items()
        },
    }
    return tree


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[Fleet]:
    """A platform under a calm load, sixty times faster than real, and the site of a daemon."""
    knobs = {name: Knob() for name in (*NAMES, *LATER)}
    specs = [
        DeploymentSpec(name, CALM_ENVELOPE, knob) for name, knob in knobs.items() if name != "slow"
    ]
    # Nothing of it is ready, and nothing will be within an hour.
    specs.append(DeploymentSpec("slow", Envelope(0, 2, 32), Knob(0.0), cold_start_s=216_000.0))
    exporter = Exporter()
    await exporter.start()
    try:
        async with (
            SimulatedPlatform(specs, speed=60.0, client_secret=SECRET, token=TOKEN) as platform,
            aiohttp.ClientSession() as session,
        ):
            secret_file = folder / "client-secret"
            secret_file.write_text(SECRET + "\n", encoding="utf-8")
            secret_file.chmod(0o600)
            site = Site(folder, tree_of(platform, exporter, secret_file))
            yield Fleet(platform, knobs, exporter, site, session)
    finally:
        await exporter.kill()
