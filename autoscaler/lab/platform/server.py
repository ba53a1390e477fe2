"""The simulated platform: deployments under load, behind the platform's own HTTP API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from aiohttp import web

from autoscaler.lab.platform.admin import Admin
from autoscaler.lab.platform.answers import MAX_BODY_BYTES, Door
from autoscaler.lab.platform.api import Put, Verbs
from autoscaler.lab.platform.clock import FastClock, WallClock
from autoscaler.lab.platform.deployment import STEP_S, DeploymentSpec, SimulatedDeployment
from autoscaler.lab.platform.faults import FaultBook
from autoscaler.lab.platform.model import DeploymentModel
from autoscaler.lab.platform.tokens import TokenBooth
from autoscaler.lab.platform.wire import Raw, Rules
from autoscaler.ports import Clock

BEAT_S = (0.1, 1.0)  # wall seconds between two background steps, at least and at most
BASE = "/api/v2/models/liveDeployments"
DEFAULT_RULES = Rules()


class SimulatedPlatform:
    """A platform of its own, on a loopback port.

    Simulated time runs `speed` times faster than `clock`. Tokens, slow answers and Retry-After
    count in `clock` seconds, because clients read them off their own watch; everything else
    (delays, cold starts, service times, load) in simulated seconds. Without a `token` or
    `client_secret` random ones are made. Raises ValueError for two deployments of one name.
    """

    def __init__(
        self,
        deployments: Sequence[DeploymentSpec],
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        client_id: str = "simulated-client",
        client_secret: str | None = None,
        token_ttl_s: float = 3600.0,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        wall = clock or WallClock()
        self.clock: Clock = FastClock(wall, speed)
        self.speed = speed
        self.rules = rules
        self.faults = FaultBook()
        self.puts: list[Put] = []
        self.deployments: dict[str, SimulatedDeployment] = {}
        self._by_rid: dict[str, SimulatedDeployment] = {}
        self.token = token or secrets.token_urlsafe(24)
        self.client_id = client_id
        self.client_secret = client_secret or secrets.token_urlsafe(24)
        self.tokens = TokenBooth(client_id, self.client_secret, self.token, token_ttl_s)
        self._wall = wall
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._beat: asyncio.Task[None] | None = None
        for spec in deployments:
            self.add(spec)

    # --- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen and let time run. Raises OSError when the port is taken."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await self.stop()
            raise
        self._port = int(runner.addresses[0][1])
        self._beat = asyncio.create_task(self._run(), name="simulated platform")

    async def stop(self) -> None:
        """Stop time and close every connection."""
        if self._beat is not None:
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat
            self._beat = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Base address, without a path."""
        return f"http://{self._host}:{self._port}"

    def card(self) -> dict[str, object]:
        """Everything that a client needs: addresses, RIDs and credentials."""
        return {
            "url": self.url,
            "token_url": f"{self.url}/multipass/api/oauth2/token",
            "metrics_url": f"{self.url}/metrics",
            "faults_url": f"{self.url}/_faults",
            "state_url": f"{self.url}/_state",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "token": self.token,
            "speed": self.speed,
            "rids": {name: one.rid for name, one in self.deployments.items()},
            "model_rids": {name: one.model_rid for name, one in self.deployments.items()},
        }

    # --- time -------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring every deployment to the clock's now."""
        now = self.clock.monotonic()
        for one in self.deployments.values():
            one.advance(now)

    async def _run(self) -> None:
        beat_s = min(max(STEP_S / self.speed, BEAT_S[0]), BEAT_S[1])
        while True:
            self.catch_up()
            await self._wall.sleep(beat_s)

    # --- deployments ------------------------------------------------------------------------

    def add(self, spec: DeploymentSpec, raw: Raw | None = None) -> SimulatedDeployment:
        """Put a deployment under load; with a configuration `raw` of its own it starts cold.

        Raises ValueError for a name or RID that is taken.
        """
        made = SimulatedDeployment(spec, self.rules, self.clock.monotonic(), raw)
        if made.name in self.deployments or made.rid in self._by_rid:
            raise ValueError(f"two deployments are called {made.name!r} or {made.rid!r}")
        self.deployments[made.name] = self._by_rid[made.rid] = made
        return made

    def by_rid(self, rid: str) -> SimulatedDeployment | None:
        """The deployment with this RID."""
        return self._by_rid.get(rid)

    def of_model(self, model_rid: str) -> list[SimulatedDeployment] | None:
        """A model's deployments; None when there is no such model."""
        return [one for one in self.deployments.values() if one.model_rid == model_rid] or None

    def twin(self, name: str) -> DeploymentModel:
        """The same deployment as the platform alone would run it. Raises KeyError."""
        return self.deployments[name].twin

    # --- the web application ----------------------------------------------------------------

    def _app(self) -> web.Application:
        door, verbs = Door(self.faults, self.tokens, self._wall), Verbs(self)
        admin = Admin(self, self._wall)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        one = BASE + "/{rid}"
        routes = (
            web.post(BASE, door.api("create", verbs.create)),
            web.get(BASE, door.api("list", verbs.list), allow_head=False),
            web.get(one, door.api("get", verbs.get), allow_head=False),
            web.put(one, door.api("replace", verbs.replace)),
            web.post(one + "/start", door.api("start", verbs.start)),
            web.post(one + "/disable", door.api("disable", verbs.disable)),
            web.post(one + "/transformJson", door.api("transform", verbs.transform)),
            web.post("/multipass/api/oauth2/token", door.plain("token", admin.token)),
            web.post("/multipass/api/oauth2/revoke_token", admin.revoke),
            web.get("/metrics", door.plain("metrics", admin.metrics)),
            web.get("/_state", admin.state),
            web.get("/_faults", admin.list_faults),
            web.post("/_faults", admin.add_fault),
            web.delete("/_faults", admin.clear_faults),
        )
        app.add_routes(routes)
        return app
