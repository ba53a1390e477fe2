"""Stub servers for the benchmark: a Prometheus and a platform that answer from memory.

Run as `python -m autoscaler.lab.bench.stub DEPLOYMENTS`; prints its port on one line and ends
when its standard input does. It runs in a process of its own, so that what it costs is not
counted as the daemon's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time

from aiohttp import ClientError, ClientSession, ClientTimeout, web

# One deployment in a thousand gets new load every tick: enough for some writes, as in a calm fleet.
RESTLESS = 1000
SCRAPE_PAUSE_S = 1.0
MODEL = "ri.models.main.model.bench"


def rid(index: int) -> str:
    """The RID of a deployment."""
    return f"ri.foundry-ml-live.main.live-deployment.bench-{index:05d}"


class Stub:
    """Load around 40 jobs each, within the policies' tolerance; a few move every tick."""

    def __init__(self, deployments: int) -> None:
        self.count = deployments
        self.asked = 0
        self.scrapes: list[asyncio.Task[None]] = []
        self.heads = [
            f'{{"metric":{{"deployment":"bench-{i:05d}"}},"value":' for i in range(deployments)
        ]
        self.configurations = [
            {"minReplicas": 2, "maxReplicas": 3, "threadCount": 32} for _ in range(deployments)
        ]

    def app(self) -> web.Application:
        """The routes of both servers."""
        app = web.Application()
        live = "/api/v2/models/liveDeployments"
        app.add_routes(
            [
                web.post("/api/v1/query", self.query),
                web.get(live, self.listed),
                web.get(live + "/{rid}", self.one),
                web.put(live + "/{rid}", self.put),
                web.post("/scrape", self.scrape),
            ]
        )
        return app

    async def query(self, request: web.Request) -> web.Response:
        """Every deployment's value, or the time of its sample."""
        promql = str((await request.post())["query"])
        now = time.time()
        stamps = "timestamp" in promql
        self.asked += not stamps
        # Put together as text: a real Prometheus is quicker than Python's JSON writer.
        tail = f"{now - 5:.3f}" if stamps else ""
        rows = ",".join(
            f'{head}[{now:.3f},"{tail or self.load(i)}"]}}' for i, head in enumerate(self.heads)
        )
        body = f'{{"status":"success","data":{{"resultType":"vector","result":[{rows}]}}}}'
        return web.Response(text=body, content_type="application/json")

    def load(self, index: int) -> float:
        """Jobs in flight of one deployment now."""
        restless = index % RESTLESS == self.asked % RESTLESS
        return (160.0 if restless else 44.0) + (self.asked + index) % 5 * 0.25

    def _answer(self, index: int) -> dict[str, object]:
        return {
            "rid": rid(index),
            "modelVersion": {"modelRid": MODEL, "modelVersionRid": MODEL + "-1"},
            "branch": f"b{index:05d}",
            "runtimeConfiguration": self.configurations[index],
            "status": {"state": "ACTIVE", "isReady": True},
        }

    async def listed(self, _request: web.Request) -> web.Response:
        """All deployments of the one model."""
        return web.json_response({"data": [self._answer(i) for i in range(self.count)]})

    async def one(self, request: web.Request) -> web.Response:
        """One deployment."""
        return web.json_response(self._answer(int(request.match_info["rid"].rpartition("-")[2])))

    async def put(self, request: web.Request) -> web.Response:
        """Replace one deployment's configuration."""
        index = int(request.match_info["rid"].rpartition("-")[2])
        self.configurations[index] = (await request.json())["runtimeConfiguration"]
        return web.json_response(self._answer(index))

    async def scrape(self, request: web.Request) -> web.Response:
        """Begin to scrape the given URL again and again, as a Prometheus would, only faster."""
        url = (await request.json())["url"]
        self.scrapes.append(asyncio.create_task(_scrape(url)))
        return web.json_response({})


async def _scrape(url: str) -> None:
    async with ClientSession(timeout=ClientTimeout(total=60)) as session:
        # The measured page is gone: so is the need.
        with contextlib.suppress(ClientError, TimeoutError):
            while True:
                async with session.get(url) as answer:
                    await answer.read()
                await asyncio.sleep(SCRAPE_PAUSE_S)


async def _main(deployments: int) -> None:
    runner = web.AppRunner(Stub(deployments).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)  # noqa: T201 - read by the parent
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
