"""A real daemon in this process, scaling the demo's simulated fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from autoscaler.cli import stage
from autoscaler.lab.platform.fleet import demo_fleet
from autoscaler.lab.platform.server import SimulatedPlatform
from autoscaler.settings import Settings
from autoscaler.web.access import new_token
from autoscaler.wiring.serve import Running, start

NAMES = sorted(name for members in stage.GROUPS.values() for name in members)


@dataclass
class Real:
    """A daemon, what it scales, and the token of its operator."""

    platform: SimulatedPlatform
    running: Running
    settings: Settings
    token: str

    @property
    def url(self) -> str:
        return self.running.server.url

    async def restart(self) -> None:
        """End it and begin again, at the same address, on the same journal."""
        listen = self.url.removeprefix("http://")
        await self.running.stop()
        web = self.settings.web.model_copy(update={"listen": listen})
        self.settings = self.settings.model_copy(update={"web": web})
        self.running = await start(self.settings, ())


@asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[Real]:
    """One that has begun; its files are in `folder`."""
    token = new_token()
    fleet = demo_fleet(stage.NAME, "azure_llm23_conv", stage.PEAK_REPLICAS)
    async with SimulatedPlatform(fleet, speed=stage.SPEED) as platform:
        settings = stage._settings(platform, folder, token)
        found = Real(platform, await start(settings, ()), settings, token)
        try:
            yield found
        finally:
            await found.running.stop()
