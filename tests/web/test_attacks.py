"""Each attack that a page, a neighbour or a thief may try, by its name: none of them moves anything.

The names are those of the design's section on the API: CSRF, DNS rebinding, framing, content
types, path traversal, header injection, method override, oversized and slow bodies, and the like.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from autoscaler.web import body as bodies
from autoscaler.web.access import Access, Gate, Role, Token, Tokens, digest_of
from autoscaler.web.api.parts import Parts
from autoscaler.web.server import Server, serve
from tests.fakes.web import FakeControls, FakeRecords, entry

SECRET = "fas_operator-canary-2f9a"
BEARER = {"Authorization": f"Bearer {SECRET}"}
PAUSE = {"scope": "chat", "control": "pause", "why": "load test", "for_s": 600}
OVERRIDES = "/api/v1/overrides"


@pytest.fixture
async def guarded(asked: Parts) -> AsyncIterator[Server]:
    tokens = Tokens([Token("ops", Role.OPERATOR, digest_of(SECRET))])
    asked.gate = Gate(Access(tokens, write_enabled=True))
    server = await serve(asked, "127.0.0.1:0", ["autoscaler.acme.internal"])
    yield server
    await server.close()


@pytest.fixture
async def web(guarded: Server) -> AsyncIterator[ClientSession]:
    async with ClientSession(guarded.url) as session:
        yield session


def nothing_moved(asked: Parts) -> bool:
    controls = asked.controls
    assert isinstance(controls, FakeControls)
    return not (controls.stands or controls.ended or controls.looks)


async def raw(server: Server, request: bytes) -> bytes:
    """The whole answer to bytes that no well-behaved client would send."""
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


async def posted(web: ClientSession, **more: Any) -> tuple[int, dict[str, Any]]:
    headers = {**BEARER, "Content-Type": "application/json", **more.pop("headers", {})}
    body = more.pop("data", json.dumps(PAUSE))
    async with web.post(OVERRIDES, data=body, headers=headers, **more) as answer:
        return answer.status, json.loads(await answer.read())


# --- csrf -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "CROSS-SITE", "Origin": "http://127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://[::1"},
        {"Origin": ""},
    ],
)
async def test_csrf(web: ClientSession, asked: Parts, headers: dict[str, str]) -> None:
    status, told = await posted(web, headers=headers)
    assert status == 403
    assert "another site" in told["detail"]
    async with web.delete(f"{OVERRIDES}/o1", headers={**BEARER, **headers}) as answer:
        assert answer.status == 403
    assert nothing_moved(asked)


async def test_csrf_own_page_is_let_through(web: ClientSession, guarded: Server) -> None:
    own = {"Origin": guarded.url, "Sec-Fetch-Site": "same-origin"}
    assert (await posted(web, headers=own))[0] == 201
    assert (await posted(web, headers={"Sec-Fetch-Site": "none"}))[0] == 201


async def test_csrf_simple_request_with_a_form_or_text(web: ClientSession, asked: Parts) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        status, _ = await posted(web, headers={"Content-Type": kind})
        assert status == 415, kind
    assert nothing_moved(asked)


async def test_cors_preflight_gets_no_permission(web: ClientSession) -> None:
    asks = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with web.options(OVERRIDES, headers=asks) as answer:
        assert answer.status in {403, 405}
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


# --- dns rebinding, framing, sniffing -------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "127.0.0.1.nip.example", ""])
async def test_dns_rebinding(web: ClientSession, asked: Parts, host: str) -> None:
    for path in ("/", "/metrics", "/api/v1/status", "/api/v1/events"):
        async with web.get(path, headers={"Host": host}) as answer:
            assert answer.status == 421, path
    assert (await posted(web, headers={"Host": host}))[0] == 421
    assert nothing_moved(asked)


async def test_two_host_headers(guarded: Server) -> None:
    two = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert b" 400 " in (await raw(guarded, two)).split(b"\r\n")[0]


async def test_framing_and_sniffing(web: ClientSession) -> None:
    for path in ("/", "/api/v1/status", "/api/v1/nothing", "/api/v1/activity?format=csv"):
        async with web.get(path) as answer:
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == ("no-cache" if path == "/" else "no-store")


# --- paths, headers, methods ----------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../doors.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/..\\..\\etc\\passwd",
        "/page.css/../../server.py",
        "//etc/passwd",
        "/page.css%00.html",
        "/api/v1/decisions/..%2f..%2fetc%2fpasswd",
        "/api/v1/deployments/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    ],
)
async def test_path_traversal(guarded: Server, path: str) -> None:
    head = await raw(guarded, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    status = int(head.split(b" ")[1])
    assert status in {400, 404}, head


@pytest.mark.parametrize("text", ["chat%0d%0aSet-Cookie:%20a=b", "chat%0aX:%20y", "%00", "%ff"])
async def test_header_injection(guarded: Server, text: str) -> None:
    for path in (
        f"/api/v1/deployments/{text}",
        f"/api/v1/decisions/{text}",
        f"/api/v1/what-if/{text}",
        f"/api/v1/deployments?search={text}",
        f"/api/v1/activity?format=csv&deployment={text}",
    ):
        head = await raw(guarded, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b"Set-Cookie" not in head
        assert b"\r\nX: y" not in head
        assert not head.startswith(b"HTTP/1.1 5") or b" 501 " in head


async def test_header_injection_by_a_field(web: ClientSession, asked: Parts) -> None:
    body = json.dumps({**PAUSE, "why": "x\r\nSet-Cookie: a=b"})
    status, told = await posted(web, data=body)
    assert (status, told["field"]) == (422, "why")
    assert nothing_moved(asked)


async def test_method_override(web: ClientSession, asked: Parts) -> None:
    assert (await posted(web))[0] == 201
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        headers = {**BEARER, name: "DELETE"}
        async with web.get(f"{OVERRIDES}", headers=headers) as answer:
            assert answer.status == 200
        assert (await posted(web, headers=headers))[0] == 201
    async with web.get(f"{OVERRIDES}?_method=DELETE", headers=BEARER) as answer:
        assert answer.status == 400
    assert len(await asked.controls.standing()) == 4


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "post"])
async def test_strange_methods(guarded: Server, asked: Parts, method: str) -> None:
    request = (
        f"{method} {OVERRIDES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    head = await raw(guarded, request.encode())
    assert int(head.split(b" ")[1]) in {400, 404, 405, 415}
    assert nothing_moved(asked)


async def test_request_smuggling(guarded: Server, asked: Parts) -> None:
    inner = f"POST {OVERRIDES} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    both = (
        f"POST {OVERRIDES} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
    )
    head = await raw(guarded, both.encode())
    assert b" 400 " in head.split(b"\r\n")[0]
    assert nothing_moved(asked)


# --- bodies ---------------------------------------------------------------------------------


async def test_oversized_body(web: ClientSession, asked: Parts) -> None:
    big = json.dumps({**PAUSE, "why": "x" * bodies.LARGEST})
    assert (await posted(web, data=big))[0] == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4_096

    assert (await posted(web, data=endless()))[0] == 413
    assert nothing_moved(asked)


async def test_slow_body(web: ClientSession, asked: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.02)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"scope":'
        await never.wait()

    status, told = await posted(web, data=slow())
    assert (status, told["title"]) == (408, "Request Timeout")
    assert nothing_moved(asked)


async def test_compressed_body_bomb(web: ClientSession, asked: Parts) -> None:
    import zlib

    bomb = zlib.compress(b" " * 5_000_000)
    status, _ = await posted(web, data=bomb, headers={"Content-Encoding": "deflate"})
    assert status in {400, 413, 415}
    assert nothing_moved(asked)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe{}",
        b'{"scope": NaN}',
        b'{"scope": Infinity}',
        b'{"for_s": 1e999}',
        b'{"for_s": ' + b"9" * 5_000 + b"}",
        b'{"scope": "chat", "scope": "fleet"}',
        b"[" * 10_000,
        b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
        b'{"scope": "chat"} {"scope": "fleet"}',
        b'{"scope": "\xed\xa0\x80"}',
    ],
)
async def test_malformed_json(web: ClientSession, asked: Parts, body: bytes) -> None:
    status, told = await posted(web, data=body)
    assert status == 400, told
    assert "the body must" in told["detail"]
    assert nothing_moved(asked)


async def test_a_body_on_a_reading_request(web: ClientSession) -> None:
    async with web.get("/api/v1/status", data=b"x") as answer:
        assert answer.status == 413


# --- tokens ---------------------------------------------------------------------------------


async def test_token_in_the_address_is_no_token(web: ClientSession, asked: Parts) -> None:
    async with web.post(f"{OVERRIDES}?access_token={SECRET}", json=PAUSE) as answer:
        assert answer.status == 401
    assert nothing_moved(asked)


async def test_token_in_a_cookie_is_no_token(web: ClientSession, asked: Parts) -> None:
    async with web.post(OVERRIDES, json=PAUSE, headers={"Cookie": f"token={SECRET}"}) as answer:
        assert answer.status == 401
    assert nothing_moved(asked)


async def test_two_authorizations_are_none(guarded: Server, asked: Parts) -> None:
    body = json.dumps(PAUSE)
    request = (
        f"POST {OVERRIDES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer wrong\r\nAuthorization: Bearer {SECRET}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    assert b" 401 " in (await raw(guarded, request.encode())).split(b"\r\n")[0]
    assert nothing_moved(asked)


async def test_actor_cannot_be_forged(web: ClientSession) -> None:
    status, told = await posted(web, data=json.dumps({**PAUSE, "author": "ceo"}))
    assert (status, told["author"]) == (201, "ops for ceo")


async def test_token_guessing(web: ClientSession) -> None:
    statuses = []
    for n in range(12):
        async with web.get("/api/v1/status", headers={"Authorization": f"Bearer {n}"}) as answer:
            statuses.append(answer.status)
    assert statuses == [401] * 10 + [429] * 2


async def test_secrets_appear_in_no_answer(
    web: ClientSession, asked: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    told = b""
    for path in ("/api/v1/session", "/api/v1/status", "/api/v1/health", "/metrics", "/nothing"):
        async with web.get(path, headers=BEARER) as answer:
            told += await answer.read() + repr(answer.headers).encode()
    status, refused = await posted(web, data=b"{}")
    assert status == 422
    told += json.dumps(refused).encode()
    assert SECRET.encode() not in told
    assert digest_of(SECRET).hex().encode() not in told
    assert SECRET not in caplog.text


# --- exports --------------------------------------------------------------------------------


async def test_spreadsheet_formula_in_an_export(web: ClientSession, asked: Parts) -> None:
    assert isinstance(asked.records, FakeRecords)
    asked.records.entries = [entry(1, '=HYPERLINK("http://evil.example")'), entry(2, 'a "b", c')]
    async with web.get("/api/v1/activity?format=csv") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="activity.csv"'
        lines = (await answer.text()).splitlines()
    assert lines[0].startswith("seq,at,kind,deployment")
    assert '"a ""b"", c"' in lines[1]
    assert "\"'=HYPERLINK(" in lines[2]
