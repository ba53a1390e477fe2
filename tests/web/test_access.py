"""Who may read and who may change: tokens, roles, certificates, signed tokens, failed logins."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import ClientSession
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from autoscaler.settings import ConfigError, Settings, load
from autoscaler.web.access import Access, Gate, Role, Token, Tokens, digest_of, new_token
from autoscaler.web.access.failures import ADDRESSES, MOST, REFILL_S, Failures
from autoscaler.web.access.oidc import AGAIN_S, Oidc, Trust
from autoscaler.web.api.parts import Parts
from autoscaler.web.server import Server, serve
from autoscaler.wiring.access import access_of, tls_of
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.web import FakeControls, FakeFace, busy, parts

VIEWER, OPERATOR = "fas_viewer-canary", "fas_operator-canary"
TOKENS = Tokens(
    [
        Token("ada", Role.VIEWER, digest_of(VIEWER)),
        Token("ops", Role.OPERATOR, digest_of(OPERATOR)),
    ]
)
OPEN = Access(TOKENS, write_enabled=True)
PAUSE = {"scope": "chat", "control": "pause", "why": "load test", "for_s": 600}
OVERRIDES = "/api/v1/overrides"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def opened(asked: Parts, access: Access = OPEN) -> AsyncIterator[ClientSession]:
    asked.gate = Gate(access)
    server = await serve(asked, "127.0.0.1:0")
    try:
        async with ClientSession(server.url) as session:
            yield session
    finally:
        await server.close()


async def answered(
    session: ClientSession, method: str, path: str, **more: Any
) -> tuple[int, Mapping[str, Any]]:
    async with session.request(method, path, **more) as answer:
        told: Mapping[str, Any] = json.loads(await answer.read() or b"{}")
        return answer.status, told


# --- writing --------------------------------------------------------------------------------


async def test_an_operator_says_a_word_and_takes_it_back(asked: Parts) -> None:
    async with opened(asked) as session:
        async with session.post(OVERRIDES, json=PAUSE, headers=bearer(OPERATOR)) as answer:
            told = await answer.json()
            assert (answer.status, answer.headers["Location"]) == (201, f"{OVERRIDES}/o1")
        assert (told["scope"], told["control"], told["author"]) == ("chat", "pause", "ops")
        assert 590 < told["expires_at"] - told["created_at"] <= 600
        _, listed = await answered(session, "GET", OVERRIDES)
        assert [one["id"] for one in listed["overrides"]] == ["o1"]
        _, row = await answered(session, "GET", "/api/v1/deployments/chat")
        assert row["paused"]
        status, ended = await answered(
            session, "DELETE", f"{OVERRIDES}/o1", headers=bearer(OPERATOR)
        )
        assert (status, ended["id"]) == (200, "o1")
        status, _ = await answered(session, "DELETE", f"{OVERRIDES}/o1", headers=bearer(OPERATOR))
        assert status == 404
    assert isinstance(asked.controls, FakeControls)
    assert asked.controls.ended == [("o1", "ops")]


@pytest.mark.parametrize(
    "word",
    [
        {"control": "brake", "endless": True},
        {"control": "pin", "dial": "min_replicas", "value": 8, "for_s": 1},
        {"control": "floor", "dial": "threads", "value": 4, "for_s": 60.5},
        {"control": "mode", "mode": "observe", "for_s": 3600, "author": "ada"},
    ],
)
async def test_every_control_can_be_said(asked: Parts, word: dict[str, Any]) -> None:
    body = {"scope": "group:online", "why": "launch", **word}
    async with opened(asked) as session:
        status, told = await answered(
            session, "POST", OVERRIDES, json=body, headers=bearer(OPERATOR)
        )
    assert status == 201, told
    for name in ("control", "dial", "value", "mode"):
        assert told[name] == word.get(name)
    assert (told["expires_at"] is None) is ("endless" in word)
    assert told["author"] == ("ops for ada" if "author" in word else "ops")


async def test_a_look_is_asked_for_by_name(asked: Parts) -> None:
    async with opened(asked) as session:
        body = {"scope": "chat", "why": "is it back?"}
        status, told = await answered(
            session, "POST", "/api/v1/looks", json=body, headers=bearer(OPERATOR)
        )
    assert (status, told) == (202, {"deployments": 1})
    assert isinstance(asked.controls, FakeControls)
    assert asked.controls.looks == [("chat", "ops", "is it back?")]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"scope": "caht"}, "scope", "nothing called 'caht' is in the configuration"),
        ({"scope": 7}, "scope", "must be text of 1..200 printable characters"),
        ({"scope": "\u202echat"}, "scope", "must be text of 1..200 printable characters"),
        ({"why": " "}, "why", "must be text of 1..500 printable characters"),
        ({"why": "a\nb"}, "why", "must be text of 1..500 printable characters"),
        ({"why": None}, "why", "must be text of 1..500 printable characters"),
        ({"control": "stop"}, "control", "must be one of pause, pin, floor"),
        ({"control": "pin"}, "dial", "must be one of min_replicas, max_replicas, threads"),
        ({"control": "pin", "dial": "threads"}, "value", "must be a whole number in 0..1000000"),
        ({"control": "mode"}, "mode", "must be one of observe, recommend, raise_only, apply"),
        ({"dial": "threads"}, "dial", "is for pin and floor, not for pause"),
        ({"mode": "observe"}, "mode", "is for the control mode, not for pause"),
        ({"for_s": 0}, "for_s", "must be in 1.."),
        ({"for_s": True}, "for_s", "must be a number"),
        ({"for_s": None}, "for_s", "must say for how many seconds"),
        ({"endless": True}, "for_s", "must not stand beside endless: true"),
        ({"endless": "yes"}, "endless", "must be true or false"),
        ({"until": 7}, "until", "is not a field here"),
        ({"author": "a" * 101}, "author", "must be text of 1..100 printable characters"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_named_and_nothing_is_said(
    asked: Parts, change: dict[str, Any], field: str, rule: str
) -> None:
    async with opened(asked) as session:
        status, told = await answered(
            session, "POST", OVERRIDES, json={**PAUSE, **change}, headers=bearer(OPERATOR)
        )
    assert (status, told["field"]) == (422, field)
    assert told["rule"].startswith(rule)
    assert await asked.controls.standing() == []


async def test_a_word_that_cannot_be_kept_is_told_so(asked: Parts) -> None:
    assert isinstance(asked.controls, FakeControls)
    asked.controls.away = True
    async with opened(asked) as session:
        status, told = await answered(
            session, "POST", OVERRIDES, json=PAUSE, headers=bearer(OPERATOR)
        )
    assert (status, told["detail"]) == (503, "the journal does not answer; try again")


# --- roles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("access", "token", "status"),
    [
        (replace(OPEN, write_enabled=False), OPERATOR, 403),
        (Access(), None, 403),
        (OPEN, None, 401),
        (OPEN, "fas_wrong", 401),
        (OPEN, VIEWER, 403),
    ],
)
async def test_nobody_else_may_change_anything(
    asked: Parts, access: Access, token: str | None, status: int
) -> None:
    headers = bearer(token) if token else {}
    async with opened(asked, access) as session:
        for method, path in (
            ("POST", OVERRIDES),
            ("DELETE", f"{OVERRIDES}/o1"),
            ("POST", "/api/v1/looks"),
        ):
            found, told = await answered(session, method, path, json=PAUSE, headers=headers)
            assert (found, told["status"]) == (status, status), path
    assert await asked.controls.standing() == []


@pytest.mark.parametrize(
    ("token", "session_"),
    [
        (None, {"role": "anonymous", "auth": "none", "author": None}),
        (VIEWER, {"role": "viewer", "auth": "bearer", "author": "ada"}),
        (OPERATOR, {"role": "operator", "auth": "bearer", "author": "ops"}),
    ],
)
async def test_the_session_tells_who_it_is(
    asked: Parts, token: str | None, session_: dict[str, Any]
) -> None:
    async with opened(asked) as session:
        headers = bearer(token) if token else {}
        _, told = await answered(session, "GET", "/api/v1/session", headers=headers)
    assert told == {**session_, "write_enabled": True}


async def test_reading_needs_a_token_where_that_is_asked_for(asked: Parts) -> None:
    async with opened(asked, replace(OPEN, token_to_read=True)) as session:
        for path in ("/livez", "/readyz", "/healthz", "/metrics", "/", "/api/v1/session"):
            async with session.get(path) as answer:
                assert answer.status == 200, path
        for path in ("/api/v1/status", "/api/v1/deployments/chat", "/api/v1/events"):
            async with session.get(path) as answer:
                assert answer.status == 401, path
                assert answer.headers["WWW-Authenticate"] == 'Bearer realm="autoscaler"'
        status, _ = await answered(session, "GET", "/api/v1/status", headers=bearer(VIEWER))
        assert status == 200


async def test_a_wrong_token_is_refused_for_reading_too(asked: Parts) -> None:
    async with opened(asked) as session:
        for given in ("Bearer wrong", "Basic b3BzOm9wcw==", "Bearer", "Bearer " + "x" * 600):
            status, _ = await answered(
                session, "GET", "/api/v1/status", headers={"Authorization": given}
            )
            assert status == 401, given


# --- failed logins --------------------------------------------------------------------------


def test_an_address_may_be_wrong_ten_times_and_then_once_in_six_seconds() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0])
    for _ in range(MOST):
        assert failures.wait_s("10.0.0.1") == 0
        failures.failed("10.0.0.1")
    assert failures.wait_s("10.0.0.1") == REFILL_S
    assert failures.wait_s("10.0.0.2") == 0
    now[0] = REFILL_S
    assert failures.wait_s("10.0.0.1") == 0
    failures.failed("10.0.0.1")
    assert failures.wait_s("10.0.0.1") == REFILL_S


def test_an_ipv6_client_cannot_change_its_address_within_its_network() -> None:
    failures = Failures(lambda: 0.0)
    for n in range(MOST):
        failures.failed(f"2001:db8:1:2::{n:x}")
    assert failures.wait_s("2001:db8:1:2:ffff::1") == REFILL_S
    assert failures.wait_s("2001:db8:1:3::1") == 0


def test_a_bounded_number_of_addresses_is_remembered() -> None:
    failures = Failures(lambda: 0.0)
    for n in range(ADDRESSES + 10):
        failures.failed(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(failures._buckets) == ADDRESSES


async def test_who_guesses_is_slowed_down_and_a_good_token_waits_too(asked: Parts) -> None:
    async with opened(asked) as session:
        for _ in range(MOST):
            assert (await answered(session, "GET", OVERRIDES, headers=bearer("no")))[0] == 401
        status, told = await answered(session, "GET", OVERRIDES, headers=bearer(OPERATOR))
        assert (status, "too many wrong tokens" in told["detail"]) == (429, True)
        assert (await answered(session, "GET", OVERRIDES))[0] == 200


# --- tokens and their configuration ---------------------------------------------------------


def test_a_new_token_is_long_and_another_each_time() -> None:
    one, other = new_token(), new_token()
    assert one != other
    assert len(one) >= 47
    assert one.startswith("fas_")


def settings_of(folder: Path, web: str) -> Settings:
    return load(written(folder, text_of(web=f"web:\n{web}")), ENVIRON)


def test_tokens_come_as_hashes_or_from_files(tmp_path: Path) -> None:
    file = tmp_path / "ops.sha256"
    file.write_text(digest_of(OPERATOR).hex() + "\n", encoding="ascii")
    web = (
        "  write_enabled: true\n  tokens:\n"
        f"    - {{name: ada, role: viewer, sha256: {digest_of(VIEWER).hex()}}}\n"
        f"    - {{name: ops, role: operator, sha256_file: {file}}}\n"
    )
    access = access_of(settings_of(tmp_path, web))
    found = access.tokens.person(OPERATOR)
    assert found is not None
    assert (found.name, found.role) == ("ops", Role.OPERATOR)
    assert access.tokens.person("fas_wrong") is None
    assert access.write_enabled
    file.write_text("not a hash", encoding="ascii")
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        access_of(settings_of(tmp_path, web))


@pytest.mark.parametrize(
    ("web", "rule"),
    [
        ("  write_enabled: true\n", "write_enabled needs someone with the role operator"),
        ("  require_token_to_read: true\n", "require_token_to_read needs a token"),
        ("  tokens: [{name: a, role: viewer}]\n", "must have either sha256 or sha256_file"),
        ("  tokens: [{name: a, role: admin, sha256: x}]\n", "operator"),
        ("  tokens: [{name: a, role: viewer, sha256: abc}]\n", "sha256"),
        ("  oidc: {issuer: i, audience: a, operators: [x]}\n", "either jwks_file or jwks_url"),
        (
            "  oidc: {issuer: i, audience: a, jwks_url: 'http://a.example/k', viewers: [x]}\n",
            "must begin with https://",
        ),
        ("  oidc: {issuer: i, audience: a, jwks_url: 'https://a/k'}\n", "nobody would be let in"),
        ("  tls: {cert_file: a}\n", "key_file"),
    ],
)
def test_rules_that_let_nobody_in_or_anybody_are_refused(
    tmp_path: Path, web: str, rule: str
) -> None:
    with pytest.raises(ConfigError, match=rule):
        settings_of(tmp_path, web)


# --- TLS and client certificates ------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def secured(
    authority: trustme.CA, folder: Path, face: FakeFace
) -> AsyncIterator[tuple[Server, Parts]]:
    cert = authority.issue_cert("localhost", "127.0.0.1")
    chain, key, ca = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    cert.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    for blob in cert.cert_chain_pems:
        blob.write_to_path(str(chain), append=True)
    authority.cert_pem.write_to_path(str(ca))
    settings = settings_of(
        folder,
        "  write_enabled: true\n"
        f"  tls: {{cert_file: {chain}, key_file: {key}, client_ca_file: {ca},\n"
        "        client_roles: {'DNS:ops.acme.example': operator}}\n",
    )
    asked = parts(face)
    asked.gate = Gate(access_of(settings))
    server = await serve(asked, "127.0.0.1:0", tls=tls_of(settings))
    try:
        yield server, asked
    finally:
        await server.close()


def client(authority: trustme.CA, shown: trustme.CA | None, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if shown is not None:
        shown.issue_cert(name).configure_cert(context)
    return context


async def test_a_client_certificate_is_a_role(authority: trustme.CA, tmp_path: Path) -> None:
    async with secured(authority, tmp_path, busy(3)) as (server, _):
        assert server.url.startswith("https://")
        for name, role in (("ops.acme.example", "operator"), ("other.example", "anonymous")):
            connector = aiohttp.TCPConnector(ssl=client(authority, authority, name))
            async with ClientSession(server.url, connector=connector) as session:
                _, told = await answered(session, "GET", "/api/v1/session")
                assert told["role"] == role
                status, _ = await answered(session, "POST", OVERRIDES, json=PAUSE)
                assert status == (201 if role == "operator" else 401)


async def test_probes_need_no_certificate_and_a_foreign_one_is_no_use(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with secured(authority, tmp_path, busy(3)) as (server, _):
        plain = aiohttp.TCPConnector(ssl=client(authority, None, ""))
        async with (
            ClientSession(server.url, connector=plain) as session,
            session.get("/livez") as answer,
        ):
            assert answer.status == 200
        foreign = aiohttp.TCPConnector(ssl=client(authority, trustme.CA(), "ops.acme.example"))
        async with ClientSession(server.url, connector=foreign) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.post(OVERRIDES, json=PAUSE)


def test_a_certificate_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense", encoding="ascii")
        (tmp_path / name).chmod(0o600)
    web = f"  tls: {{cert_file: {tmp_path}/cert.pem, key_file: {tmp_path}/key.pem}}\n"
    with pytest.raises(ConfigError, match=r"web\.tls\.cert_file: must be a certificate"):
        tls_of(settings_of(tmp_path, web))


# --- OIDC -----------------------------------------------------------------------------------

KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "two"})
TRUST = Trust("https://id.example", "autoscaler", operators=("sre",), viewers=("dev",))
GOOD = {
    "iss": "https://id.example",
    "aud": ["autoscaler", "other"],
    "exp": 4_000_000_000,
    "sub": "ada@acme.example",
    "roles": ["sre"],
}


def signed(claims: Mapping[str, Any], key: RSAKey = KEY, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, dict(claims), key, algorithms=[alg])


def published(*keys: RSAKey) -> bytes:
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


def verifier(*keys: RSAKey) -> Oidc:
    async def fetch() -> bytes:
        return published(*keys)

    return Oidc(TRUST, fetch, lambda: 0.0)


@pytest.mark.parametrize(
    ("change", "role"),
    [
        ({}, Role.OPERATOR),
        ({"roles": "sre"}, Role.OPERATOR),
        ({"roles": ["dev", "x"]}, Role.VIEWER),
        ({"roles": ["x"]}, None),
        ({"roles": None}, None),
        ({"roles": {"sre": 1}}, None),
        ({"aud": "autoscaler"}, Role.OPERATOR),
        ({"aud": "another"}, None),
        ({"aud": None}, None),
        ({"iss": "https://id.example.evil"}, None),
        ({"exp": 1}, None),
        ({"exp": None}, None),
        ({"nbf": 3_999_999_999}, None),
        ({"sub": ""}, None),
        ({"sub": ["ada"]}, None),
    ],
)
async def test_a_signed_token_is_good_by_its_claims(
    change: dict[str, Any], role: Role | None
) -> None:
    claims = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    found = await verifier(KEY).person(signed(claims))
    assert (found.role if found else None) == role
    if found is not None:
        assert (found.name, found.how) == ("ada@acme.example", "oidc")


async def test_a_signature_by_a_key_of_somebody_else_is_refused() -> None:
    forged = RSAKey.generate_key(2048, {"kid": "one"})
    assert await verifier(KEY).person(signed(GOOD, forged)) is None


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.e30", "fas_wrong", "." * 100])
async def test_what_is_no_signed_token_is_refused(token: str) -> None:
    assert await verifier(KEY).person(token) is None


async def test_algorithms_outside_of_the_list_are_refused() -> None:
    import base64

    def part(tree: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()

    unsigned = f"{part({'alg': 'none', 'kid': 'one'})}.{part(GOOD)}."
    assert await verifier(KEY).person(unsigned) is None
    assert await verifier(KEY).person(signed(GOOD, alg="RS512")) is None


async def test_keys_are_fetched_again_for_a_new_one_but_not_for_every_guess() -> None:
    now, sets, asked = [0.0], [published(KEY)], [0]

    async def fetch() -> bytes:
        asked[0] += 1
        return sets[0]

    oidc = Oidc(TRUST, fetch, lambda: now[0])
    assert await oidc.person(signed(GOOD)) is not None
    for _ in range(5):
        assert await oidc.person(signed(GOOD, OTHER)) is None
    assert asked == [1]
    now[0], sets[0] = AGAIN_S, published(KEY, OTHER)
    assert await oidc.person(signed(GOOD, OTHER)) is not None
    assert asked == [2]


async def test_without_keys_nobody_is_let_in() -> None:
    async def fetch() -> bytes:
        raise OSError("no route")

    assert await Oidc(TRUST, fetch, lambda: 0.0).person(signed(GOOD)) is None


async def test_an_operator_by_a_signed_token_may_change(asked: Parts) -> None:
    access = Access(write_enabled=True, verifier=verifier(KEY))
    async with opened(asked, access) as session:
        status, told = await answered(
            session, "POST", OVERRIDES, json=PAUSE, headers=bearer(signed(GOOD))
        )
    assert (status, told["author"]) == (201, "ada@acme.example")
