"""The openmetrics source: one scrape per tick, many signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Question, Reading, Sample
from autoscaler.sources.openmetrics import (
    SOURCE,
    OpenMetrics,
    OpenMetricsOptions,
    Query,
    build,
)
from tests.fakes.sources import Ears, MetricsServer, StillClock, answering

NOW = 1_700_000_000.0


class Target:
    """Exposes `text` as it is at the moment."""

    def __init__(self, text: str = "", media_type: str = "text/plain") -> None:
        self.text = text
        self.media_type = media_type

    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text=self.text, content_type=self.media_type)


def question(query: object, label: str = "d", max_age_s: float = 90.0) -> Question:
    return Question("jobs", Query.parse(query), label, max_age_s)


@asynccontextmanager
async def scraping(
    target: Target, **options: object
) -> AsyncIterator[tuple[OpenMetrics, Ears, MetricsServer]]:
    async with MetricsServer(target) as server:
        ears = Ears()
        made = OpenMetricsOptions(server.url + "/metrics", **options)  # type: ignore[arg-type]  # the tests' own options
        source = build("gateway", made, ears, StillClock())
        try:
            yield source, ears, server
        finally:
            await source.close()


async def answer(text: str, query: object, media_type: str = "text/plain") -> Reading | Missing:
    async with scraping(Target(text, media_type)) as (source, _, _server):
        return await source.read(question(query), NOW)


def why(reading: Reading | Missing, name: str = "chat") -> Absence:
    assert isinstance(reading, Reading)
    found = reading.samples[name]
    assert isinstance(found, Missing)
    return found.why


async def test_a_gauge_is_the_sum_of_its_series() -> None:
    text = 'jobs{d="chat",pod="a"} 3\njobs{d="chat",pod="b"} 4.5\njobs{d="rank"} 0\n'
    assert await answer(text, "jobs") == Reading(
        {"chat": Sample(NOW, 7.5), "rank": Sample(NOW, 0.0)}
    )


async def test_where_picks_series_by_their_labels() -> None:
    text = 'jobs{d="chat",state="run"} 3\njobs{d="chat",state="wait"} 4\njobs{d="chat"} 5\n'
    assert await answer(text, {"metric": "jobs", "where": {"state": "run"}}) == Reading(
        {"chat": Sample(NOW, 3.0)}
    )
    assert await answer(text, {"metric": "jobs", "where": {"state": ""}}) == Reading(
        {"chat": Sample(NOW, 5.0)}
    )


async def test_several_signals_of_a_tick_cost_one_scrape() -> None:
    async with scraping(Target('a{d="chat"} 1\nb{d="chat"} 2\n')) as (source, ears, server):
        readings = await asyncio.gather(
            *(source.read(question(name), NOW) for name in ("a", "b", "a"))
        )
        assert [r.samples["chat"] for r in readings if isinstance(r, Reading)] == [
            Sample(NOW, 1.0),
            Sample(NOW, 2.0),
            Sample(NOW, 1.0),
        ]
        assert server.paths == ["/metrics"]
        assert ears.outcomes == ["success"] * 3
        await source.read(question("a"), NOW + 15)
        assert len(server.paths) == 2


async def test_scrapes_are_not_kept_for_ever() -> None:
    async with scraping(Target('a{d="chat"} 1\n')) as (source, _, _server):
        for tick in range(50):
            await source.read(question("a"), NOW + tick)
        assert len(source._scrapes) <= 5


async def test_a_reader_that_is_cancelled_leaves_the_scrape_to_the_others() -> None:
    async with scraping(Target('a{d="chat"} 1\n')) as (source, _, _server):
        one = asyncio.create_task(source.read(question("a"), NOW))
        other = asyncio.create_task(source.read(question("a"), NOW))
        await asyncio.sleep(0)
        one.cancel()
        assert isinstance(await other, Reading)


async def test_a_rate_needs_two_scrapes_and_is_missing_until_then() -> None:
    target = Target('hits_total{d="chat"} 1000\n')
    asked = question({"metric": "hits_total", "kind": "rate"})
    async with scraping(target) as (source, _, _server):
        assert why(await source.read(asked, NOW)) is Absence.NEVER_READ
        target.text = 'hits_total{d="chat"} 1030\n'
        assert await source.read(asked, NOW + 15) == Reading({"chat": Sample(NOW + 15, 2.0)})
        target.text = 'hits_total{d="chat"} 30\n'
        assert await source.read(asked, NOW + 30) == Reading({"chat": Sample(NOW + 30, 2.0)})


async def test_an_increase_is_the_rate_times_the_window() -> None:
    target = Target('hits_total{d="chat"} 0\n')
    asked = question({"metric": "hits_total", "kind": "increase", "window": "5m"})
    async with scraping(target) as (source, _, _server):
        await source.read(asked, NOW)
        target.text = 'hits_total{d="chat"} 30\n'
        assert await source.read(asked, NOW + 15) == Reading({"chat": Sample(NOW + 15, 600.0)})


async def test_rates_of_two_signals_do_not_disturb_each_other() -> None:
    target = Target('hits_total{d="chat",code="5xx"} 0\nhits_total{d="chat",code="2xx"} 0\n')
    bad = question({"metric": "hits_total", "kind": "rate", "where": {"code": "5xx"}})
    every = question({"metric": "hits_total", "kind": "rate"})
    async with scraping(target) as (source, _, _server):
        await asyncio.gather(source.read(bad, NOW), source.read(every, NOW))
        target.text = 'hits_total{d="chat",code="5xx"} 10\nhits_total{d="chat",code="2xx"} 90\n'
        answers = await asyncio.gather(source.read(bad, NOW + 10), source.read(every, NOW + 10))
    values = [item.samples["chat"] for item in answers if isinstance(item, Reading)]
    assert values == [Sample(NOW + 10, 1.0), Sample(NOW + 10, 10.0)]


def histogram(low: int, high: int, total: float, deployment: str = "chat") -> str:
    return (
        f'lat_bucket{{d="{deployment}",le="1"}} {low}\n'
        f'lat_bucket{{d="{deployment}",le="2"}} {high}\n'
        f'lat_bucket{{d="{deployment}",le="+Inf"}} {high}\n'
        f'lat_sum{{d="{deployment}"}} {total}\nlat_count{{d="{deployment}"}} {high}\n'
    )


async def test_quantiles_and_means_are_of_what_was_observed_within_the_window() -> None:
    target = Target(histogram(1_000, 1_000, 5.0))
    p75 = question({"metric": "lat", "kind": "quantile", "quantile": 0.75})
    mean = question({"metric": "lat", "kind": "mean"})
    async with scraping(target) as (source, _, _server):
        for asked in (p75, mean):
            assert why(await source.read(asked, NOW)) is Absence.NEVER_READ
        target.text = histogram(1_050, 1_100, 125.0)
        assert await source.read(p75, NOW + 15) == Reading({"chat": Sample(NOW + 15, 1.5)})
        assert await source.read(mean, NOW + 15) == Reading({"chat": Sample(NOW + 15, 1.2)})


async def test_nothing_observed_is_not_a_latency_of_zero() -> None:
    target = Target(histogram(10, 20, 5.0))
    asked = [question({"metric": "lat", "kind": kind}) for kind in ("quantile", "mean")]
    async with scraping(target) as (source, _, _server):
        for each in asked:
            await source.read(each, NOW)
        for each in asked:
            assert why(await source.read(each, NOW + 15)) is Absence.UNDEFINED


async def test_buckets_without_a_bound_are_refused() -> None:
    found = await answer('lat_bucket{d="chat"} 1\n', {"metric": "lat", "kind": "quantile"})
    assert isinstance(found, Missing)
    assert "`le`" in found.detail


async def test_a_histogram_without_its_last_bucket_is_no_number() -> None:
    found = await answer('lat_bucket{d="chat",le="1"} 1\n', {"metric": "lat", "kind": "quantile"})
    assert why(found) is Absence.NOT_A_NUMBER


async def test_a_metric_that_is_not_exposed_is_absent() -> None:
    """Item 6."""
    async with scraping(Target("other 1\n")) as (source, ears, _server):
        assert await source.read(question("jobs"), NOW) == Reading({})
        assert ears.outcomes == ["empty"]


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
@pytest.mark.parametrize("kind", ["gauge", "rate"])
async def test_what_is_no_number_is_missing(value: str, kind: str) -> None:
    """Item 7."""
    text = f'jobs{{d="chat",pod="a"}} 1\njobs{{d="chat",pod="b"}} {value}\n'
    assert why(await answer(text, {"metric": "jobs", "kind": kind})) is Absence.NOT_A_NUMBER


async def test_a_series_exposed_twice_is_not_added_up() -> None:
    """Item 9."""
    text = 'jobs{d="chat"} 1\njobs{d="chat"} 1\n'
    assert why(await answer(text, "jobs")) is Absence.DUPLICATE


async def test_a_label_that_nobody_carries_is_a_failure_and_not_silence() -> None:
    """Item 10."""
    found = await answer('jobs{deployment="chat"} 1\n', "jobs")
    assert isinstance(found, Missing)
    assert "none of the 1 series of jobs has the label 'd'" in found.detail


async def test_a_series_without_the_label_makes_the_answer_incomplete() -> None:
    """Item 10."""
    found = await answer('jobs{d="chat"} 1\njobs 2\n', "jobs")
    assert found == Reading({"chat": Sample(NOW, 1.0)}, complete=False)


async def test_times_of_the_target_itself_are_believed_over_the_scrape() -> None:
    """Items 11 and 12."""
    text = (
        f'jobs{{d="old"}} 1 {int(NOW - 600) * 1000}\n'
        f'jobs{{d="late"}} 1 {int(NOW + 600) * 1000}\n'
        f'jobs{{d="good"}} 1 {int(NOW - 5) * 1000}\n'
    )
    found = await answer(text, "jobs")
    assert why(found, "old") is Absence.STALE
    assert why(found, "late") is Absence.FROM_THE_FUTURE
    assert isinstance(found, Reading)
    assert found.samples["good"] == Sample(NOW - 5, 1.0)


async def test_openmetrics_times_are_in_seconds() -> None:
    text = f'jobs{{d="chat"}} 1 {NOW - 5}\n# EOF\n'
    found = await answer(text, "jobs", "application/openmetrics-text")
    assert found == Reading({"chat": Sample(NOW - 5, 1.0)})


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("", "text/plain"),
        ('jobs{d="chat"} 1', "text/plain"),
        ('jobs{d="chat"} 1\n', "application/openmetrics-text"),
        ("<html></html>\n", "text/html"),
        ('{"a": 1}\n', "application/json"),
        ('jobs{d="chat} 1\n', "text/plain"),
    ],
)
async def test_garbage_is_a_failure(text: str, media_type: str) -> None:
    """Item 5."""
    found = await answer(text, "jobs", media_type)
    assert isinstance(found, Missing)
    assert found.why is Absence.SOURCE_FAILED


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500, 503])
async def test_a_target_that_refuses_has_failed(status: int) -> None:
    """Items 17, 19 and 39."""
    async with MetricsServer(answering(b"", status, "text/plain", {"Location": "/x"})) as server:
        ears = Ears()
        source = build("gateway", OpenMetricsOptions(server.url), ears, StillClock())
        found = await source.read(question("jobs"), NOW)
        await source.close()
        assert isinstance(found, Missing)
        assert str(status) in found.detail
        assert ears.outcomes == ["error"]
        assert len(server.paths) == 1


async def test_an_exposition_that_is_too_large_is_refused() -> None:
    """Item 18."""
    text = "".join(f'jobs{{d="{i}"}} 1\n' for i in range(200))
    async with scraping(Target(text), max_series=100) as (source, _, _server):
        found = await source.read(question("jobs"), NOW)
        assert isinstance(found, Missing)
        assert "200 samples, 100 are allowed" in found.detail
    async with scraping(Target(text), max_bytes=1_000) as (source, _, _server):
        found = await source.read(question("jobs"), NOW)
        assert isinstance(found, Missing)
        assert "larger than 1000 bytes" in found.detail


async def test_a_target_that_is_away_has_failed_and_may_come_back() -> None:
    """Items 1 and 13: the counter's window says how long it was not seen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/metrics"
        source = build("gateway", OpenMetricsOptions(url), Ears(), StillClock())
        found = await source.read(question("jobs"), NOW)
        await source.close()
    assert isinstance(found, Missing)
    assert "cannot connect" in found.detail


async def test_there_is_no_history() -> None:
    async with scraping(Target("a 1\n")) as (source, _, server):
        assert await source.history(question("a"), 0.0, 1.0, 1.0) == {}
        assert server.paths == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (3, "must be a metric's name"),
        ({}, "must be a metric's name"),
        ({"metric": "a b"}, "query.metric must be a metric name"),
        ({"metric": 3}, "query.metric must be a metric name"),
        ({"metric": "a", "kind": "max"}, "query.kind must be one of gauge, rate"),
        ({"metric": "a", "quantile": 95}, "query.quantile must be less than 1"),
        ({"metric": "a", "quantile": "0.9"}, "query.quantile must be a number"),
        ({"metric": "a", "window": "5 parsecs"}, "query.window must be seconds or like"),
        ({"metric": "a", "window": 0}, "query.window_s must be at least 1"),
        ({"metric": "a", "window": True}, "query.window_s must be a number"),
        ({"metric": "a", "where": ["x"]}, "query.where must map"),
        ({"metric": "a", "where": {"x": True}}, "must map text to text"),
        ({"metric": "a", "where": {"x": 1.5}}, "query.where.x must be text"),
        ({"metric": "a", "where": {"a-b": "x"}}, "a label name must be"),
        ({"metric": "a", "expr": "x"}, "'expr' is not one of metric, kind, where"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_rule(value: object, rule: str) -> None:
    with pytest.raises(ValueError, match="query") as caught:
        Query.parse(value)
    assert rule in str(caught.value)


def test_a_query_may_be_a_bare_name_and_is_hashable() -> None:
    full = {"metric": "a", "kind": "rate", "where": {"code": 500, "b": "x"}, "window": "2m"}
    assert Query.parse("a") == Query("a")
    assert hash(Query.parse(full)) == hash(Query.parse(full))
    assert Query.parse(full).where == (("b", "x"), ("code", "500"))
    assert Query.parse(full).window_s == 120.0
    assert SOURCE.shorthand == "metric"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.sampled_from(["metric", "kind", "where", "quantile", "window"]), JSON))
def test_any_mapping_is_either_a_query_or_refused_by_value_error(value: dict[str, object]) -> None:
    with suppress(ValueError):
        assert hash(Query.parse(value)) is not None
