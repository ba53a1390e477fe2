"""Each alert is made to fire by a real fault: real daemon, real Prometheus, real HTTP.

The rules are the shipped ones with shorter durations. A calm fleet fires none of them.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.alerts import RULES, Siren, quickened, shorter
from tests.fakes.daemon import Daemon, until
from tests.fakes.prometheus import RealPrometheus
from tests.fakes.troubled import Fleet, fleet

pytestmark = [pytest.mark.server, pytest.mark.slow]

BUSY = 100.0
STALL_S = 1.5
# What a machine that runs four tests at once may cause by itself.
BUSY_MACHINE = {"EventLoopLag", "TicksTroubled", "NotEvaluating"}
GROUPS = yaml.safe_load((RULES / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
EVERY = {
    rule["alert"].removeprefix("FoundryAutoscaler") for group in GROUPS for rule in group["rules"]
}


def test_durations_are_shortened_and_nothing_else(tmp_path: Path) -> None:
    assert [shorter(text, 5.0) for text in ("10s", "2m", "10m", "1d")] == [
        "1000ms",
        "2000ms",
        "5000ms",
        "5000ms",
    ]
    _, alerts = quickened(tmp_path)
    quick = yaml.safe_load(alerts.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in quick for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == [r["alert"] for g in GROUPS for r in g["rules"]]
    failing = next(r for r in rules if r["alert"].endswith("ChangesFailing"))
    assert "[15000ms]" in failing["expr"]
    assert failing["expr"].endswith("> 2")


async def quiet(siren: Siren, daemon: Daemon) -> None:
    """A calm fleet is watched for a while and fires nothing."""
    await until(daemon.latest, "a first decision")
    await siren.prometheus.until("foundry_autoscaler_source_up == 1")
    for _ in range(8):
        await asyncio.sleep(0.5)
        assert await siren.listen() <= BUSY_MACHINE


async def heard(siren: Siren, *names: str, within_s: float = 120.0) -> None:
    """Wait until all of these have fired."""

    async def look() -> bool:
        await siren.listen()
        return siren.fired.keys() >= set(names)

    try:
        await until(look, "alerts", within_s)
    except AssertionError:
        missing = sorted(set(names) - siren.fired.keys())
        raise AssertionError(f"silent: {missing}; fired: {sorted(siren.fired)}") from None


@asynccontextmanager
async def underway(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These go on while the block lasts."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def swing(world: Fleet, name: str, every_s: float = 4.0) -> None:
    for jobs in itertools.cycle((BUSY, 10.0)):
        world.knobs[name].jobs = jobs
        await asyncio.sleep(every_s)


async def stall(daemon: Daemon) -> None:
    """The process gets no time for a while, and then again."""
    while True:
        daemon.child.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(STALL_S)
        finally:
            daemon.child.send(signal.SIGCONT)
        await asyncio.sleep(2 * STALL_S)


async def surge(world: Fleet) -> None:
    """Demand that doubles whenever a forecast could have learnt what is normal."""
    jobs = 10.0
    while True:
        await asyncio.sleep(4.0)
        jobs = min(1e9, jobs * 2)
        world.knobs["surge"].jobs = jobs


async def meddle(world: Fleet) -> None:
    for most in itertools.cycle((5, 9)):
        await world.meddle("drifty", most)
        await asyncio.sleep(4.0)


async def deployments_fail_one_by_one(world: Fleet, daemon: Daemon, siren: Siren) -> None:
    """Rights, errors, limits, budgets, bugs, hands and operators' words, each on its own."""
    await world.fault("permission_denied", "replace", rid=world.rid("blocked"))
    await world.fault("server_error", "replace", rid=world.rid("broken"))
    for name in ("blocked", "broken", "stuck"):
        world.knobs[name].jobs = BUSY
    world.knobs["capped"].jobs = 10_000.0
    world.worsen()
    daemon.child.send(signal.SIGHUP)
    for words in (
        ("pause", "held", "--for", "5m"),
        ("pause", "chat", "--endless"),
        ("brake", "drifty", "--for", "1h"),
    ):
        told = await world.site.cli(*words, "--why", "a trial")
        assert told.code == 0, told.err
    await world.exporter.kill()
    await heard(siren, "ChangesRefused", "ChangesFailing", "AtCeiling", "RaiseStuck")
    await heard(siren, "PolicyCrashed", "BudgetSpent", "BudgetRunsOut", "FloorNotReached")
    await heard(siren, "OverrideExpiring", "OverrideWithoutEnd", "BrakeActive")
    await heard(siren, "NotificationsFailing")
    await heard(siren, "SourceDown", "DataStale", "FleetAlarm", "Flapping")


async def the_machine_fails(world: Fleet, daemon: Daemon, siren: Siren) -> None:
    """A stalled process, a wrong clock, a broken file, a slow platform."""
    world.knobs["broken"].jobs = 10.0
    await world.clear()
    good = world.site.file.read_text(encoding="utf-8")
    world.site.file.write_text("groups: [", encoding="utf-8")
    daemon.child.send(signal.SIGHUP)
    await world.fault("skewed", skew_s=-90.0)
    async with underway(stall(daemon)):
        await heard(siren, "EventLoopLag")
    await heard(siren, "ClockSkew", "ConfigReloadFailed")
    world.site.file.write_text(good, encoding="utf-8")
    await world.clear()
    await world.fault("slow", "replace", rid=world.rid("late"), delay_s=8.0)
    # Again and again: a busy machine may lose the scrapes of a single slow tick.
    async with underway(swing(world, "late", 12.0)):
        await heard(siren, "NotEvaluating", "TicksTroubled")
    await world.clear()


async def the_platform_fails(world: Fleet, siren: Siren) -> None:
    await world.fault("rate_limited", "get")
    await heard(siren, "RateLimited")
    await world.clear()
    await world.fault("server_error", "get")
    await heard(siren, "BreakerOpen")
    await world.clear()
    world.platform.tokens.expire_all()
    await world.fault("unauthorized", "token")
    await heard(siren, "LoginFailing")
    await world.clear()


async def the_journal_fails(world: Fleet, siren: Siren) -> None:
    """Somebody holds the database: a backup that went wrong."""
    other = sqlite3.connect(world.site.journal, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        await heard(siren, "JournalNotWritable")
    finally:
        other.close()


async def test_each_alert_fires_by_a_real_fault_and_none_in_a_calm_fleet(tmp_path: Path) -> None:
    async with fleet(tmp_path) as world, world.site.daemon() as daemon:
        target = f"127.0.0.1:{world.site.port}"
        async with RealPrometheus([target], "500ms", rules=quickened(tmp_path)) as prometheus:
            siren = Siren(prometheus)
            await quiet(siren, daemon)
            async with underway(surge(world), swing(world, "swing"), meddle(world)):
                await deployments_fail_one_by_one(world, daemon, siren)
                await the_machine_fails(world, daemon, siren)
                await heard(siren, "ForecastNotCalibrated", "DriftFight")
            await the_platform_fails(world, siren)
            await the_journal_fails(world, siren)
            daemon.child.process.kill()
            await heard(siren, "Down")
    assert siren.fired.keys() == EVERY
    for alert in siren.fired.values():
        told = " ".join(alert["annotations"].values())
        assert "error" not in told, "a template that does not expand"
        assert "<no value>" not in told
