"""Delivery: signed, retried, bounded, never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import random
import time

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from autoscaler.notify.desk import Desk
from autoscaler.notify.news import Severity, State, Topic
from autoscaler.notify.options import Filter
from autoscaler.notify.sink import ATTEMPTS, LONGEST_QUEUE, Sink
from tests.fakes.prometheus import free_port
from tests.fakes.receiver import WEBHOOK_SECRET, Counts, message, receiver, sink_at, told
from tests.fakes.world import FakeClock

JITTER = random.Random(7)  # noqa: S311 - jitter, not secrets


class Sleeper(FakeClock):
    """Time that moves at once, and remembers how often it was asked to."""

    def __init__(self) -> None:
        super().__init__(at=time.time())
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


class Place:
    """A sink with its worker."""

    def __init__(self, url: str, **more: object) -> None:
        self.clock, self.counts = Sleeper(), Counts()
        self.sink = Sink(sink_at(url, **more), self.clock, self.counts, JITTER)

    async def deliver(self, *messages: object) -> None:
        for one in messages or (message(),):
            self.sink.put(one)  # type: ignore[arg-type]  # tests hand in messages
        worker = asyncio.create_task(self.sink.run())
        try:
            async with asyncio.timeout(60.0):
                await self.sink.drained()
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await self.sink.close()


async def test_a_message_is_signed_so_that_the_schemes_own_verifier_accepts_it() -> None:
    async with receiver() as there:
        await Place(there.url, secret=lambda: WEBHOOK_SECRET).deliver()
    (post,) = there.posts
    found = Webhook(WEBHOOK_SECRET).verify(post.body, dict(post.headers))
    assert found["id"] == post.headers["webhook-id"] == "msg_1"


async def test_a_receiver_that_is_busy_is_asked_again_under_the_same_id() -> None:
    async with receiver([(503, {}), (429, {"Retry-After": "30"})]) as there:
        place = Place(there.url, secret=lambda: WEBHOOK_SECRET)
        await place.deliver()
    assert [p.headers["webhook-id"] for p in there.posts] == ["msg_1"] * 3
    assert place.counts.ends == {"retried": 2, "delivered": 1}
    assert 0.0 <= place.clock.slept[0] <= 1.0
    assert 30.0 <= place.clock.slept[1] <= 32.0


async def test_a_wait_that_a_receiver_asks_for_ends_after_ten_minutes() -> None:
    async with receiver([(503, {"Retry-After": "86400"})]) as there:
        place = Place(there.url)
        await place.deliver()
    assert 600.0 <= place.clock.slept[0] <= 601.0


async def test_a_wait_may_be_a_date() -> None:
    async with receiver([(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})]) as there:
        place = Place(there.url)
        await place.deliver()
    assert place.clock.slept[0] <= 1.0


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
async def test_what_is_refused_is_not_sent_again(status: int) -> None:
    async with receiver([(status, {"Location": "http://127.0.0.1:1/"})]) as there:
        place = Place(there.url)
        await place.deliver()
    assert len(there.posts) == 1
    assert place.counts.ends == {"refused": 1}


async def test_a_receiver_that_is_away_is_given_up_in_the_end_and_the_next_message_goes() -> None:
    place = Place(f"http://127.0.0.1:{free_port()}/")
    await place.deliver(message(), message(ident="msg_2"))
    assert place.counts.ends == {"retried": 2 * (ATTEMPTS - 1), "failed": 2}


async def test_a_full_queue_drops_its_oldest_and_counts_it() -> None:
    place = Place("http://127.0.0.1:1/")
    for number in range(LONGEST_QUEUE + 5):
        place.sink.put(message(ident=f"msg_{number}"))
    assert place.counts.ends == {"dropped": 5}
    assert place.counts.longest == LONGEST_QUEUE


async def test_a_secret_that_cannot_be_read_sends_nothing_and_is_not_shown() -> None:
    def broken() -> str:
        raise ValueError("the file cannot be read")

    async with receiver() as there:
        place = Place(there.url, secret=broken)
        ended = await place.sink.once(message())
        await place.sink.close()
    assert ended.why == "not sent: the file cannot be read"
    assert there.posts == []


async def test_a_token_goes_over_no_network_unencrypted() -> None:
    place = Place("http://hooks.example/", token=lambda: "hunter2")
    ended = await place.sink.once(message())
    assert ended.why == "not sent: a token is sent over https alone, or to this machine"


async def test_a_url_that_is_a_secret_is_in_no_word_about_it() -> None:
    place = Place(f"http://127.0.0.1:{free_port()}/services/T0/B0/hunter2")
    ended = await place.sink.once(message())
    await place.sink.close()
    assert not ended.delivered
    assert "hunter2" not in ended.why


async def test_a_slow_receiver_delays_nobody_else() -> None:
    gate = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response()

    desk = Desk(Sleeper(), Counts(), JITTER)
    async with receiver(handler=hang) as slow, receiver() as quick:
        await desk.take([sink_at(slow.url, name="slow"), sink_at(quick.url, name="quick")])
        desk.tell(told())
        desk.flush(float("inf"))
        async with asyncio.timeout(60.0):
            await desk.sinks["quick"].drained()
        assert len(quick.posts) == 1
        await desk.close(grace_s=0.05)
        gate.set()


async def test_what_is_left_at_a_stop_is_told_at_once() -> None:
    desk = Desk(Sleeper(), Counts(), JITTER)
    async with receiver() as there:
        await desk.take([sink_at(there.url, wait_s=3600.0)])
        desk.tell(told())
        desk.flush()
        assert there.posts == []
        await desk.close()
    assert json.loads(there.posts[0].body)["kind"] == "failing"


async def test_a_sink_that_stays_the_same_keeps_what_waits_for_it() -> None:
    desk = Desk(Sleeper(), Counts(), JITTER)
    async with receiver() as there:
        same = sink_at(there.url)
        await desk.take([same])
        desk.tell(told())
        await desk.take([same])
        await desk.close()
        assert len(there.posts) == 1
        await desk.take([same])
        desk.tell(told())
        await desk.take([])
        await desk.close()
    assert len(there.posts) == 1


@pytest.mark.parametrize(
    ("wants", "takes"),
    [
        (Filter(), True),
        (Filter(topics=frozenset({Topic.FAILING})), True),
        (Filter(topics=frozenset({Topic.BLIND})), False),
        (Filter(severity=Severity.CRITICAL), True),
        (Filter(groups=("on*",)), True),
        (Filter(groups=("batch",)), False),
        (Filter(deployments=("cha?",)), True),
        (Filter(deployments=("rerank",)), False),
    ],
)
def test_a_sink_hears_what_it_asked_for(wants: Filter, takes: bool) -> None:
    assert wants.takes(told()) is takes


def test_an_end_goes_to_whoever_heard_of_the_beginning() -> None:
    over = told(state=State.RESOLVED)
    assert Filter(severity=Severity.CRITICAL).takes(over)
    assert not Filter(severity=Severity.CRITICAL).takes(told(Topic.BLIND, State.RESOLVED))


def test_what_concerns_nobody_in_particular_passes_filters_of_names() -> None:
    fleet = told(Topic.BREAKER_OPEN, name="", group="")
    assert Filter(groups=("batch",), deployments=("x",)).takes(fleet)
