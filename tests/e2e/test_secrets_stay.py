"""Canaries: no secret appears in anything that a daemon or a command writes or answers."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import SECRET, TOKEN, Daemon, Stage, stage, until

pytestmark = pytest.mark.slow

ROTATED = "canary-rotated-secret-e3b0c442"
ENVIRONMENT = "canary-environment-value-98fc1c14"
PAGES = (
    *("/", "/metrics", "/livez", "/readyz", "/api/v1/status", "/api/v1/deployments"),
    *("/api/v1/deployments/chat", "/api/v1/deployments/chat/decisions", "/api/v1/deployments/x"),
)


async def answers(daemon: Daemon) -> bytes:
    told = [await daemon.page(path) for path in PAGES]
    return "\n".join(text for _, text in told).encode()


async def trouble(world: Stage, daemon: Daemon) -> None:
    """Every way in which a request with a secret in it can fail, told in the log."""
    for kind in ("unauthorized", "server_error", "reset_after", "garbage", "rate_limited"):
        await world.fault(kind, "get")
        await world.fault(kind, "replace")
        await world.fault(kind, "token")
        world.platform.tokens.expire_all()
        world.knob.jobs += 40.0
        await until(daemon.latest, "a decision")
        await world.until_struck()
        await world.no_more_faults()


async def rotate(world: Stage, daemon: Daemon) -> None:
    """A new secret in the file, a broken configuration, and the good one again."""
    secret = world.site.folder / "client-secret"
    world.platform.tokens.client_secret = ROTATED
    secret.write_text(ROTATED, encoding="utf-8")
    world.platform.tokens.expire_all()
    await until_logged(daemon, "configuration loaded")
    world.site.file.write_text("platform: {auth: {token: " + TOKEN + "}}", encoding="utf-8")
    await until_logged(daemon, "configuration kept")
    world.site.write()
    daemon.child.send(signal.SIGHUP)


async def until_logged(daemon: Daemon, words: str) -> None:
    async def look() -> bool:
        return words in daemon.child.out

    await until(look, f"{words!r} in the log")


def issued(world: Stage) -> list[str]:
    """The access tokens that the platform knows now."""
    return list(world.platform.tokens._grants)


def put_environment(world: Stage) -> None:
    chat = world.platform.deployments["chat"]
    chat.raw = {**chat.raw, "environmentVariables": {"API_KEY": ENVIRONMENT}}


async def test_no_secret_leaves_by_any_door_whatever_goes_wrong(tmp_path: Path) -> None:
    tokens: set[str] = set()
    async with stage(tmp_path, token_ttl_s=30.0) as world:
        put_environment(world)
        async with world.site.daemon() as daemon:
            await daemon.until_settled(Envelope(1, 2, 32))
            tokens |= {*issued(world)}
            await trouble(world, daemon)
            tokens |= {*issued(world)}
            await rotate(world, daemon)
            world.knob.jobs = 100.0
            await daemon.until_settled(Envelope(7, 11, 32))
            tokens |= {*issued(world)}
            said = await answers(daemon)
            journal = await world.site.cli("explain", "chat", "--json")
            online = await world.site.cli("check", "--online", "--json")
            assert (journal.code, online.code) == (0, 0)
            daemon.child.send(signal.SIGTERM)
            await daemon.child.ended()
        raw = world.platform.deployments["chat"].raw
        assert raw["environmentVariables"] == {"API_KEY": ENVIRONMENT}, "written back as it was"
        world.site.file.unlink()
        written = world.site.everything_written()
    assert b"daemon started" in written
    assert b"unauthorized" in written, "there was trouble to tell of"
    assert b"SQLite format 3" in written
    assert len(tokens) > 2
    for secret in (SECRET, ROTATED, TOKEN, ENVIRONMENT, *tokens):
        assert secret.encode() not in written + said
