"""Every route over a real loopback connection, and everybody who must be turned away."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from autoscaler.web.answers import accepts_gzip
from autoscaler.web.api.parts import nearest
from autoscaler.web.doors import HEADERS, host_of, is_loopback, parse_listen
from autoscaler.web.server import Server, serve
from tests.fakes.web import FakeFace, busy, parts


@pytest.fixture
def face() -> FakeFace:
    return busy(30)


@pytest.fixture
async def server(face: FakeFace) -> AsyncIterator[Server]:
    running = await serve(parts(face), "127.0.0.1:0", ["autoscaler.acme.internal"])
    yield running
    await running.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, auto_decompress=False) as session:
        yield session


# The page's own files are asked for again by their mark.
KEPT = {"Cache-Control": "no-cache"}
ROUTES = (
    "/",
    "/d/chat",
    "/static/css/base.css",
    "/static/js/app.js",
    "/static/icon.svg",
    "/metrics",
    "/livez",
    "/readyz",
    "/healthz",
    "/api/v1/status",
    "/api/v1/deployments",
    "/api/v1/deployments/chat",
    "/api/v1/deployments/chat/decisions",
)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ROUTES)
async def test_every_route_answers_with_every_header(
    client: aiohttp.ClientSession, path: str, method: str
) -> None:
    async with client.request(method, path) as answer:
        assert answer.status == 200
        assert bool(await answer.read()) == (method == "GET")
        kept = {} if path.startswith(("/api", "/metrics", "/live", "/ready", "/health")) else KEPT
        assert (HEADERS | kept).items() <= dict(answer.headers).items()
        assert "Server" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_nothing_may_be_loaded_from_elsewhere_and_nobody_may_frame_it(
    client: aiohttp.ClientSession,
) -> None:
    async with client.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = gzip.decompress(await answer.read()) if "Content-Encoding" in answer.headers else b""
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    for file in (page,):
        assert b"//" not in file.replace(b"<!doctype", b"")


async def test_the_fleet_lists_those_that_want_attention_first(
    client: aiohttp.ClientSession,
) -> None:
    async with client.get("/api/v1/deployments?limit=10", headers=PLAIN) as answer:
        told = orjson.loads(await answer.read())
    assert (told["total"], len(told["deployments"])) == (30, 10)
    assert [row["attention"] for row in told["deployments"]] == [True] * 9 + [False]


PLAIN = {"Accept-Encoding": "identity"}


async def test_the_fleet_can_be_searched_and_paged(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/deployments?search=RERANK", headers=PLAIN) as answer:
        told = orjson.loads(await answer.read())
    assert {row["name"].partition("-")[0] for row in told["deployments"]} == {"rerank"}


async def test_rows_are_made_once_a_second_however_many_ask(
    client: aiohttp.ClientSession, face: FakeFace
) -> None:
    async def ask() -> None:
        async with client.get("/api/v1/deployments") as answer:
            assert answer.status == 200

    await asyncio.gather(*(ask() for _ in range(10)))
    assert face.listed <= 2


async def test_one_deployment_tells_its_trail(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/deployments/rerank", headers=PLAIN) as answer:
        told = orjson.loads(await answer.read())
    assert told["outcome"] == "applied"
    assert told["why"] == ("floor 8 -> 10, ceiling 11 -> 14: a peak of 41 jobs needs more replicas")
    assert told["latest"]["trail"][0]["line"].startswith("floor 8 -> 10 by load:")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/deployments/chat/decisions?limit=0", "limit must be a whole number in 1..200"),
        ("/api/v1/deployments/chat/decisions?limit=1e3", "got '1e3'"),
        ("/api/v1/deployments?limit=2001", "limit must be a whole number in 1..2000, got '2001'"),
        ("/api/v1/deployments?limit=-1", "got '-1'"),
        ("/api/v1/deployments?limit=%D9%A3", "limit must be a whole number"),
    ],
)
async def test_a_number_out_of_range_is_refused_with_its_rule(
    client: aiohttp.ClientSession, path: str, said: str
) -> None:
    async with client.get(path) as answer:
        told = orjson.loads(await answer.read())
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert said in told["detail"]
    assert (told["status"], told["title"], told["type"]) == (400, "Bad Request", "about:blank")


@pytest.mark.parametrize("tail", ["", "/decisions"])
async def test_an_unknown_name_is_told_what_was_meant(
    client: aiohttp.ClientSession, tail: str
) -> None:
    async with client.get(f"/api/v1/deployments/rernak{tail}") as answer:
        told = orjson.loads(await answer.read())
        assert answer.status == 404
    assert told["detail"] == "there is no deployment 'rernak' here; did you mean 'rerank'?"
    assert told["did_you_mean"][0] == "rerank"


async def test_an_unknown_path_is_a_problem_too(client: aiohttp.ClientSession) -> None:
    async with client.get("/admin") as answer:
        told = orjson.loads(await answer.read())
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
        assert HEADERS.items() <= dict(answer.headers).items()
        assert "Server" not in answer.headers
    assert "/api/v1/status" in told["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_only_reading_is_served(client: aiohttp.ClientSession, method: str) -> None:
    async with client.request(method, "/api/v1/status") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.content_type == "application/problem+json"


async def test_a_body_is_refused(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/status", data=b"x" * 10) as answer:
        assert answer.status == 413


async def test_an_endless_line_is_refused(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/deployments/" + "a" * 17_000) as answer:
        assert answer.status in {400, 414}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9464", 200),
        ("localhost.", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:9464", 200),
        ("autoscaler.acme.internal:9464", 200),
        ("evil.example", 421),
        ("evil.example:9464", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("192.168.0.7", 421),
        ("", 421),
    ],
)
async def test_a_rebound_name_is_turned_away(
    client: aiohttp.ClientSession, host: str, status: int
) -> None:
    for path in ("/", "/metrics", "/livez", "/api/v1/status", "/nothing"):
        async with client.get(path, headers={"Host": host}) as answer:
            assert answer.status == (404 if (path, status) == ("/nothing", 200) else status), path


async def test_a_request_without_a_host_is_refused(server: Server) -> None:
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_metrics_are_zipped_for_those_who_take_it(
    client: aiohttp.ClientSession, face: FakeFace
) -> None:
    face.body = b"# HELP up It runs.\n# TYPE up gauge\nup 1\n" + b"# a comment\n" * 1_000
    accept = "application/openmetrics-text;version=1.0.0"
    async with client.get("/metrics", headers={"Accept-Encoding": "gzip", "Accept": accept}) as a:
        body = await a.read()
        assert a.headers["Content-Encoding"] == "gzip"
        assert a.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert a.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(body) == face.body
    assert face.accepted == [accept]
    async with client.get("/metrics", headers=PLAIN) as a:
        assert "Content-Encoding" not in a.headers
        assert [f.name for f in parse_text((await a.read()).decode())] == ["up"]


async def test_probes_say_why(client: aiohttp.ClientSession, face: FakeFace) -> None:
    face.alive = (False, "group online has not ticked for 95 s")
    for path, status in (("/livez", 503), ("/healthz", 503), ("/readyz", 200)):
        async with client.get(path) as answer:
            assert answer.status == status
            assert "detail" in orjson.loads(await answer.read())
    face.prepared = (False, "the first tick is not done")
    async with client.get("/readyz") as answer:
        assert orjson.loads(await answer.read()) == {"ok": False, "detail": face.prepared[1]}


async def test_a_bug_tells_the_caller_nothing(
    client: aiohttp.ClientSession, face: FakeFace, caplog: pytest.LogCaptureFixture
) -> None:
    face.bug = RuntimeError("canary-secret")
    async with client.get("/api/v1/status") as answer:
        body = await answer.read()
        assert answer.status == 500
    assert b"canary" not in body
    assert orjson.loads(body)["title"] == "Internal Server Error"


async def test_a_malformed_request_is_answered_and_leaves_no_line_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert caplog.records == []


async def test_a_closed_server_lets_go_of_its_port() -> None:
    first = await serve(parts(FakeFace()), "127.0.0.1:0")
    listen = first.url.removeprefix("http://")
    with pytest.raises(OSError, match="address already in use"):
        await serve(parts(FakeFace()), listen)
    await first.close()
    second = await serve(parts(FakeFace()), listen)
    assert second.url == first.url
    await second.close()


@pytest.mark.parametrize(
    ("listen", "parsed"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:80", ("localhost", 80)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),  # noqa: S104 - parsed, not bound
    ],
)
def test_listen_is_understood(listen: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(listen) == parsed


@pytest.mark.parametrize(
    "listen", ["9464", ":9464", "::1:9464", "localhost:", "localhost:x", "h:65536", "h:-1"]
)
def test_listen_that_is_no_address_is_refused_with_the_value(listen: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        parse_listen(listen)


def test_hosts_are_compared_without_port_case_and_final_dot() -> None:
    assert host_of(" Foo.Example.:80 ") == "foo.example"
    assert host_of("[::1]:80") == "::1"
    assert is_loopback("127.8.9.1")
    assert not is_loopback("10.0.0.1")


@pytest.mark.parametrize(
    ("header", "takes"),
    [("", False), ("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("*", True)],
)
def test_gzip_is_only_sent_to_those_who_take_it(header: str, takes: bool) -> None:
    assert accepts_gzip(header) is takes


def test_the_nearest_names_are_found_in_a_large_fleet_too() -> None:
    names = [f"scorer-{n}" for n in range(5_000)] + ["chat"]
    assert nearest("caht", ["chat", "rerank"]) == ["chat"]
    assert nearest("chta", names) == ["chat"]
    assert nearest("corer-4999", names) == ["scorer-4999"]
    assert nearest("", names) == []
