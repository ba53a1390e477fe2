"""One group, many ticks, on the same rooms that the daemon runs on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession, web

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Range
from autoscaler.core.guards import GUARDS
from autoscaler.core.observation import Limits, Mode
from autoscaler.core.proposal import PolicyEntry
from autoscaler.foundry import (
    FixedSecret,
    FoundryOptions,
    FoundryPlatform,
    PacingOptions,
    TokenLogin,
)
from autoscaler.journal import open_journal
from autoscaler.lab.bench.profile import entries
from autoscaler.plugins import source_kinds
from autoscaler.ports import Alone, Live, Question, Unread
from autoscaler.roster import Managed, SignalSpec
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.runtime.words import Words
from autoscaler.telemetry.metrics import Metrics

INTERVAL_S = 15.0
WARM_UP = 3
PROBE_S = 0.005
MODEL = "ri.models.main.model.bench"
Figures = dict[str, float | int | str]


@dataclass(slots=True)
class Lag:
    """How much later than asked the event loop wakes up, milliseconds."""

    samples: list[float] = field(default_factory=list)

    async def probe(self) -> None:
        """Sample for ever."""
        while True:
            asked = time.perf_counter() + PROBE_S
            await asyncio.sleep(PROBE_S)
            self.samples.append(max(0.0, (time.perf_counter() - asked) * 1000))


@dataclass(slots=True)
class Bench:
    """The parts of one measured group."""

    tick: Tick
    metrics: Metrics
    rss_before: int
    place: Path


async def measure(deployments: int, signals: int, ticks: int, policies: int = 1) -> Figures:
    """Measure `ticks` ticks of `deployments` with `signals` each; the keys say the units.

    Wall and CPU are of whole ticks: fetch, parse, decide, write, journal, metrics. Then the
    same number of ticks runs while another process scrapes `/metrics` without rest, and the
    event loop's lag is sampled every 5 ms.
    """
    async with stub(deployments) as base, bench_on(base, signals, entries(policies)) as bench:
        for _ in range(WARM_UP):
            await bench.tick.run()
        gc.collect()
        rss = _rss() - bench.rss_before
        wall, cpu = await timed(bench.tick, ticks)
        lag = Lag()
        async with _page(bench.metrics) as url, ClientSession() as session:
            await session.post(f"{base}/scrape", json={"url": url})
            probe = asyncio.create_task(lag.probe())
            scraped, _ = await timed(bench.tick, ticks)
            probe.cancel()
    per_tick = statistics.median(cpu)
    page = bench.metrics.render("")[0]
    return {
        "deployments": deployments,
        "signals": signals,
        "policies": policies,
        "ticks": ticks,
        "tick_wall_s_p50": statistics.median(wall),
        "tick_wall_s_p99": percentile(wall, 0.99),
        "tick_wall_s_p50_scraped": statistics.median(scraped),
        "cpu_us_per_deployment": per_tick / deployments * 1e6,
        "decide_us_p50": decide_us(bench.tick),
        "rss_bytes_per_deployment": rss / deployments,
        "loop_lag_ms_p99": percentile(lag.samples, 0.99),
        "loop_lag_ms_max": max(lag.samples),
        "metrics_bytes": len(page),
        "metrics_series": sum(not line.startswith(b"#") for line in page.splitlines()),
    }


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile; `share` in 0..1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def decide_us(tick: Tick, most: int = 2000) -> float:
    """Median of one `decide` over the seats as they stand now, microseconds."""
    took = []
    for seat in tick.seats[:most]:
        seen = seat.observe(time.time())
        began = time.perf_counter()
        decide(seen, seat.managed.policies, seat.managed.guards)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


async def timed(tick: Tick, count: int) -> tuple[list[float], list[float]]:
    """Wall and CPU seconds of so many ticks."""
    wall, cpu = [], []
    for _ in range(count):
        began, used = time.perf_counter(), time.process_time()
        await tick.run()
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        await asyncio.sleep(0.05)
    return wall, cpu


@contextlib.asynccontextmanager
async def stub(deployments: int) -> AsyncIterator[str]:
    """The stub servers in a process of their own; yields their base URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "autoscaler.lab.bench.stub",
        str(deployments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - asked for just above
    assert process.stdin is not None  # noqa: S101 - likewise
    try:
        card = json.loads(await process.stdout.readline())
        yield f"http://127.0.0.1:{card['port']}"
    finally:
        process.stdin.close()
        await process.wait()


@contextlib.asynccontextmanager
async def bench_on(
    base: str, signals: int, policies: tuple[PolicyEntry, ...]
) -> AsyncIterator[Bench]:
    """A group on the real rooms, its platform and source at `base`."""
    clock = SystemClock()
    metrics = Metrics(clock, version="bench", groups=("bench",), sources=("prom",))
    pacing = PacingOptions(requests_per_second=1000, burst=1000, concurrency=20)
    login = TokenLogin(FixedSecret("bench"))
    chance = random.Random(1)
    platform = FoundryPlatform(FoundryOptions(base, pacing=pacing), login, clock, chance, metrics)
    kind = source_kinds()["prometheus"]
    source = kind.build("prom", kind.options(url=base, timeout_s=30.0), metrics, clock)
    with tempfile.TemporaryDirectory() as place:
        journal = await open_journal(f"sqlite:///{Path(place)}/bench.db", clock=clock)
        rss = _rss()
        found = await platform.find(MODEL)
        assert not isinstance(found, Unread), found  # noqa: S101 - our own stub answers
        seats = _seats(found, signals, kind, policies)
        world = World(
            clock,
            platform,
            {"prom": source},
            journal,
            (metrics,),
            LastWord(clock, Alone(), Words(clock, journal)),
        )
        try:
            yield Bench(Tick("bench", INTERVAL_S, seats, world), metrics, rss, Path(place))
        finally:
            await platform.close()
            await source.close()
            await journal.close()


def _seats(
    found: Sequence[Live], signals: int, kind: object, policies: tuple[PolicyEntry, ...]
) -> list[Seat]:
    query = kind.query  # type: ignore[attr-defined]  # a SourceKind, found by name
    specs = {
        f"signal_{n}": SignalSpec(
            "prom",
            Question(
                f"signal_{n}", query.parse(f"sum by (deployment) (signal_{n})"), "deployment", 90.0
            ),
            window_s=120.0,
        )
        for n in range(signals)
    }
    guards = tuple(guard() for guard in GUARDS)
    limits = Limits(Range(1, 40), Range(1, 60), Range(1, 64))
    seats = []
    for live in found:
        name = live.rid.rpartition(".")[2]
        seat = Seat(
            Managed(name, live.rid, "bench", name, Mode.APPLY, limits, policies, guards, specs)
        )
        seat.was_read(live, time.time())
        seat.watched_since = 0.0
        seats.append(seat)
    return seats


@contextlib.asynccontextmanager
async def _page(metrics: Metrics) -> AsyncIterator[str]:
    """`/metrics` as the daemon serves it: rendered in a thread."""

    async def answer(request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        body, kind = await asyncio.to_thread(metrics.render, accept)
        return web.Response(body=body, headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    finally:
        await runner.cleanup()


def _rss() -> int:
    """Resident memory of this process, bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
