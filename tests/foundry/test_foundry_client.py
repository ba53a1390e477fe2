"""What goes over the wire, and what a bad network or a bad server can do."""

from __future__ import annotations

import asyncio
import random
import shutil
import ssl
import subprocess
import traceback
from pathlib import Path

import pytest

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code
from autoscaler.foundry import FixedSecret, FoundryOptions, FoundryPlatform, TokenLogin
from autoscaler.foundry.door import Door, Request, forgetful_socket, tls
from autoscaler.foundry.endpoints import endpoints, is_loopback
from autoscaler.foundry.errors import (
    AnswerTooLarge,
    ConnectionLost,
    FoundryError,
    InvalidRid,
    NotConnected,
    TimedOut,
)
from autoscaler.foundry.options import PacingOptions
from autoscaler.ports import Live, Unread
from tests.fakes.foundry import (
    HANG,
    MODEL,
    RESET,
    RID,
    TOKEN,
    Reply,
    VirtualClock,
    Watch,
    bench,
    error,
    foundry,
)

BEFORE, AFTER = Envelope(1, 3, 32), Envelope(2, 6, 32)


# --- the wire --------------------------------------------------------------------------------


async def test_the_requests_are_those_of_the_vendors_page() -> None:
    async with bench() as b:
        await b.platform.apply(RID, BEFORE, AFTER)
        await b.platform.find(MODEL, "feature/a b&c")
        await b.platform.find(MODEL)
        path = f"/api/v2/models/liveDeployments/{RID}?preview=true"
        listing = f"/api/v2/models/liveDeployments?modelRid={MODEL}"
        assert [seen.path for seen in b.stack.requests] == [
            path,
            path,
            path,
            f"{listing}&branch=feature%2Fa%20b%26c&preview=true",
            f"{listing}&preview=true",
        ]
        put = b.stack.requests[1]
        assert put.headers["Content-Type"] == "application/json"
        assert put.headers["Content-Length"] == str(len(put.body))
        assert {seen.headers["Authorization"] for seen in b.stack.requests} == {f"Bearer {TOKEN}"}
        assert {seen.headers["User-Agent"] for seen in b.stack.requests} == {"foundry-autoscaler"}
        assert all("Cookie" not in seen.headers for seen in b.stack.requests)


async def test_preview_can_be_left_out_once_the_endpoints_are_final() -> None:
    async with bench(preview=False) as b:
        await b.platform.read(RID)
        assert b.stack.requests[0].path == f"/api/v2/models/liveDeployments/{RID}"


async def test_a_model_finds_its_deployments() -> None:
    async with bench() as b:
        found = await b.platform.find(MODEL, "master")
        assert isinstance(found, tuple)
        assert [(live.rid, live.envelope) for live in found] == [(RID, BEFORE)]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"data": {}}',
        b'{"data": [1]}',
        b'{"data": [{}]}',
        b'{"data": [], "nextPageToken": "x"}',
    ],
)
async def test_half_a_list_is_no_list(body: bytes) -> None:
    async with bench() as b:
        b.stack.next("GET", Reply(200, body))
        found = await b.platform.find(MODEL)
        assert isinstance(found, Unread)
        assert found.reason.code is Code.PLATFORM_ERROR


async def test_another_deployment_than_the_one_asked_for_is_refused() -> None:
    async with bench() as b:
        b.stack.deployments[RID]["rid"] = RID[:-1] + "0"
        assert isinstance(await b.platform.read(RID), Unread)


# --- retries of reads ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(429), "rate_limited"),
        (Reply(503), "unavailable"),
        (Reply(500), "server_error"),
        (Reply(502, b"<html>"), "server_error"),
        (Reply(504), "server_error"),
        (RESET, "connection"),
        (HANG, "timeout"),
    ],
)
async def test_a_read_is_asked_again_up_to_its_attempts(reply: Reply, cause: str) -> None:
    patient = PacingOptions(1000, 1000, breaker_failures=100)
    patience_s = 0.3 if reply.hangs else 30.0
    async with bench(read_timeout_s=patience_s, pacing=patient) as b:
        b.stack.next("GET", *[reply] * 3)
        assert isinstance(await b.platform.read(RID), Live)
        assert b.watch.retries == [("get", cause)] * 3
        b.stack.next("GET", *[reply] * 4)
        assert isinstance(await b.platform.read(RID), Unread)
        assert len(b.stack.requests) == 8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(501),
        Reply(400, b"{}"),
        Reply(403, b"{}"),
        Reply(404, b"{}"),
        Reply(409, b"{}"),
        Reply(429, headers={"QoS-Retry-Hint": "do-not-retry"}),
        Reply(503, headers={"Retry-After": "31"}),
        Reply(200, b"<html>"),
        error(400, "UnsupportedLiveDeployment"),
    ],
)
async def test_a_read_that_would_fail_again_is_asked_once(reply: Reply) -> None:
    async with bench() as b:
        b.stack.next("GET", reply)
        assert isinstance(await b.platform.read(RID), Unread)
        assert (len(b.stack.requests), b.watch.retries) == (1, [])


async def test_a_retry_waits_as_long_as_it_is_asked_to() -> None:
    async with bench() as b:
        start = b.clock.monotonic()
        b.stack.next("GET", Reply(503, headers={"Retry-After": "7"}))
        assert isinstance(await b.platform.read(RID), Live)
        assert b.clock.monotonic() - start == pytest.approx(7, abs=0.1)


# --- the door --------------------------------------------------------------------------------


@pytest.mark.fault(29)
async def test_a_put_that_is_reset_arrives_once() -> None:
    async with bench() as b:
        await b.platform.read(RID)
        b.stack.next("PUT", RESET, RESET, RESET)
        await b.platform.apply(RID, BEFORE, AFTER)
        assert b.stack.methods().count("PUT") == 1


async def test_every_put_comes_on_a_connection_of_its_own() -> None:
    async with bench() as b:
        await b.platform.apply(RID, BEFORE, AFTER)
        kept = [seen.headers.get("Connection") for seen in b.stack.requests]
        assert kept == [None, "close", None]


def test_the_socket_of_a_put_forgets_what_it_did_not_send() -> None:
    import socket

    made = forgetful_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1)))
    linger = made.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    made.close()
    assert linger == b"\x01\x00\x00\x00\x00\x00\x00\x00"


@pytest.mark.fault(39)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_token_is_never_sent_to_another_host(status: int) -> None:
    async with bench() as b, foundry() as elsewhere:
        to = {"Location": elsewhere.url + "/login"}
        b.stack.next("GET", Reply(status, headers=to))
        found = await b.platform.read(RID)
        assert isinstance(found, Unread)
        assert str(found.reason).startswith(f"HTTP {status}")
        b.stack.next("PUT", Reply(status, headers=to))
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.FAILED
        assert elsewhere.requests == []


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as b, foundry() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(await b.platform.read(RID), Live)
        assert proxy.requests == []


async def test_an_answer_is_read_up_to_its_cap() -> None:
    async with bench(largest_answer=2048) as b:
        b.stack.next("GET", Reply(200, b" " * 1_000_000))
        found = await b.platform.read(RID)
        assert isinstance(found, Unread)
        assert "longer than 2048 bytes" in str(found.reason)
        b.stack.next("PUT", Reply(200, b" " * 1_000_000, stores=True))
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


async def send(url: str, deadline_s: float = 30.0, **options: object) -> FoundryError | None:
    """What a door says of one GET with the canary token."""
    door = Door(FoundryOptions(url, **options))  # type: ignore[arg-type]  # tests name the fields
    target = endpoints(url, preview=True).deployment(RID)
    failed = None
    try:
        await door.send(Request("GET", target, deadline_s, {"Authorization": f"Bearer {TOKEN}"}))
    except FoundryError as caught:
        failed = caught
    await door.close()
    return failed


def everything_said(failed: BaseException | None) -> str:
    """All that a crash report could show of an error: texts, reprs, what it hangs on to."""
    said = "".join(traceback.format_exception(failed)) if failed else ""
    while failed is not None:
        said += repr(failed) + str(failed) + repr(failed.args) + repr(vars(failed))
        failed = failed.__cause__ or failed.__context__
    return said


async def answering(raw: bytes) -> FoundryError | None:
    """What the door says of a server that answers these bytes to anything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await send(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", ConnectionLost),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ConnectionLost),
        (b"HTTP/1.1 abc\r\n\r\n", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ConnectionLost),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
            ConnectionLost,
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", ConnectionLost),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
async def test_broken_http_is_an_error_of_ours_without_the_token(
    raw: bytes, kind: type[FoundryError]
) -> None:
    failed = await answering(raw)
    assert isinstance(failed, kind)
    assert TOKEN not in everything_said(failed)


async def test_a_bomb_is_not_unpacked() -> None:
    import gzip

    packed = gzip.compress(b" " * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    assert isinstance(await answering(head.encode() + packed), AnswerTooLarge | ConnectionLost)


async def test_a_slow_answer_meets_the_deadline() -> None:
    async with foundry() as stack:
        stack.next("GET", HANG)
        failed = await send(stack.url, deadline_s=0.3)
        assert isinstance(failed, TimedOut)
        assert str(failed) == "no answer within 0.3 s"
        assert TOKEN not in everything_said(failed)


async def test_a_closed_port_is_told_from_a_broken_connection() -> None:
    failed = await send("http://127.0.0.1:9")
    assert isinstance(failed, NotConnected)
    assert TOKEN not in everything_said(failed)


# --- secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
async def test_no_outcome_shows_a_secret_that_the_platform_echoes(status: int) -> None:
    async with bench(pacing=PacingOptions(1000, 1000, attempts=1)) as b:
        env = "canary-env-4711"
        b.stack.configuration()["environmentVariables"] = {"KEY": env}
        echo = Reply(status, f'{{"errorDescription": "Bearer {TOKEN} {env}"}}'.encode())
        page = Reply(status, f"<p>{env}".encode())
        shown = ""
        for reply in (echo, page):
            b.stack.next("PUT", reply)
            outcome = await b.platform.apply(RID, BEFORE, AFTER)
            shown += repr(outcome) + str(outcome.reason)
            b.clock.forward(7200)
        b.stack.next("GET", Reply(status, f"Bearer {TOKEN}".encode()))
        shown += repr(await b.platform.read(RID))
        assert TOKEN not in shown
        assert env not in shown
        assert TOKEN not in repr(b.watch)


# --- addresses and TLS -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://acme.example", "https"),
        ("ftp://acme.example", "https"),
        ("acme.example", "https"),
        ("https://", "host"),
        ("https://user:canary@acme.example", "plain origin"),
        ("https://acme.example/?a=canary", "plain origin"),
        ("http://127.0.0.1.acme.example", "loopback"),
    ],
)
def test_a_url_that_could_leak_the_token_is_refused(url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as caught:
        endpoints(url, preview=True)
    assert "canary" not in str(caught.value)


def test_a_path_before_the_api_is_kept() -> None:
    found = endpoints("https://acme.example/foundry/", preview=False)
    assert str(found.token()) == "https://acme.example/foundry/multipass/api/oauth2/token"


def test_loopback_is_told_by_address_and_name() -> None:
    assert [is_loopback(h) for h in ("localhost", "127.9.9.9", "::1", "10.0.0.1", "a")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("rid", ["", "..", ".", "ri.a.b.c", f"{RID}/..", f"{RID}?x", RID + "\n"])
def test_what_is_no_rid_gets_no_address(rid: str) -> None:
    with pytest.raises(InvalidRid):
        endpoints("https://acme.example", preview=True).deployment(rid)


@pytest.mark.fault(40)
def test_tls_verifies_and_is_at_least_1_2() -> None:
    context = tls(FoundryOptions("https://acme.example"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_ca_file_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    for content in (None, "not a certificate"):
        if content:
            bad.write_text(content)
        with pytest.raises(ValueError, match=r"ca_file .*ca\.pem"):
            FoundryPlatform(
                FoundryOptions("https://acme.example", ca_file=bad),
                TokenLogin(FixedSecret("t")),
                VirtualClock(),
                random.Random(1),  # noqa: S311 - jitter is no secret
                Watch(),
            )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    place = tmp_path_factory.mktemp("tls")
    key, crt = place / "key.pem", place / "crt.pem"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=stack -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {crt}".split(),
        check=True,
        capture_output=True,
    )
    both = place / "both.pem"
    both.write_text(crt.read_text() + key.read_text())
    return both


@pytest.mark.fault(40)
async def test_a_private_ca_is_trusted_when_named_and_nothing_else_is(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with foundry(context) as stack:
        assert await send(stack.url, ca_file=certificate) is None
        failed = await send(stack.url)
        assert isinstance(failed, NotConnected)
        assert TOKEN not in everything_said(failed)
        assert len(stack.requests) == 1
