"""What the page costs a tick, and how long each of its questions takes.

The daemon's own rooms answer over real HTTP: seats, journal, recorder, face. Those who listen
and poll are in the stub servers' process, so that what they cost is not counted.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import ClientSession

from autoscaler.journal import SqlJournal
from autoscaler.lab.bench.measure import Bench, Figures, bench_on, stub, timed
from autoscaler.lab.bench.profile import entries
from autoscaler.ports import Alone
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.history import Recorder
from autoscaler.runtime.history.keeper import Keeper
from autoscaler.telemetry.tally import PlatformTally, SourceTally
from autoscaler.web.access import Access, Gate
from autoscaler.web.server import serve
from autoscaler.web.shelf import FRESH_S
from autoscaler.web.stream import Hub
from autoscaler.wiring.controls import Controls
from autoscaler.wiring.face import DaemonFace, Witnesses, parts_of
from autoscaler.wiring.face.configuration import Configuration
from autoscaler.wiring.face.telling import Telling
from autoscaler.wiring.face.ticks import TickLog

ROUNDS = 5
NAMES = ",".join(f"bench-{n:05d}" for n in range(200))
ASKED = (
    *("/status", "/health", "/deployments", "/deployments?sort=load&order=desc&search=1"),
    *("/deployments/bench-00001", "/deployments/bench-00001/series?points=2000"),
    *("/deployments/bench-00001/decisions?limit=200", f"/sparklines?names={NAMES}"),
    *("/overrides", "/activity?limit=500", "/session", "/openapi.json"),
)


async def measure_page(deployments: int, signals: int, ticks: int, streams: int) -> Figures:
    """Median ticks without listeners of the page, with them, and with `streams` open pages.

    Then each question is asked five times, a second apart, so that nothing is answered from what
    was made for the one before; its slowest time is told, milliseconds.
    """
    async with stub(deployments) as base, bench_on(base, signals, entries(1)) as bench:
        for _ in range(3):
            await bench.tick.run()
        bare, _ = await timed(bench.tick, ticks)
        async with _page(bench) as url, ClientSession() as session:
            quiet, _ = await timed(bench.tick, ticks)
            for _ in range(streams):
                await session.post(f"{base}/scrape", json={"url": f"{url}/api/v1/events"})
            await session.post(f"{base}/scrape", json={"url": f"{url}/api/v1/deployments"})
            busy, _ = await timed(bench.tick, ticks)
            slowest = {path: await _slowest(session, url + "/api/v1" + path) for path in ASKED}
    told = {f"ms_max {path[:48]}": value for path, value in slowest.items()}
    medians = [statistics.median(walls) for walls in (bare, quiet, busy)]
    return {
        "deployments": deployments,
        "streams": streams,
        "tick_wall_s_p50_bare": medians[0],
        "tick_wall_s_p50_with_page": medians[1],
        "tick_wall_s_p50_with_streams": medians[2],
        "ratio_streams_to_page": medians[2] / medians[1],
        "ratio_page_to_bare": medians[1] / medians[0],
        **told,
    }


async def _slowest(session: ClientSession, url: str) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
            await answer.read()
            if answer.status != 200:  # noqa: PLR2004 - a figure of an error says nothing
                raise ValueError(f"{url} answered {answer.status}")
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(FRESH_S)
    return max(took)


@asynccontextmanager
async def _page(bench: Bench) -> AsyncIterator[str]:
    """The page over the bench's seats; its listeners hear of ticks from now on."""
    clock, tick = SystemClock(), bench.tick
    journal = tick.world.journal
    if not isinstance(journal, SqlJournal):
        raise TypeError(f"the benchmark needs the real journal, got {type(journal).__name__}")
    daemon = Daemon(clock, random.Random(1), journal, (), Alone(), bench.metrics)  # noqa: S311 - nothing is secret
    daemon.seats = {seat.managed.name: seat for seat in tick.seats}
    daemon.rounds.ticks = {tick.group: tick}
    witnesses = Witnesses(
        PlatformTally(clock, 1.0),
        SourceTally(clock),
        TickLog(),
        Recorder(lambda name: daemon.seats[name].managed),
        Configuration(bench.place),
        Telling(Hub("bench", bench.metrics.streaming, bench.metrics.stream_dropped)),
        clock.now(),
    )
    tick.world = replace(tick.world, listeners=(*tick.world.listeners, *witnesses.listeners))
    face = DaemonFace(daemon, bench.metrics, journal, witnesses)
    keeper = Keeper(witnesses.recorder, journal, clock)
    page = parts_of(face, keeper, Controls(daemon, journal), Gate(Access()), bench.place)
    server = await serve(page, "127.0.0.1:0")
    try:
        yield server.url
    finally:
        await server.close()
