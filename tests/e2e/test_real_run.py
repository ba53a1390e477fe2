"""As a stranger would run it: a simulated platform, a real Prometheus and the daemon, three processes."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.daemon import Child, Daemon, Json, Site, command, until
from tests.fakes.nursery import INSTALLED
from tests.fakes.prometheus import RealPrometheus, prometheus_or_skip

pytestmark = [pytest.mark.server, pytest.mark.slow]

TRACE = Path(__file__).parents[1] / "data" / "autothrottle_bursty.csv"
CONFIGURATION: Json = {
    "platform": {
        "timeouts": {"read": "5s", "write": "2s"},
        "resync": "10s",
        "pacing": {"requests_per_second": 20, "burst": 20},
    },
    "defaults": {
        "mode": "apply",
        "limits": {
            "min_replicas": {"low": 1, "high": 12},
            "max_replicas": {"low": 2, "high": 16},
            "threads": {"low": 32, "high": 32},
        },
        "signals": {
            "in_flight": {
                "source": "prom",
                "query": "sum by (deployment) (foundry_gateway_in_flight_jobs)",
                "max_age": "10s",
                "window": "1m",
            }
        },
        "policies": {
            "load": {"kind": "target_load", "signal": "in_flight", "target": 0.7, "window": "3s"}
        },
        "guards": {
            "freshness": {"max_age": "10s"},
            "recovery": {"grace": "1s"},
            "settle": {"timeout": "5s"},
            "stabilise": {"lower_window": "2s"},
            "cooldown": {"lower": "2s"},
        },
    },
    "log": {"format": "json"},
}


async def card_of(child: Child) -> Json:
    async def look() -> Json | None:
        assert child.process.returncode is None, child.err
        return json.loads(child.out) if child.out.endswith("\n") else None

    return await until(look, "the simulated platform tells its addresses")


def site_for(folder: Path, card: Json, prometheus: str) -> Site:
    """The configuration that a user would write from the card."""
    tree = json.loads(json.dumps(CONFIGURATION))
    tree["platform"] |= {"url": card["url"], "auth": {"client_id": card["client_id"]}}
    tree["sources"] = {"prom": {"kind": "prometheus", "url": prometheus}}
    chat: dict[str, Any] = {"rid": card["rids"]["model-1"], "match": "model-1"}
    tree["groups"] = {"online": {"interval": "1s", "deployments": {"chat": chat}}}
    return Site(folder, tree)


def directions(decisions: list[Json]) -> set[str]:
    """Which ways the envelope was really changed, oldest and newest alike."""
    found = set()
    for one in decisions:
        if one["outcome"]["kind"] == "applied":
            before, after = one["plan"]["before"], one["plan"]["after"]
            for dial in ("min_replicas", "max_replicas"):
                if after[dial] != before[dial]:
                    found.add("raised" if after[dial] > before[dial] else "lowered")
    return found


async def seen_both(daemon: Daemon, state_url: str) -> set[tuple[int, int]]:
    """Watch until the daemon says that it raised and lowered; the platform's own envelopes."""
    envelopes: set[tuple[int, int]] = set()

    async def look() -> bool:
        async with daemon.session.get(state_url) as answer:
            row = (await answer.json())["deployments"]["model-1"]
        envelopes.add((row["min_replicas"], row["max_replicas"]))
        return directions(await daemon.decisions()) == {"raised", "lowered"}

    await until(look, "raised and lowered", 60.0)
    return envelopes


async def promtool_finds_nothing(exposition: str) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "promtool comes with prometheus: apt-get install prometheus"
    process = await asyncio.create_subprocess_exec(
        *(promtool, "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate(exposition.encode())
    assert (process.returncode, told.decode()) == (0, "")


async def reload_and_keep(site: Site, daemon: Daemon) -> None:
    """SIGHUP takes a changed mode; a broken file is kept out."""
    site.tree["defaults"]["mode"] = "observe"
    site.write()
    daemon.child.send(signal.SIGHUP)

    async def observing() -> bool:
        latest = await daemon.latest()
        return latest is not None and latest["outcome"]["code"] == "mode_observe"

    await until(observing, "it only observes")
    site.file.write_text("groups: [", encoding="utf-8")
    daemon.child.send(signal.SIGHUP)

    async def kept() -> bool:
        return await daemon.metric("config_last_reload_successful") == 0

    await until(kept, "the broken configuration is kept out")
    assert (await daemon.page("/readyz"))[0] == 200
    site.write()


async def test_it_raises_and_lowers_a_deployment_by_what_prometheus_scraped(
    tmp_path: Path,
) -> None:
    prometheus_or_skip()
    options = ("simulate", "--speed", "60", "--trace", str(TRACE))
    async with command(*options, folder=tmp_path) as platform:
        card = await card_of(platform)
        target = card["url"].removeprefix("http://")
        async with RealPrometheus([target]) as prometheus:
            await prometheus.until("foundry_gateway_in_flight_jobs")
            site = site_for(tmp_path, card, prometheus.url)
            env = {"AUTOSCALER_PLATFORM__AUTH__CLIENT_SECRET": card["client_secret"]}
            async with site.daemon(env, INSTALLED) as daemon:
                envelopes = await seen_both(daemon, card["state_url"])
                assert len(envelopes) > 1, "the platform's own word: the envelope moved"
                told = await site.cli("explain", "chat", env=env)
                assert told.code == 0, told.err
                assert "in_flight" in told.out
                status, exposition = await daemon.page("/metrics")
                assert status == 200
                await promtool_finds_nothing(exposition)
                assert (await daemon.page("/readyz"))[0] == 200
                await reload_and_keep(site, daemon)
                daemon.child.send(signal.SIGTERM)
                ended = await daemon.child.ended()
                assert (ended.code, ended.err) == (0, "")


async def test_prometheus_scrapes_the_daemon_itself(tmp_path: Path) -> None:
    prometheus_or_skip()
    async with command("simulate", "--speed", "60", folder=tmp_path) as platform:
        card = await card_of(platform)
        site = site_for(tmp_path, card, "http://127.0.0.1:9")
        env = {"AUTOSCALER_PLATFORM__AUTH__CLIENT_SECRET": card["client_secret"]}
        async with (
            site.daemon(env, INSTALLED),
            RealPrometheus([f"127.0.0.1:{site.port}"]) as prometheus,
        ):
            await prometheus.until('foundry_autoscaler_deployment_state{state="active"} == 1')
            await prometheus.until("foundry_autoscaler_source_up == 0")
