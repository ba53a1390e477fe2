"""Each attack on the ways out, against each of them: sources, the platform's client, notifications."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from autoscaler.core.observation import Missing
from autoscaler.foundry.body import decode
from autoscaler.foundry.door import Door, Request
from autoscaler.foundry.errors import AnswerTooLarge, FoundryError, InvalidAnswer, NotConnected
from autoscaler.foundry.options import FoundryOptions
from autoscaler.notify.formats import Body
from autoscaler.notify.post import Post
from autoscaler.outbound.address import ForbiddenAddressError, check_address
from autoscaler.ports import Question
from autoscaler.sources.prometheus import PrometheusOptions, build
from autoscaler.sources.promql.expression import Query
from tests.fakes.receiver import receiver, sink_at
from tests.fakes.sources import Ears, StillClock

METADATA = (
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
)
MIB = 1024 * 1024


async def by_source(url: str) -> str:
    """What a Prometheus source says of an answer."""
    source = build("prom", PrometheusOptions(url, timeout_s=5.0), Ears(), StillClock())
    try:
        answer = await source.read(Question("load", Query.parse("up"), "job", 90.0), 0.0)
    finally:
        await source.close()
    assert isinstance(answer, Missing)
    return answer.detail


async def by_platform(url: str, method: str = "GET") -> FoundryError:
    """The error that the platform's client makes of it."""
    door = Door(FoundryOptions("http://127.0.0.1:1"))
    body = b"{}" if method == "PUT" else None
    try:
        answer = await door.send(Request(method, URL(url), 5.0, {}, body))
        decode(answer.body)
    except FoundryError as error:
        return error
    finally:
        await door.close()
    pytest.fail(f"{url} was answered")


async def by_sink(url: str, **more: Any) -> str:
    """What a notification's sink says of it."""
    post = Post(sink_at(url, **more))
    try:
        ended = await post.send(url, Body("application/json", b"{}"), {}, 0.0)
    finally:
        await post.close()
    assert not ended.delivered
    return ended.why


@pytest.mark.parametrize("host", METADATA)
async def test_no_way_out_leads_to_a_metadata_service(host: str) -> None:
    url = f"http://{host}:80/latest/meta-data"
    assert "link-local or metadata address" in await by_source(f"http://{host}:80")
    assert "link-local or metadata address" in await by_sink(url)
    for method in ("GET", "PUT"):
        error = await by_platform(url, method)
        assert isinstance(error, NotConnected)


async def test_a_name_that_leads_elsewhere_this_time_is_caught_at_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: only the address that is connected to counts."""

    def rebound(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    assert "link-local or metadata address" in await by_source("http://good.example")
    assert "link-local or metadata address" in await by_sink("http://good.example/hook")
    assert isinstance(await by_platform("http://good.example/api"), NotConnected)


async def test_a_redirect_to_a_metadata_service_is_not_followed() -> None:
    away = (302, {"Location": "http://169.254.169.254/latest/meta-data"})
    async with receiver([away] * 4) as there:
        base = there.url.removesuffix("/hook")
        assert "redirects are not followed" in await by_source(base)
        assert "redirects are not followed" in await by_sink(there.url)
        # The door hands the answer on as it is; the client makes `Redirected` of it.
        assert isinstance(await by_platform(there.url), InvalidAnswer)
    # A source asks twice: for the values, and for their age.
    assert len(there.posts) == 4


async def bomb(_: web.Request) -> web.StreamResponse:
    body = gzip.compress(b"0" * (64 * MIB))
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        async with asyncio.timeout(20.0):
            while True:
                await response.write(b"0" * 65_536)
    except (TimeoutError, ConnectionError):
        return response


async def deep(_: web.Request) -> web.StreamResponse:
    body = b"[" * 100_000 + b"]" * 100_000
    return web.Response(body=body, content_type="application/json")


async def test_a_gzip_bomb_does_not_unfold() -> None:
    async with receiver(handler=bomb) as there:
        base = there.url.removesuffix("/hook")
        assert "compressed although that was ruled out" in await by_source(base)
        assert isinstance(await by_platform(there.url), AnswerTooLarge)
        post = Post(sink_at(there.url))
        ended = await post.send(there.url, Body("application/json", b"{}"), {}, 0.0)
        await post.close()
    assert ended.delivered  # nothing of the answer is needed, and nothing of it was unfolded


async def test_an_answer_without_an_end_is_left() -> None:
    async with receiver(handler=endless) as there:
        base = there.url.removesuffix("/hook")
        assert "larger than" in await by_source(base)
        assert isinstance(await by_platform(there.url), AnswerTooLarge)
        post = Post(sink_at(there.url))
        async with asyncio.timeout(5.0):
            await post.send(there.url, Body("application/json", b"{}"), {}, 0.0)
        await post.close()


async def test_json_as_deep_as_a_well_is_no_answer() -> None:
    async with receiver(handler=deep) as there:
        base = there.url.removesuffix("/hook")
        assert "not JSON" in await by_source(base)
        assert "nested too deeply" in str(await by_platform(there.url))


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as proxy, receiver([(404, {})] * 3) as there:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/hook"))
        await by_sink(there.url)
        await by_source(there.url.removesuffix("/hook"))
    assert proxy.posts == []
    assert len(there.posts) == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd12::1"])
def test_private_networks_are_allowed_until_they_are_ruled_out(host: str) -> None:
    check_address(host)
    with pytest.raises(ForbiddenAddressError, match="not a public address"):
        check_address(host, allow_private=False)


async def test_a_sink_that_may_only_be_public_is_not_met_on_loopback() -> None:
    async with receiver() as there:
        assert "not a public address" in await by_sink(there.url, allow_private=False)
    assert there.posts == []
