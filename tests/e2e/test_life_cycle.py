"""Signals, reloads and restarts of the running daemon, as an operator and a supervisor see them."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import Daemon, Stage, command, stage, until

pytestmark = pytest.mark.slow

BUSY_ENVELOPE = Envelope(7, 11, 32)
PUT_DEADLINE_S = 2.0
SLOW_S = 40.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def reloaded(daemon: Daemon, outcome: str, count: int = 1) -> None:
    async def look() -> bool:
        return await daemon.metric("config_reloads_total", outcome=outcome) == count

    await until(look, f"{count} reloads ended in {outcome}")


async def mode_is(daemon: Daemon, mode: str) -> None:
    async def look() -> bool:
        latest = await daemon.latest()
        return latest is not None and latest["mode"] == mode

    await until(look, f"the mode is {mode}")


async def test_sighup_takes_a_changed_mode_over_between_two_ticks(world: Stage) -> None:
    world.site.tree["defaults"]["mode"] = "recommend"
    async with world.site.daemon() as daemon:
        world.knob.jobs = 100.0
        await daemon.until_outcome("recommended", "mode_recommend")
        before = await daemon.api("/status")
        assert world.puts == []
        world.site.tree["defaults"]["mode"] = "apply"
        world.site.write()
        daemon.child.send(signal.SIGHUP)
        await mode_is(daemon, "apply")
        await daemon.until_settled(BUSY_ENVELOPE)
        after = await daemon.api("/status")
        assert after["configuration"] != before["configuration"]
        assert after["started_at"] == before["started_at"], "it is the same process"


async def test_a_changed_file_is_noticed_without_a_signal(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        world.site.tree["defaults"]["mode"] = "observe"
        world.site.write()
        await mode_is(daemon, "observe")


BROKEN = {
    "syntax": ("groups: [", "autoscaler.yaml:"),
    "an unknown option": ('{"platform": {"url": "https://acme.example", "speed": 9}}', "speed"),
    "nothing": ("", "autoscaler.yaml"),
}


@pytest.mark.fault(55)
@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_configuration_is_kept_out_and_the_last_good_one_stays(
    world: Stage, text: str, words: str
) -> None:
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        world.site.file.write_text(text, encoding="utf-8")
        daemon.child.send(signal.SIGHUP)
        await reloaded(daemon, "failure")
        assert await daemon.metric("config_last_reload_successful") == 0
        kept = [line for line in daemon.child.out.splitlines() if "configuration kept" in line]
        assert words in kept[0]
        world.knob.jobs = 100.0
        await daemon.until_settled(BUSY_ENVELOPE)
        world.site.write()
        daemon.child.send(signal.SIGHUP)
        await reloaded(daemon, "success", 2)
        assert await daemon.metric("config_last_reload_successful") == 1


async def test_a_ca_file_that_is_none_is_kept_out(world: Stage) -> None:
    no_ca = world.site.folder / "ca.pem"
    no_ca.write_text("this is no certificate\n", encoding="utf-8")
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        world.site.tree["platform"]["ca_file"] = str(no_ca)
        world.site.write()
        await reloaded(daemon, "failure")
        assert (await daemon.page("/livez"))[0] == 200
    checked = await world.site.cli("check")
    assert checked.code == 78
    assert "platform.ca_file: must be a PEM file" in checked.err


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_daemon_ends_at_once_and_well(world: Stage, ending: signal.Signals) -> None:
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        daemon.child.send(ending)
        ended = await daemon.child.ended()
    assert (ended.code, ended.err) == (0, "")
    assert '"daemon stops"' in ended.out


@pytest.mark.fault(64)
async def test_sigterm_lets_the_put_in_flight_end(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        await world.fault("slow_after", "replace", delay_s=1.5)
        world.knob.jobs = 100.0
        await world.until_struck()
        daemon.child.send(signal.SIGTERM)
        ended = await daemon.child.ended()
    assert (ended.code, ended.err) == (0, "")
    assert '"outcome":"applied"' in ended.out
    async with world.site.daemon() as daemon:
        await daemon.until_settled(BUSY_ENVELOPE)
    assert world.puts == [200]


@pytest.mark.parametrize("operation", ["get", "metrics", "replace"])
async def test_sigterm_ends_in_time_however_slow_the_others_are(
    world: Stage, operation: str
) -> None:
    world.site.tree["platform"]["timeouts"] = {"read": "60s", "write": f"{PUT_DEADLINE_S}s"}
    world.site.tree["sources"]["gateway"]["timeout"] = "60s"
    world.site.tree["groups"]["online"]["interval"] = "30s"
    async with world.site.daemon() as daemon:
        world.knob.jobs = 100.0
        await world.fault("slow", operation, delay_s=SLOW_S, times=None)
        await world.until_struck()
        daemon.child.send(signal.SIGTERM)
        began = time.monotonic()
        ended = await daemon.child.ended()
        took = time.monotonic() - began
    assert (ended.code, ended.err) == (0, "")
    # One second for the record and the doors, and much more for a busy machine.
    assert took < PUT_DEADLINE_S + 1 + 17 <= SLOW_S / 2


async def test_sigterm_ends_a_daemon_that_has_not_started_yet(world: Stage) -> None:
    chat = world.platform.deployments["chat"]
    discover = {"model_rid": chat.model_rid, "name": "chat-{branch}"}
    world.site.tree["groups"]["online"] = {"interval": "1s", "discover": [discover]}
    await world.fault("slow", "list", delay_s=SLOW_S, times=None)
    async with world.site.daemon() as daemon:
        await world.until_struck()
        daemon.child.send(signal.SIGTERM)
        ended = await daemon.child.ended(SLOW_S / 2)
    assert (ended.code, ended.err) == (0, "")
    assert "stops before it has started" in ended.out


@pytest.mark.fault(64)
async def test_a_second_sigterm_ends_it_without_waiting(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await mode_is(daemon, "apply")
        await world.fault("slow", "replace", delay_s=SLOW_S)
        world.knob.jobs = 100.0
        await world.until_struck()
        daemon.child.send(signal.SIGTERM)

        async def stopping() -> bool:
            return "daemon stops" in daemon.child.out

        await until(stopping, "it stops")
        daemon.child.send(signal.SIGTERM)
        assert (await daemon.child.ended()).code == -signal.SIGTERM


async def test_an_address_in_use_is_told_in_a_sentence(world: Stage) -> None:
    async with world.site.daemon():
        other = world.site.folder / "other.yaml"
        text = world.site.file.read_text(encoding="utf-8").replace("journal.db", "other.db")
        other.write_text(text, encoding="utf-8")
        async with command("run", "--config", str(other), folder=world.site.folder) as child:
            ended = await child.ended()
    assert ended.code == 1
    assert str(world.site.port) in ended.err
    assert "Traceback" not in ended.err
