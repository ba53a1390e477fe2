"""Logging in: one request however many wait, the old token until a new one works."""

from __future__ import annotations

import asyncio
import copy
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code
from autoscaler.foundry.auth import ClientCredentials, Grant, StaticToken
from autoscaler.foundry.errors import SecretUnreadable, TokenRefused, TokenUnavailable
from autoscaler.foundry.options import ClientLogin, TokenLogin
from autoscaler.foundry.secret import LARGEST_SECRET, FileSecret, FixedSecret, Secret
from autoscaler.foundry.token import grant_of
from autoscaler.ports import Live, Unread
from tests.fakes.foundry import RID, Reply, VirtualClock, bench

CANARY = "canary-client-secret-11"
LOGIN = ClientLogin("the-client", FixedSecret(CANARY))


class Mint:
    """Grants numbered tokens; `fault` makes it fail."""

    def __init__(self, life: float = 1000.0) -> None:
        self.life = life
        self.asked = 0
        self.fault: Callable[[], Exception] | None = None

    async def fetch(self) -> Grant:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault()
        return Grant(Secret(f"t{number}"), self.life)


def credentials(mint: Mint, clock: VirtualClock) -> ClientCredentials:
    return ClientCredentials(mint.fetch, clock, random.Random(5))  # noqa: S311 - jitter is no secret


# --- client credentials, alone ---------------------------------------------------------------


async def test_many_callers_share_one_token_request() -> None:
    mint = Mint()
    auth = credentials(mint, VirtualClock())
    tokens = await asyncio.gather(*[auth.token() for _ in range(50)])
    assert mint.asked == 1
    assert {token.reveal() for token in tokens} == {"t1"}


async def test_a_token_is_renewed_at_three_quarters_to_four_fifths_of_its_life() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    await auth.token()
    clock.forward(749)
    assert (await auth.token()).reveal() == "t1"
    await asyncio.sleep(0)
    assert mint.asked == 1
    clock.forward(52)
    assert (await auth.token()).reveal() == "t1"
    for _ in range(5):
        await asyncio.sleep(0)
    assert (await auth.token()).reveal() == "t2"
    assert mint.asked == 2


async def test_the_old_token_serves_until_a_new_one_works() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    await auth.token()
    mint.fault = lambda: TokenUnavailable("down")
    clock.forward(850)
    for _ in range(20):
        assert (await auth.token()).reveal() == "t1"
        await asyncio.sleep(0)
    assert mint.asked == 2
    clock.forward(200)
    with pytest.raises(TokenUnavailable):
        await auth.token()
    mint.fault = None
    clock.forward(120)
    assert (await auth.token()).reveal() == f"t{mint.asked}"


async def test_a_refused_login_is_not_hammered() -> None:
    mint, clock = Mint(), VirtualClock()
    mint.fault = lambda: TokenRefused("no")
    auth = credentials(mint, clock)
    for _ in range(3600):
        with pytest.raises(TokenRefused):
            await auth.token()
        clock.forward(1)
    assert 60 <= mint.asked <= 250


@pytest.mark.fault(23)
async def test_a_401_forces_one_renewal_for_all_who_met_it() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    old = await auth.token()
    assert await asyncio.gather(*[auth.renew(old) for _ in range(10)]) == [True] * 10
    assert mint.asked == 2
    assert (await auth.token()).reveal() == "t2"


async def test_fresh_tokens_that_are_refused_too_are_not_renewed_at_once() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    assert await auth.renew(await auth.token()) is True
    assert await auth.renew(await auth.token()) is False
    clock.forward(11)
    assert await auth.renew(await auth.token()) is True
    assert mint.asked == 3


async def test_a_forced_renewal_that_fails_says_so_and_keeps_the_old_token() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    old = await auth.token()
    mint.fault = lambda: TokenUnavailable("down")
    assert await auth.renew(old) is False
    assert await auth.token() is old


async def test_a_caller_that_gives_up_leaves_the_token_to_the_others() -> None:
    mint = Mint()
    auth = credentials(mint, VirtualClock())
    hasty, patient = (asyncio.create_task(auth.token()) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await patient).reveal() == "t1"
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_closing_stops_a_renewal_under_way() -> None:
    mint, clock = Mint(), VirtualClock()
    auth = credentials(mint, clock)
    await auth.token()
    clock.forward(900)
    await auth.token()
    await auth.close()
    assert mint.asked <= 2


@given(st.lists(st.tuples(st.floats(0, 600), st.booleans(), st.booleans()), max_size=40))
def test_a_token_that_is_handed_out_has_not_expired(
    events: list[tuple[float, bool, bool]],
) -> None:
    async def life() -> None:
        mint, clock = Mint(300.0), VirtualClock()
        auth = credentials(mint, clock)
        granted: dict[str, float] = {}
        for span, broken, rejected in events:
            clock.forward(span)
            mint.fault = (lambda: TokenUnavailable("down")) if broken else None
            try:
                token = await auth.token()
            except TokenUnavailable:
                continue
            since = granted.setdefault(token.reveal(), clock.monotonic())
            assert clock.monotonic() < since + 300.0
            if rejected:
                await auth.renew(token)
            for _ in range(4):
                await asyncio.sleep(0)
        await auth.close()

    asyncio.run(life())


# --- client credentials, over the wire -------------------------------------------------------


async def test_the_token_request_is_what_the_platform_documents() -> None:
    async with bench(LOGIN) as b:
        assert isinstance(await b.platform.read(RID), Live)
        ask, get = b.stack.requests
        assert (ask.method, ask.path) == ("POST", "/multipass/api/oauth2/token")
        assert ask.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "Authorization" not in ask.headers
        assert ask.body == (
            b"client_id=the-client&client_secret=canary-client-secret-11"
            b"&grant_type=client_credentials&scope=api%3Amodels-read+api%3Amodels-write"
        )
        assert get.token == "token-1"
        assert b.watch.requests == [("token", "200"), ("get", "200")]


async def test_no_scopes_means_all_of_them() -> None:
    async with bench(ClientLogin("c", FixedSecret("s"), ())) as b:
        await b.platform.read(RID)
        assert b"scope" not in b.stack.requests[0].body


async def test_a_401_renews_once_and_replays_once_even_a_put() -> None:
    async with bench(LOGIN) as b:
        await b.platform.read(RID)
        b.stack.after_get = lambda: setattr(b.stack, "accepts", {"token-2"})
        outcome = await b.platform.apply(RID, Envelope(1, 3, 32), Envelope(2, 6, 32))
        assert outcome.kind is Kind.APPLIED
        sent = [(seen.method, seen.token) for seen in b.stack.requests[2:]]
        # A PUT is sent again only on a fresh reading.
        assert sent == [
            ("GET", "token-1"),
            ("PUT", "token-1"),
            ("POST", ""),
            ("GET", "token-2"),
            ("PUT", "token-2"),
            ("GET", "token-2"),
        ]
        assert b.watch.retries == [("replace", "unauthorized")]


@pytest.mark.fault(33)
async def test_what_changes_while_a_token_is_renewed_is_not_overwritten() -> None:
    async with bench(LOGIN) as b:
        await b.platform.read(RID)
        b.stack.next("PUT", Reply(401))
        b.stack.after_get = lambda: b.stack.configuration().update(maxReplicas=9)
        outcome = await b.platform.apply(RID, Envelope(1, 3, 32), Envelope(2, 6, 32))
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.DRIFTED)
        assert b.stack.configuration()["maxReplicas"] == 9


@pytest.mark.fault(23)
async def test_a_401_that_stays_stops_writing_and_asks_for_no_more_tokens() -> None:
    async with bench(LOGIN) as b:
        b.stack.accepts = set()
        outcome = await b.platform.apply(RID, Envelope(1, 3, 32), Envelope(2, 6, 32))
        assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, Code.UNAUTHORIZED)
        assert b.platform.room(60) == 0
        for _ in range(5):
            assert isinstance(await b.platform.read(RID), Unread)
        assert b.stack.tokens == 2
        assert b.stack.methods() == ["POST", "GET", "POST", "GET", *["GET"] * 5]


async def test_a_rotated_client_secret_is_read_at_the_next_token_request(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n")
    async with bench(ClientLogin("c", FileSecret(file))) as b:
        await b.platform.read(RID)
        file.write_text("second\n")
        b.stack.accepts = {"token-2"}
        assert isinstance(await b.platform.read(RID), Live)
        secrets = [seen.body for seen in b.stack.requests if seen.method == "POST"]
        assert [b"first" in secrets[0], b"second" in secrets[1]] == [True, True]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(401, b'{"error": "invalid_client"}'), Code.UNAUTHORIZED),
        (Reply(400, b"nonsense"), Code.UNAUTHORIZED),
        (Reply(500, b"{}"), Code.PLATFORM_ERROR),
        (Reply(302, headers={"Location": "https://elsewhere.example/"}), Code.PLATFORM_ERROR),
        (Reply(200, b"<html>"), Code.PLATFORM_ERROR),
        (Reply(200, b'{"access_token": ""}'), Code.PLATFORM_ERROR),
        (Reply(resets=True), Code.PLATFORM_ERROR),
    ],
)
async def test_a_failed_login_sends_nothing_and_shows_no_secret(reply: Reply, code: Code) -> None:
    async with bench(LOGIN) as b:
        b.stack.next("POST", reply)
        outcome = await b.platform.apply(RID, Envelope(1, 3, 32), Envelope(2, 6, 32))
        assert outcome.reason.code is code
        assert b.stack.methods() == ["POST"]
        assert CANARY not in repr(outcome) + str(outcome.reason)


async def test_a_missing_secret_file_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    async with bench(ClientLogin("c", FileSecret(tmp_path / "gone"))) as b:
        found = await b.platform.read(RID)
        assert isinstance(found, Unread)
        assert found.reason.code is Code.UNAUTHORIZED
        assert "gone cannot be read: No such file" in str(found.reason)
        assert b.stack.requests == []


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "access_token"),
        ({"access_token": "two words"}, "access_token"),
        ({"access_token": "a\r\nX: y"}, "access_token"),
        ({"access_token": "canary", "token_type": "mac"}, "token_type"),
        ({"access_token": "canary", "expires_in": "soon"}, "expires_in"),
        ({"access_token": "canary", "expires_in": 0}, "expires_in"),
        ({"access_token": "canary", "expires_in": True}, "expires_in"),
    ],
)
def test_a_wrong_grant_is_refused_by_field_without_its_value(
    said: dict[str, object], field: str
) -> None:
    with pytest.raises(TokenUnavailable, match=field) as caught:
        grant_of(said)
    assert "canary" not in str(caught.value)


def test_a_grant_without_a_life_is_renewed_soon() -> None:
    assert grant_of({"access_token": "t", "token_type": "Bearer"}).expires_in_s == 300


# --- static tokens and secrets ---------------------------------------------------------------


async def test_a_token_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" one \n")
    async with bench(TokenLogin(FileSecret(file))) as b:
        await b.platform.read(RID)
        file.write_text("another\n")
        await b.platform.read(RID)
        file.unlink()
        await b.platform.read(RID)
        assert [seen.token for seen in b.stack.requests] == ["one", "another", "another"]


async def test_a_static_token_that_is_refused_is_not_replayed() -> None:
    async with bench() as b:
        b.stack.accepts = set()
        assert isinstance(await b.platform.read(RID), Unread)
        assert b.stack.methods() == ["GET"]


async def test_a_static_token_is_replayed_only_when_its_file_holds_another(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    auth = StaticToken(FileSecret(file))
    token = await auth.token()
    assert await auth.renew(token) is False
    file.write_text("two")
    assert await auth.renew(token) is True
    file.unlink()
    assert await auth.renew(token) is False
    with pytest.raises(SecretUnreadable):
        await StaticToken(FileSecret(file)).token()


@pytest.mark.parametrize("content", [b"", b"  \n", b"two words", b"caf\xc3\xa9", b"a\nb"])
def test_a_file_without_a_plausible_secret_is_refused_by_name(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(SecretUnreadable, match="token"):
        FileSecret(file).read()


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"x" * (LARGEST_SECRET + 10))
    with pytest.raises(SecretUnreadable, match="at most 65536"):
        FileSecret(file).read()


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(CANARY)
    shown = f"{secret} {secret!r} {[secret]} {LOGIN} {Grant(secret, 1.0)}"
    assert CANARY not in shown
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY
