"""A real daemon, a real platform that goes away, a real receiver of signed messages."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.fakes.daemon import Site, stage, until
from tests.fakes.receiver import WEBHOOK_SECRET, Receiver, receiver

QUICK = {"wait": 0, "interval": 1, "severity": "info"}


def sink(site: Site, there: Receiver, **more: Any) -> None:
    secret = site.folder / "webhook-secret"
    secret.write_text(WEBHOOK_SECRET, encoding="utf-8")
    secret.chmod(0o600)
    options = {"url": there.url, "secret_file": str(secret), "format": "cloudevents", **QUICK}
    site.tree["notify"] = {"oncall": options | more}
    site.write()


def events(there: Receiver) -> list[dict[str, Any]]:
    verifier = Webhook(WEBHOOK_SECRET)
    return [verifier.verify(post.body, dict(post.headers)) for post in there.posts]


async def kind(there: Receiver, name: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        return next((e for e in events(there) if e["type"] == f"foundry-autoscaler.{name}"), None)

    return await until(look, f"a message of the kind {name}")


async def test_a_platform_that_refuses_is_told_signed_and_so_is_the_end_of_the_daemon(
    tmp_path: Path,
) -> None:
    async with receiver() as there, stage(tmp_path) as made:
        sink(made.site, there, kinds=["refused", "stopped"])
        async with made.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            await made.fault(
                "named_error",
                "replace",
                times=None,
                status=403,
                error_name="ReplaceLiveDeploymentPermissionDenied",
            )
            made.knob.jobs = 200.0
            told = await kind(there, "refused.firing")
            assert told["subject"] == "chat"
            assert told["data"]["news"][0]["deployment"] == "chat"

            async def counted() -> bool:
                labels = {"sink": "oncall", "outcome": "delivered"}
                return await daemon.metric("notifications_total", **labels) == 1

            await until(counted, "the delivery is counted")
            daemon.child.send(signal.SIGTERM)
            await daemon.child.ended()
        assert (await kind(there, "stopped.event"))["data"]["title"] == "the daemon stops"
    assert WEBHOOK_SECRET.encode() not in made.site.everything_written()


async def test_a_receiver_that_hangs_slows_no_tick(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response()

    async with receiver(handler=hang) as there, stage(tmp_path) as made:
        sink(made.site, there, timeout=60)
        async with made.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            ticks = await daemon.metric("tick_duration_seconds_count", group="online")
            assert ticks is not None

            async def more() -> bool:
                now = await daemon.metric("tick_duration_seconds_count", group="online")
                return now is not None and now >= ticks + 3

            await until(more, "three more ticks")
            daemon.child.send(signal.SIGTERM)
            ended = await daemon.child.ended()
            assert ended.code == 0
        gate.set()


async def test_the_command_sends_one_to_each_sink_and_says_what_came_back(
    tmp_path: Path,
) -> None:
    async with receiver() as there, receiver([(404, {})]) as gone, stage(tmp_path) as made:
        sink(made.site, there)
        made.site.tree["notify"]["gone"] = {"url": gone.url, "format": "slack"}
        made.site.write()
        ended = await made.site.cli("notify", "test", "--json")
        found = {one["sink"]: one for one in json.loads(ended.out)["sinks"]}
    assert ended.code == 3
    assert found["oncall"]["delivered"]
    assert found["gone"]["why"] == "the receiver refuses it (404)"
    assert json.loads(gone.posts[0].body)["text"].startswith(":information_source: *a test")
