"""Each finding is made to appear once, by the thing itself: a real platform, files, a journal."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from autoscaler.core.controls import Standing
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import (
    Change,
    Control,
    Health,
    Limits,
    Mode,
    NativeScaling,
    Override,
)
from autoscaler.journal import open_journal
from autoscaler.ports import Live, Memory
from autoscaler.roster import Managed
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.seat import Seat
from autoscaler.wiring.doctor import Level
from autoscaler.wiring.doctor import place as place_room
from autoscaler.wiring.doctor.finding import CHECKS
from autoscaler.wiring.doctor.online import Seen, of_native
from autoscaler.wiring.doctor.past import of_past
from tests.doctor.stage import chat, findings
from tests.fakes.configuration import RID
from tests.fakes.daemon import Stage
from tests.fakes.decisions import decided
from tests.fakes.sources import MetricsServer, answering, instants, matrix, vector

HOUR = 3600.0
NOW = 1_800_000_000.0


async def test_a_good_place_has_nothing_to_find(world: Stage) -> None:
    found = await findings(world)
    assert {one.level for one in found.values()} <= {Level.NOTE}


async def test_every_finding_says_why_it_matters_and_what_to_do(world: Stage) -> None:
    world.site.tree["sources"]["gateway"]["url"] = "http://127.0.0.1:1/metrics"
    world.platform.deployments["chat"].rid = "ri.foundry-ml-live.main.live-deployment.gone"
    chat(world)["rid"] = "ri.foundry-ml-live.main.live-deployment.other"
    for one in (await findings(world)).values():
        assert one.what
        assert one.why
        assert one.action


async def test_a_configuration_that_is_not_valid_is_a_finding_with_its_place(
    world: Stage,
) -> None:
    world.site.tree["groups"]["online"]["interval"] = "soon"
    found = await findings(world)
    assert "groups.online.interval" in found["configuration"].what
    assert found["configuration"].level is Level.ERROR


async def test_a_secret_that_everybody_may_read(world: Stage) -> None:
    file = world.site.tree["platform"]["auth"]["client_secret_file"]
    world.site.folder.joinpath(Path(file).name).chmod(0o644)
    assert "chmod 600" in (await findings(world))["configuration"].what


async def test_a_platform_that_knows_no_such_client(world: Stage) -> None:
    world.site.tree["platform"]["auth"]["client_id"] = "stranger"
    found = await findings(world)
    assert found["token"].level is Level.ERROR


async def test_a_static_token_is_somebodys(world: Stage) -> None:
    file = world.site.folder / "static-secret"
    file.write_text(world.platform.token, encoding="utf-8")
    file.chmod(0o600)
    world.site.tree["platform"]["auth"] = {"token_file": str(file)}
    assert (await findings(world))["static_token"].level is Level.WARNING


async def test_a_writer_that_does_not_ask_for_the_right_to_write(world: Stage) -> None:
    world.site.tree["platform"]["auth"]["scopes"] = ["api:models-read"]
    found = await findings(world)
    assert found["scope"].level is Level.ERROR
    assert "chat" in found["scope"].what


async def test_a_clock_that_is_wrong(world: Stage) -> None:
    await world.fault("skewed", times=None, skew_s=90.0)
    found = (await findings(world))["clock"]
    assert found.level is Level.ERROR
    assert "behind the platform's" in found.what


async def test_a_deployment_that_may_not_be_read(world: Stage) -> None:
    name = "ReplaceLiveDeploymentPermissionDenied"
    await world.fault("named_error", "get", times=None, status=403, error_name=name)
    found = (await findings(world))["permission"]
    assert found.about == "chat"
    assert "role on the project" in found.action


async def test_a_rid_that_nobody_has(world: Stage) -> None:
    chat(world)["rid"] = "ri.foundry-ml-live.main.live-deployment.other"
    assert (await findings(world))["rid"].about == "chat"


async def test_a_deployment_that_cannot_be_scaled(world: Stage) -> None:
    name = "UnsupportedLiveDeployment"
    await world.fault("named_error", "get", times=None, status=400, error_name=name)
    found = (await findings(world))["unsupported"]
    assert found.about == "chat"
    assert "leave it out" in found.action


async def test_a_platform_that_is_not_there(world: Stage) -> None:
    world.site.tree["platform"]["url"] = "http://127.0.0.1:1"
    assert (await findings(world))["platform"].unreachable


async def test_a_source_that_does_not_answer(world: Stage) -> None:
    world.site.tree["sources"]["gateway"]["url"] = "http://127.0.0.1:1/metrics"
    found = (await findings(world))["source"]
    assert found.unreachable
    assert "cannot connect" in found.what


async def test_a_label_that_nearly_matches_names_what_was_meant(world: Stage) -> None:
    chat(world)["match"] = "Chat_"
    found = (await findings(world))["label"]
    assert "did you mean match: chat?" in found.action
    assert "'Chat_'" in found.what


async def test_a_metric_that_is_not_there(world: Stage) -> None:
    signal = world.site.tree["defaults"]["signals"]["in_flight"]
    signal["query"] = {"metric": "nobody_exports_this", "kind": "gauge"}
    assert (await findings(world))["signal"].level is Level.ERROR


async def test_a_metric_that_is_old(world: Stage) -> None:
    now, labels = time.time(), {"deployment": "chat"}
    ages = vector((labels, now, repr(now - 900)))
    at_once, past = instants(vector((labels, now, "7")), ages), answering(matrix())

    async def handle(request: web.Request) -> web.StreamResponse:
        return await (past if request.path.endswith("query_range") else at_once)(request)

    signal = {"source": "prom", "query": "jobs", "max_age": "90s"}
    world.site.tree["defaults"]["signals"]["in_flight"] = signal
    async with MetricsServer(handle) as server:
        world.site.tree["sources"] = {"prom": {"kind": "prometheus", "url": server.url}}
        found = (await findings(world))["signal"]
    assert "no data: stale" in found.what
    assert "raise signals.*.max_age" in found.action


async def test_a_prometheus_that_does_not_scrape_the_daemon(world: Stage) -> None:
    async with MetricsServer(answering(vector())) as server:
        world.site.tree["sources"]["prom"] = {"kind": "prometheus", "url": server.url}
        found = await findings(world)
    assert found["scrape"].level is Level.NOTE


async def test_a_deployment_without_a_policy(world: Stage) -> None:
    chat(world)["policies"] = {"load": None}
    assert (await findings(world))["no_policy"].about == "chat"


async def test_a_calendar_alone_needs_no_signal_and_it_is_said(world: Stage) -> None:
    windows = {"day": {"days": "Mon-Fri", "time": "07:30-20:30", "at_least": {"min_replicas": 2}}}
    chat(world)["policies"] = {"load": None, "hours": {"kind": "calendar", "windows": windows}}
    chat(world)["signals"] = {"in_flight": None}
    assert (await findings(world))["no_signal"].level is Level.NOTE


async def test_policies_that_count_in_different_zones(world: Stage) -> None:
    windows = {"day": {"days": "Mon-Fri", "time": "07:30-20:30", "at_least": {"min_replicas": 2}}}
    chat(world)["policies"] = {
        "here": {"kind": "calendar", "zone": "Europe/Zurich", "windows": windows},
        "there": {"kind": "calendar", "zone": "America/New_York", "windows": windows},
    }
    found = (await findings(world))["time_zones"]
    assert "here in Europe/Zurich" in found.what


async def test_a_window_that_is_too_short_is_a_doubt(world: Stage) -> None:
    chat(world)["policies"] = {"load": {"window": "10m"}}
    found = (await findings(world))["doubt"]
    assert "signals.in_flight.window" in found.what


async def test_a_target_above_the_platforms_own_threshold(world: Stage) -> None:
    chat(world)["policies"] = {"load": {"target": 0.9}}
    found = (await findings(world))["native_threshold"]
    assert "0.9" in found.what
    assert "0.75" in found.what


async def test_a_group_that_is_slower_than_the_platform(world: Stage) -> None:
    world.site.tree["groups"]["online"]["interval"] = "5m"
    assert "at most 60s" in (await findings(world))["interval"].action


async def test_a_pause_without_an_end(world: Stage) -> None:
    journal = await open_journal(f"sqlite:///{world.site.journal}", clock=SystemClock())
    await journal.add_override("chat", Override(Control.PAUSE, "alice", "load test"))
    await journal.close()
    found = (await findings(world))["endless_override"]
    assert found.about == "chat"
    assert "alice" in found.what


def past(*moves: tuple[float, bool]) -> Mapping[str, Memory]:
    one, other = Envelope(1, 4, 32), Envelope(2, 4, 32)
    changes = tuple(Change(NOW - ago, one, other, foreign) for ago, foreign in moves)
    return {"chat": Memory(changes=changes)}


def test_somebody_elses_hands_are_seen_in_the_drift_history() -> None:
    fights = past((3000, False), (2900, True), (2000, False), (1900, True), (100, True))
    (found,) = of_past(fights, (), NOW)
    assert found.check == "other_automation"
    assert "changed it 3 times" in found.what
    assert "2 of them within 15 minutes" in found.what


@pytest.mark.parametrize(
    "moves",
    [
        [(300, True), (200, True)],
        [(300, False), (200, False), (100, False)],
        [(9 * 86_400, True), (8 * 86_400, True), (100, True)],
    ],
)
def test_a_hand_now_and_then_is_no_automation(moves: list[tuple[float, bool]]) -> None:
    assert list(of_past(past(*moves), (), NOW)) == []


def test_a_word_with_an_end_is_in_order() -> None:
    word = Override(Control.FLOOR, "alice", "sale", NOW + HOUR, Dial.MIN_REPLICAS, 4)
    assert list(of_past({}, [Standing("1", "chat", word, NOW)], NOW)) == []


def test_the_platforms_own_threshold_is_what_the_checks_say() -> None:
    assert NativeScaling().up_threshold == 0.75


@pytest.mark.parametrize(
    ("change", "code"), [("none", 0), ("target", 1), ("source", 3)], ids=["fine", "found", "away"]
)
async def test_the_command_tells_by_its_exit_code(world: Stage, change: str, code: int) -> None:
    if change == "target":
        chat(world)["policies"] = {"load": {"target": 0.9}}
    if change == "source":
        world.site.tree["sources"]["gateway"]["url"] = "http://127.0.0.1:1/metrics"
    world.site.write()
    ended = await world.site.cli("doctor", "-o", "json")
    assert ended.code == code, ended.err
    found = json.loads(ended.out)["findings"]
    assert bool({one["level"] for one in found} - {"note"}) is (code != 0)
    shown = await world.site.cli("doctor")
    assert shown.out.count("do:") == len(found)


async def test_a_doctor_writes_nothing_to_the_platform(world: Stage) -> None:
    world.knob.jobs = 200.0
    began = time.monotonic()
    await findings(world)
    assert world.puts == []
    assert time.monotonic() >= began


@pytest.mark.parametrize(("down_s", "flaps"), [(60.0, True), (600.0, True), (601.0, False)])
def test_a_platform_that_lowers_as_fast_as_it_raises_flaps(down_s: float, flaps: bool) -> None:
    seat = Seat(
        Managed("chat", RID, "online", "chat", Mode.APPLY, Limits(), (), (), {}),
        watched_since=NOW,
    )
    native = NativeScaling(up_delay_s=600.0, down_delay_s=down_s)
    live = Live(RID, Envelope(1, 4, 32), Health("ACTIVE", is_ready=True), native=native)
    seat.was_read(live, NOW)
    found = list(of_native(Seen([seat], [decided()], {}), {"online": 15.0}))
    assert [one.check for one in found] == ["native_delays"] * flaps
    assert all(f"after {down_s:.0f} s and adds them after 600 s" in one.what for one in found)


def test_every_check_is_in_the_page_and_is_made_to_appear_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == CHECKS
    here = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert {check for check in CHECKS if f'"{check}"' not in here} == set()


def test_no_finding_names_a_check_that_scripts_do_not_know() -> None:
    room = Path(place_room.__file__).parent
    calls = [
        call
        for file in room.glob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding"
    ]
    named = {
        part.value for call in calls for part in call.args[1:2] if isinstance(part, ast.Constant)
    }
    assert len(calls) > 20
    assert named <= CHECKS
