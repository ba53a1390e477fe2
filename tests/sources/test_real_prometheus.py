"""The prometheus source against the real server, scraping a target of ours."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Question, Reading, Sample
from autoscaler.sources.prometheus import Prometheus, PrometheusOptions, Query, build
from tests.fakes.prometheus import RealPrometheus
from tests.fakes.sources import Ears, MetricsServer, StillClock

pytestmark = [pytest.mark.server, pytest.mark.slow]

HOSTILE = 'a"} or vector(1e9) or up{x="\\'


class Target:
    """Exposes some load; `gone` lets one series be pushed with an old time of its own."""

    def __init__(self) -> None:
        self.counted = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.counted += 10
        old = int((time.time() - 120.0) * 1000)
        hostile = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            'jobs{d="chat",pod="a"} 3',
            'jobs{d="chat",pod="b"} 4',
            f'jobs{{d="{hostile}",pod="a"}} 5',
            f'pushed{{d="chat"}} 7 {old}',
            'broken{d="chat"} NaN',
            f'hits_total{{d="chat"}} {self.counted}',
            'lat_bucket{d="chat",le="1"} 50',
            'lat_bucket{d="chat",le="2"} 100',
            'lat_bucket{d="chat",le="+Inf"} 100',
            'pods{pod="a",owner="chat"} 1',
        ]
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")


@dataclass
class Setup:
    source: Prometheus
    server: RealPrometheus
    ears: Ears

    async def read(self, promql: object, max_age_s: float = 60.0) -> Reading:
        question = Question("jobs", Query.parse(promql), "d", max_age_s)
        found = await self.source.read(question, time.time())
        assert isinstance(found, Reading), found
        return found


@asynccontextmanager
async def real() -> AsyncIterator[Setup]:
    async with MetricsServer(Target()) as target:
        address = target.url.removeprefix("http://")
        async with RealPrometheus([address], "1s") as server:
            await server.until("count_over_time(jobs[1m]) >= 3")
            ears = Ears()
            source = build("prom", PrometheusOptions(server.url), ears, StillClock())
            try:
                yield Setup(source, server, ears)
            finally:
                await source.close()


def missing(reading: Reading, name: str = "chat") -> Missing:
    found = reading.samples[name]
    assert isinstance(found, Missing)
    return found


def sample(reading: Reading, name: str = "chat") -> Sample:
    found = reading.samples[name]
    assert isinstance(found, Sample)
    return found


async def test_the_real_server_is_understood() -> None:
    """One server for all questions, for it takes seconds to start."""
    async with real() as setup:
        await values_and_ages(setup)
        await faults(setup)
        await joins_and_ratios(setup)
        await history(setup)


async def values_and_ages(setup: Setup) -> None:
    found = await setup.read("sum by (d) (jobs)")
    assert {name: sample(found, name).value for name in found.samples} == {
        "chat": 7.0,
        HOSTILE: 5.0,
    }
    # Between a scrape and now at most a few seconds lie, and never less than none.
    assert -1.0 < time.time() - sample(found).at < 20.0
    pushed = await setup.read("pushed", max_age_s=200.0)
    assert sample(pushed).value == 7.0
    assert 119.0 < time.time() - sample(pushed).at < 140.0
    stale = missing(await setup.read("sum by (d) (pushed)", max_age_s=60.0))
    assert stale.why is Absence.STALE
    assert stale.since is not None
    stated = {"promql": "sum by (d) (jobs)", "age": "timestamp(pushed)"}
    assert missing(await setup.read(stated)).why is Absence.STALE


async def faults(setup: Setup) -> None:
    assert (await setup.read("no_such_metric")).samples == {}
    assert missing(await setup.read("broken")).why is Absence.UNDEFINED
    assert missing(await setup.read("jobs")).why is Absence.DUPLICATE
    question = Question("jobs", Query.parse("unknown_function(jobs)"), "d", 60.0)
    refused = await setup.source.read(question, time.time())
    assert isinstance(refused, Missing)
    assert "400 with the error bad_data" in refused.detail
    unlabelled = Question("jobs", Query.parse("sum(jobs)"), "d", 60.0)
    refused = await setup.source.read(unlabelled, time.time())
    assert isinstance(refused, Missing)
    assert "carries the label 'd'" in refused.detail
    assert setup.ears.outcomes[-2:] == ["error", "error"]


async def joins_and_ratios(setup: Setup) -> None:
    ratio = await setup.read("sum by (d) (jobs) / sum by (d) (pushed)", max_age_s=200.0)
    assert sample(ratio).value == 1.0
    assert time.time() - sample(ratio).at > 119.0, "the older input counts"
    joined = await setup.read(
        "sum by (d) (label_replace(pods, 'd', '$1', 'owner', '(.*)')"
        " * on (pod) group_left () sum by (pod) (jobs{d='chat'}))"
    )
    assert sample(joined).value == 3.0
    assert time.time() - sample(joined).at < 20.0
    filled = await setup.read("jobs{d='chat',pod='a'} or label_replace(vector(0),'d','rank','','')")
    assert sample(filled).value == 3.0
    quantile = await setup.read("histogram_quantile(0.75, sum by (d, le) (lat_bucket))")
    assert sample(quantile).value == 1.5
    sub = await setup.read("max_over_time(sum by (d) (jobs)[10s:1s])")
    assert sample(sub).value == 7.0
    shifted = await setup.read("sum by (d) (jobs offset 1s)")
    assert time.time() - sample(shifted).at < 20.0
    rate = await setup.read("sum by (d) (rate(hits_total[1m]))")
    assert sample(rate).value > 0


async def history(setup: Setup) -> None:
    question = Question("jobs", Query.parse("sum by (d) (jobs)"), "d", 60.0)
    end = time.time()
    past = await setup.source.history(question, end - 600.0, end, 1.0)
    assert set(past) == {"chat", HOSTILE}
    assert set(past["chat"].values) == {7.0}
    assert len(past["chat"].times) >= 2
    assert past["chat"].times[-1] <= end
    nothing = Question("jobs", Query.parse("no_such_metric"), "d", 60.0)
    assert await setup.source.history(nothing, end - 60.0, end, 1.0) == {}
